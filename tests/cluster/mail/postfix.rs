//! Debian's Postfix with the files of deploy/mail/postfix. Of these only addresses, ports and paths are others.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::post::{Ports, world_tool};
use crate::support::relay;

/// Programs of Postfix are not in everybody's PATH.
pub const POSTFIX: &str = "/usr/sbin/postfix";

/// Writes the files that are shipped, with what is different here put in.
pub fn lay_out(folder: &Path, ports: Ports) {
    for name in ["etc", "tls", "queue", "data", "counters"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let owned = Command::new("chown")
        .arg("postfix")
        .arg(folder.join("data"))
        .status();
    assert!(owned.expect("chown").success());
    let (certificate, key) = relay::identity();
    fs::write(folder.join("tls/tls.crt"), certificate).expect("a file");
    fs::write(folder.join("tls/tls.key"), key).expect("a file");
    fs::write(folder.join("hosts"), "127.0.0.1 localhost\n").expect("a file");
    let at = |name: &str| folder.join(name).display().to_string();
    let service = "inet:clientele-mail.clientele-system.svc";
    let here = |shipped: u16, port: u16| {
        (
            format!("{service}:{shipped}"),
            format!("inet:127.0.0.1:{port}"),
        )
    };
    put_in(
        "main.cf",
        folder,
        &[
            here(10_031, ports.policy),
            here(10_032, ports.sasl),
            here(10_033, ports.credentials),
            ("/var/spool/postfix".to_owned(), at("queue")),
            ("/var/lib/postfix".to_owned(), at("data")),
            ("/etc/clientele/tls".to_owned(), at("tls")),
            (
                "/etc/ssl/certs/ca-certificates.crt".to_owned(),
                relay::authority().display().to_string(),
            ),
        ],
    );
    put_in(
        "master.cf",
        folder,
        &[(
            "\n587 ".to_owned(),
            format!("\n127.0.0.1:{} ", ports.submission),
        )],
    );
}

fn put_in(name: &str, folder: &Path, what: &[(String, String)]) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/mail/postfix")
        .join(name);
    let mut text = fs::read_to_string(shipped).expect("a file that is shipped");
    for (shipped, here) in what {
        assert!(text.contains(shipped), "{name} has no {shipped}");
        text = text.replace(shipped, here);
    }
    fs::write(folder.join("etc").join(name), text).expect("a file");
}

pub fn start(folder: &Path) -> Child {
    let log = fs::File::create(folder.join("postfix.log")).expect("a file");
    let (hosts, etc) = (folder.join("hosts"), folder.join("etc"));
    // The shell stays, and dies with its parent, and the namespace with it. Postfix's own first process would not: it changes who it
    // is, and whoever does that is not told any more that its parent has died.
    let command = format!(
        "mount --make-rprivate / && mount --bind {} /etc/hosts && {POSTFIX} -c {} start-fg; true",
        hosts.display(),
        etc.display()
    );
    Command::new(world_tool())
        .args([
            "run",
            "--",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            &command,
        ])
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("Postfix")
}
