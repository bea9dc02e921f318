//! The operator of a test run: the real binary, under the ServiceAccount and the rights it is shipped with.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;

use super::audit::CREDENTIAL_ID;
use super::control_plane::{client, load, tool};
use super::relay;
use super::{ControlPlane, PATIENCE};

/// Where tenants are told to send their mail.
pub const SMTP_HOST: &str = "mail.clientele.example";

/// What the API server calls the operator.
pub const OPERATOR_USER: &str = "system:serviceaccount:clientele-system:clientele";

/// An operator that is started again when it ends by itself, as a kubelet would.
pub struct Operator {
    address: SocketAddr,
    kubeconfig: PathBuf,
    log: PathBuf,
    state: Arc<Mutex<State>>,
}

struct State {
    program: Command,
    child: Option<Child>,
    /// How often it ended although nobody asked it to, with the last status.
    ends: Vec<ExitStatus>,
}

impl Operator {
    /// The one operator of this test run; the first caller waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready, with the end of its log.
    pub fn of_this_run() -> &'static Self {
        static RUNNING: OnceLock<Result<Operator, String>> = OnceLock::new();
        let started = RUNNING.get_or_init(|| {
            let operator = Self::launch(ControlPlane::of_this_run())?;
            operator.await_ready()?;
            Ok(operator)
        });
        match started {
            Ok(operator) => operator,
            Err(reason) => panic!("no operator: {reason}"),
        }
    }

    /// Starts an operator on a control plane. It need not be ready yet.
    pub fn launch(plane: &ControlPlane) -> Result<Self, String> {
        Self::replica(plane, "clientele-0")
    }

    /// Starts one of several operators, by its name in the Lease. Each has a token and a log of its own.
    pub fn replica(plane: &ControlPlane, identity: &str) -> Result<Self, String> {
        let kubeconfig = plane.service_account_kubeconfig("clientele-system", "clientele")?;
        let address = free_address().map_err(|error| error.to_string())?;
        // The next run begins with none of these.
        let log = plane.data().join("logs").join(format!("{identity}.log"));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| format!("{}: {error}", log.display()))?;
        let mut program = Command::new(tool()?);
        program
            .args(["run", "--", env!("CARGO_BIN_EXE_clientele"), "operator"])
            .arg(format!("--listen={address}"))
            // A Pod that is started again keeps its name, and with it the lease.
            .arg(format!("--identity={identity}"))
            // The relays of tests are on this machine, and their authority is nobody's.
            .arg("--allow-private-relays")
            // No test sends mail there: it is only told to tenants.
            .arg(format!("--smtp-host={SMTP_HOST}"))
            .env("SSL_CERT_FILE", relay::authority())
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::piped())
            .stdout(clone(&file)?)
            .stderr(file);
        let operator = Self {
            address,
            kubeconfig,
            log,
            state: Arc::new(Mutex::new(State {
                program,
                child: None,
                ends: Vec::new(),
            })),
        };
        operator.start()?;
        keep(Arc::clone(&operator.state));
        Ok(operator)
    }

    /// Starts it after [`Operator::stop`] or [`Operator::kill`]. It need not be ready yet.
    pub fn start(&self) -> Result<(), String> {
        let mut state = self.state();
        if state.child.is_none() {
            state.spawn().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Asks it to end, as a kubelet does, and returns how it ended. It stays down. Only for tests that run alone.
    pub fn stop(&self) -> Option<ExitStatus> {
        let mut child = self.state().child.take()?;
        // The end of its standard input makes `run` send SIGTERM.
        drop(child.stdin.take());
        child.wait().ok()
    }

    /// Ends it at once, as a crash of its node would. It stays down. Only for tests that run alone.
    pub fn kill(&self) {
        if let Some(mut child) = self.state().child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Freezes it, as a machine does that is suspended: it neither works nor knows that it does not.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Operator::pause`].
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        for pid in self.pid().into_iter().flat_map(children) {
            let mut kill = Command::new("kill");
            kill.args(["-s", signal, &pid.to_string()]).status().ok();
        }
    }

    /// What the audit log calls its token.
    pub async fn credential(&self) -> String {
        let reviews: Api<SelfSubjectReview> = Api::all(client(load(&self.kubeconfig).await));
        let review = SelfSubjectReview::default();
        let answer = reviews.create(&PostParams::default(), &review).await;
        let user = answer.expect("an answer").status;
        let extra = user.and_then(|status| status.user_info?.extra);
        let ids = extra.and_then(|mut extra| extra.remove(CREDENTIAL_ID));
        let id = ids.and_then(|ids| ids.into_iter().next());
        id.expect("the API server names the token")
    }

    /// Process id of `clientele-local run`, whose child it is; `None` while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    /// How it ended when nobody asked it to, one entry a time.
    pub fn ends(&self) -> Vec<ExitStatus> {
        self.state().ends.clone()
    }

    /// Waits until it says that it is ready.
    pub fn await_ready(&self) -> Result<(), String> {
        self.await_said("")
    }

    /// Waits until it says that it stands by, since another one leads.
    pub fn await_standing_by(&self) -> Result<(), String> {
        self.await_said("standing by")
    }

    fn await_said(&self, part: &str) -> Result<(), String> {
        let begun = Instant::now();
        let mut last = String::new();
        while begun.elapsed() < PATIENCE {
            match self.get("/readyz") {
                Ok((200, said)) if said.contains(part) => return Ok(()),
                Ok((code, body)) => last = format!("{code}: {body}"),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!(
            "/readyz: no 200 with {part:?} within {PATIENCE:?}; {last}\nThe end of its log:\n{}",
            self.log_tail(40)
        ))
    }

    /// Asks its own HTTP server (`/metrics`, `/healthz`, `/readyz`): status and body.
    pub fn get(&self, path: &str) -> io::Result<(u16, String)> {
        let patience = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&self.address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let code = head
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no HTTP answer: {head:?}")))?;
        Ok((code, body.to_owned()))
    }

    /// All it has logged in this run.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // One that is paused would not hear that it is to end.
        self.go_on();
        self.stop();
    }
}

impl State {
    fn spawn(&mut self) -> io::Result<()> {
        self.child = Some(self.program.spawn()?);
        Ok(())
    }

    /// Starts it again if it has ended by itself.
    fn look(&mut self) {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok()?);
        if let Some(status) = ended {
            self.ends.push(status);
            self.child = None;
            if let Err(error) = self.spawn() {
                eprintln!("the operator cannot be started again: {error}");
            }
        }
    }
}

/// Looks after the operator until nobody else holds its state. Slow enough that one which cannot start does not eat
/// the machine.
fn keep(state: Arc<Mutex<State>>) {
    thread::spawn(move || {
        while Arc::strong_count(&state) > 1 {
            thread::sleep(Duration::from_millis(500));
            state.lock().unwrap_or_else(PoisonError::into_inner).look();
        }
    });
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn clone(file: &File) -> Result<File, String> {
    file.try_clone().map_err(|error| error.to_string())
}

/// The children of a process. Linux keeps them by the thread that made them.
pub fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|line| {
            line.split_whitespace()
                .flat_map(str::parse)
                .collect::<Vec<u32>>()
        })
        .collect()
}
