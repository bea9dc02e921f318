//! A post office of a test's own: Debian's Postfix with the files of deploy/mail/postfix, and the real `clientele mail` that it asks.
//!
//! Of the files only addresses, ports and paths are others. Postfix has namespaces of its own for files and processes: the names of
//! routes are in an /etc/hosts that only it sees, and it is gone to the last process when its first one ends. No other Postfix of the
//! machine is touched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientele::api::{Customer, Partner};
use k8s_openapi::api::core::v1::{Secret, Service};
use serde_json::Value;

use super::client::{Letter, Login, Refused, Session};
use super::postfix;
use crate::support::{
    PATIENCE, Report as _, World, children, eventually, home, tenant, unique, until,
};

/// Where programs of tests listen. Below the ports that the system gives to connections, so that nobody else is there by chance.
static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

pub struct Post {
    folder: PathBuf,
    ports: Ports,
    mail: Command,
    answering: Option<Child>,
    postfix: Child,
}

#[derive(Clone, Copy)]
pub struct Ports {
    pub submission: u16,
    pub policy: u16,
    pub sasl: u16,
    pub credentials: u16,
    http: u16,
}

impl Post {
    /// None, and loudly, where there is no Postfix.
    pub async fn open(world: &World) -> Option<Self> {
        let root = Command::new("id").arg("-u").output();
        let root = root.is_ok_and(|it| it.stdout == b"0\n");
        if !root || !Path::new(postfix::POSTFIX).exists() {
            eprintln!(
                "SKIPPED: there is no Postfix, or no root to start it (scripts/test installs it on Debian)"
            );
            return None;
        }
        let folder =
            std::env::temp_dir().join(unique(&format!("clientele-post-{}-", std::process::id())));
        let ports = Ports {
            submission: free_port(),
            policy: free_port(),
            sasl: free_port(),
            credentials: free_port(),
            http: free_port(),
        };
        postfix::lay_out(&folder, ports);
        let kubeconfig = world
            .plane
            .service_account_kubeconfig("clientele-system", "clientele-mail")
            .expect("a kubeconfig");
        let mut mail = Command::new(world_tool());
        mail.args(["run", "--", env!("CARGO_BIN_EXE_clientele"), "mail"])
            .arg(format!("--listen-policy=127.0.0.1:{}", ports.policy))
            .arg(format!("--listen-sasl=127.0.0.1:{}", ports.sasl))
            .arg(format!(
                "--listen-credentials=127.0.0.1:{}",
                ports.credentials
            ))
            .arg(format!("--listen-http=127.0.0.1:{}", ports.http))
            .arg(format!(
                "--counters=file:{}",
                folder.join("counters").display()
            ))
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::piped());
        let mut post = Self {
            postfix: postfix::start(&folder),
            folder,
            ports,
            mail,
            answering: None,
        };
        post.answer().await;
        eventually("Postfix is there", 2 * PATIENCE, async || {
            let session = Session::connect(post.ports.submission).await;
            session
                .map(drop)
                .map_err(|error| format!("{error:?}; {}", post.log()))
        })
        .await;
        Some(post)
    }

    /// Starts `clientele mail`, and waits until it answers.
    pub async fn answer(&mut self) {
        self.start();
        eventually("clientele mail is ready", PATIENCE, async || {
            let answer = get(self.ports.http, "/readyz", "").report()?;
            if answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200") {
                Ok(())
            } else {
                Err(answer)
            }
        })
        .await;
    }

    /// Starts `clientele mail`.
    pub fn start(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("mail.log"))
            .expect("a file");
        self.mail
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        self.answering = Some(self.mail.spawn().expect("clientele mail"));
    }

    /// Kills `clientele mail` in the midst of whatever it does.
    pub fn kill(&mut self) {
        let mut supervisor = self.answering.take().expect("it runs");
        for pid in children(supervisor.id()) {
            let killed = Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status();
            assert!(killed.expect("kill").success());
        }
        supervisor.wait().expect("it ends with its child");
    }

    /// Lets Postfix find the route by its name, as the cluster's DNS answers for its Service.
    pub async fn name(&self, world: &World, of: &Partner, route: &str) {
        let place = home(of);
        let service: Service = until(world.api(&place), route, "there", |it| it.is_some())
            .await
            .expect("a Service");
        let host = service.spec.and_then(|spec| spec.external_name);
        assert_eq!(
            host.as_deref(),
            Some("localhost"),
            "relays of tests are here"
        );
        let line = format!("127.0.0.1 {route}.{place}.svc\n");
        let mut hosts = fs::OpenOptions::new()
            .append(true)
            .open(self.folder.join("hosts"))
            .expect("a file");
        hosts.write_all(line.as_bytes()).expect("written");
    }

    /// Waits until `clientele mail` knows these limits of a login.
    pub async fn knows(&self, login: &Login, limits: &Value) {
        let credentials = STANDARD.encode(format!("{}:{}", login.username, login.password));
        let header = format!("Authorization: Basic {credentials}\r\n");
        eventually("the limits are in force", PATIENCE, async || {
            let answer = get(self.ports.http, "/v1/usage", &header).report()?;
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let usage: Value = serde_json::from_str(body).report()?;
            let known = limits
                .as_object()
                .into_iter()
                .flatten()
                .all(|(name, limit)| usage[name] == *limit || usage[name]["limit"] == *limit);
            if known { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    /// Where Postfix listens.
    pub const fn port(&self) -> u16 {
        self.ports.submission
    }

    /// A session of this login.
    pub async fn session(&self, login: &Login) -> Result<Session, Refused> {
        Session::open(self.ports.submission, login).await
    }

    /// A session of nobody.
    pub async fn stranger(&self) -> Result<Session, Refused> {
        Session::connect(self.ports.submission).await
    }

    /// Sends one message in a session of its own.
    pub async fn send(&self, login: &Login, letter: &Letter) -> Result<(), Refused> {
        self.session(login).await?.send(letter).await
    }

    /// Sends until it is taken.
    pub async fn sent(&self, login: &Login, letter: &Letter) {
        eventually(&letter.words, PATIENCE, async || {
            let sent = self.send(login, letter).await;
            sent.map_err(|refused| format!("{refused:?}; {}", self.log()))
        })
        .await;
    }

    /// Sends until it is refused with this code, and returns what was said.
    pub async fn refused(&self, login: &Login, letter: &Letter, code: u16) -> String {
        eventually(&letter.words, PATIENCE, async || {
            match self.send(login, letter).await {
                Err(refused) if refused.code == code => Ok(refused.text),
                other => Err(format!("{other:?}; {}", self.log())),
            }
        })
        .await
    }

    /// What waits in Postfix's queue, as JSON lines.
    pub fn queue(&self) -> String {
        self.tool("/usr/sbin/postqueue", "-j")
    }

    /// Has Postfix try at once what it has put off, instead of in a minute, until nothing waits.
    pub async fn flushed(&self) {
        eventually("what was put off goes on", 2 * PATIENCE, async || {
            let queue = self.queue();
            if queue.is_empty() {
                return Ok(());
            }
            if queue.contains("\"deferred\"") {
                self.tool("/usr/sbin/postqueue", "-f");
            }
            Err(format!("{queue}\n{}", self.log()))
        })
        .await;
    }

    fn tool(&self, program: &str, flag: &str) -> String {
        let output = Command::new(program)
            .arg("-c")
            .arg(self.folder.join("etc"))
            .arg(flag)
            .output();
        let output = output.expect("Postfix's own tool");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The ends of both logs.
    pub fn log(&self) -> String {
        let end = |name: &str| {
            let text = fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        format!(
            "Postfix:\n{}\nclientele mail:\n{}",
            end("postfix.log"),
            end("mail.log")
        )
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        // What it holds dies with it.
        for child in self.answering.iter_mut().chain([&mut self.postfix]) {
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        } else {
            fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// The customer's login, as its software finds it in the tenant. It works.
pub async fn enrol(world: &World, post: &Post, customer: &Customer) -> Login {
    let secret: Secret = until(world.api(&tenant(customer)), "smtp", "there", |it| {
        it.is_some()
    })
    .await
    .expect("a Secret");
    let text = |key: &str| {
        let value = secret.data.as_ref().and_then(|data| data.get(key));
        let value = value.expect("a login has all of it").0.clone();
        String::from_utf8(value).expect("text")
    };
    let login = Login {
        username: text("username"),
        password: text("password"),
    };
    eventually("the login is known", PATIENCE, async || {
        post.session(&login)
            .await
            .map(drop)
            .map_err(|refused| format!("{refused:?}"))
    })
    .await;
    login
}

pub fn world_tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/bin/clientele-local")
}

fn free_port() -> u16 {
    // Several runs on one machine begin at different places.
    let shift = u16::try_from(std::process::id() % 10_000).expect("small");
    loop {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed) + shift;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn get(port: u16, path: &str, headers: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: here\r\n{headers}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
