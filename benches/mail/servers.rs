//! Who is asked: `clientele mail`, postfwd and Redis, each a process of this benchmark's own that ends with it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::shared::Failure;
use super::shared::machine::Resident;
use super::shared::support::{ControlPlane, Report as _, eventually, unique};

/// How long a process may take until it answers.
const START: Duration = Duration::from_secs(60);

/// A folder that is gone with its owner.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Result<Self, Failure> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("mail-"));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A process that listens.
pub struct Server {
    /// Where.
    pub address: SocketAddr,
    child: Child,
    folder: Folder,
}

/// Where a process that leaves its parent tells its number.
const PID: &str = "pid";

impl Server {
    async fn start(
        what: &str,
        mut program: Command,
        address: SocketAddr,
        folder: Folder,
    ) -> Result<Self, Failure> {
        let log = fs::File::create(folder.0.join("log"))?;
        program.stdin(Stdio::null()).stdout(log.try_clone()?);
        let child = program.stderr(log).spawn();
        let server = Self {
            address,
            child: child.map_err(|error| format!("{what}: {error}"))?,
            folder,
        };
        eventually(what, START, async || TcpStream::connect(address).report()).await;
        Ok(server)
    }

    /// Its memory.
    pub fn resident(&self) -> Result<Resident, Failure> {
        Resident::of(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It was started for this, and has nothing that is to be kept.
        let left = fs::read_to_string(self.folder.0.join(PID));
        let pids = [Some(self.child.id().to_string()), left.ok()];
        for pid in pids.iter().flatten() {
            let mut kill = Command::new("kill");
            kill.arg(pid.trim()).stderr(Stdio::null()).status().ok();
        }
        for _ in 0..100 {
            let ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if ended && TcpStream::connect(self.address).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The real `clientele mail`, under the ServiceAccount and the rights it is shipped with; ready.
pub async fn mail(plane: &ControlPlane, redis: Option<SocketAddr>) -> Result<Server, Failure> {
    let folder = Folder::new()?;
    let (policy, http) = (free_address()?, free_address()?);
    let counters = match redis {
        None => format!("file:{}", folder.0.join("counters").display()),
        Some(address) => format!("redis://{address}"),
    };
    let mut program = Command::new(env!("CARGO_BIN_EXE_clientele"));
    program
        .arg("mail")
        .arg(format!("--listen-policy={policy}"))
        .arg(format!("--listen-sasl={}", free_address()?))
        .arg(format!("--listen-credentials={}", free_address()?))
        .arg(format!("--listen-http={http}"))
        .arg(format!("--counters={counters}"))
        .env(
            "KUBECONFIG",
            plane.service_account_kubeconfig("clientele-system", "clientele-mail")?,
        );
    let server = Server::start("clientele mail", program, policy, folder).await?;
    eventually("clientele mail is ready", START, async || {
        let answer = get(http, "/readyz").report()?;
        if answer.contains(" 200 ") {
            Ok(())
        } else {
            Err(answer)
        }
    })
    .await;
    Ok(server)
}

/// One of Debian's two postfwds, with the options of its package and a limit like ours; none where it is not installed.
pub async fn postfwd(program: &str) -> Result<Option<Server>, Failure> {
    if !Path::new(program).exists() {
        return Ok(None);
    }
    let folder = Folder::new()?;
    let rules = folder.0.join("rules");
    // Recipients of an hour by login, as our hourly limit; it never comes to bear.
    fs::write(
        &rules,
        "id=HOUR; protocol_state==END-OF-MESSAGE; action=rcpt(sasl_username/1000000000/3600/451 4.7.1 The hourly limit is reached)\n",
    )?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command
        .args([
            "--summary=600",
            "--cache=600",
            "--cache-rdomain-only",
            "--cache-no-size",
        ])
        // Neither DNS nor a log: both would only slow it down.
        .args(["--nodns", "--perfmon", "--user=nobody", "--group=nogroup"])
        .arg(format!("--file={}", rules.display()))
        .arg(format!("--interface={}", address.ip()))
        .arg(format!("--port={}", address.port()));
    // Without this one reads requests from its standard input.
    command
        .arg("--daemon")
        .arg(format!("--pidfile={}", folder.0.join(PID).display()));
    if program.ends_with('2') {
        command.arg(format!("--cache_port={}", free_address()?.port()));
    }
    Ok(Some(
        Server::start(program, command, address, folder).await?,
    ))
}

/// Debian's Redis, as durable as deploying it asks for; none where it is not installed.
pub async fn redis() -> Result<Option<Server>, Failure> {
    let there = Command::new("redis-server").arg("--version").output();
    if there.is_err() {
        return Ok(None);
    }
    let folder = Folder::new()?;
    let address = free_address()?;
    let mut program = Command::new("redis-server");
    program
        .args(["--save", "", "--appendonly", "yes", "--bind", "127.0.0.1"])
        // A file that begins empty doubles all the time; writing it anew would fall into one of the times by chance.
        .args(["--auto-aof-rewrite-min-size", "4gb"])
        .arg("--port")
        .arg(address.port().to_string())
        .arg("--dir")
        .arg(&folder.0);
    Ok(Some(
        Server::start("redis-server", program, address, folder).await?,
    ))
}

/// An address on this machine that was free a moment ago.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};

    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
