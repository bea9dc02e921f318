//! The control plane of a test run, and the ways to talk to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;

use super::{Audit, PATIENCE, children, eventually, unique};

/// How a control plane is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether etcd waits for the disk, as on a real cluster. Tests do not need it.
    pub fsync: bool,
    /// Requests per second of each controller in kube-controller-manager; absent: its default, 20.
    pub controller_qps: Option<u32>,
    /// File for the API server's `--authentication-config`.
    pub authentication_config: Option<PathBuf>,
}

/// A running control plane. It ends when this value, or the process, does.
pub struct ControlPlane {
    data: PathBuf,
    kubeconfig: PathBuf,
    audit: Audit,
    supervisor: Child,
}

/// The line `clientele-local up` prints when it is ready.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    kubeconfig: PathBuf,
    audit_log: PathBuf,
}

impl ControlPlane {
    /// The one control plane of this test run, with everything of deploy/ installed. The first caller waits for it.
    ///
    /// # Panics
    /// When it does not come up. Every test says so then, and with the same words.
    pub fn of_this_run() -> &'static Self {
        static RUNNING: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        let started = RUNNING.get_or_init(|| {
            // The controllers' own limit would only make the start slower: they fetch a token each.
            let options = Options {
                controller_qps: Some(200),
                ..Options::default()
            };
            let plane = Self::start("cluster", &options)?;
            plane.install()?;
            Ok(plane)
        });
        match started {
            Ok(plane) => plane,
            Err(reason) => panic!("no control plane: {reason}"),
        }
    }

    /// Starts a control plane with empty data in a directory of this name under the build's own.
    pub fn start(name: &str, options: &Options) -> Result<Self, String> {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut command = Command::new(tool()?);
        command.arg("up").arg("--data").arg(&data);
        command.args(["--fresh", "--with-parent"]);
        command.arg(format!("--fsync={}", options.fsync));
        if let Some(qps) = options.controller_qps {
            command.arg(format!("--kcm-qps={qps}"));
            command.arg(format!("--kcm-burst={}", qps * 2));
        }
        if let Some(file) = &options.authentication_config {
            command.arg("--authentication-config").arg(file);
        }
        let mut supervisor = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let mut line = String::new();
        if let Some(output) = supervisor.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(|error| error.to_string())?;
        }
        if line.is_empty() {
            // Its own message is on standard error already.
            let status = supervisor.wait().map_err(|error| error.to_string())?;
            return Err(format!("clientele-local up ended: {status}"));
        }
        let ready: Ready =
            serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?;
        Ok(Self {
            data,
            audit: Audit::new(ready.audit_log, ready.kubeconfig.clone()),
            kubeconfig: ready.kubeconfig,
            supervisor,
        })
    }

    /// Installs Clientele as the README says, and waits until the API server serves its kinds. Doing it again is
    /// harmless.
    pub fn install(&self) -> Result<(), String> {
        self.try_kubectl(&["apply", "-k", "deploy/"])?;
        let wait = [
            "wait",
            "--for=condition=Established",
            "customresourcedefinitions",
            "--all",
            "--timeout=30s",
        ];
        self.try_kubectl(&wait).map(drop)
    }

    /// The directory that holds everything of this run, logs too.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Process id of the supervisor; etcd, the API server and the controllers are its children.
    pub fn pid(&self) -> u32 {
        self.supervisor.id()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server's audit log.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// A client with all rights (group `system:masters`). Each test makes its own: a client belongs to the runtime
    /// it was made in.
    pub async fn admin(&self) -> Client {
        client(self.config().await)
    }

    /// A client for a person, by impersonation. The group `system:authenticated` comes by itself.
    pub async fn as_user(&self, name: &str, groups: &[&str]) -> Client {
        let mut config = self.config().await;
        config.auth_info.impersonate = Some(name.to_owned());
        if !groups.is_empty() {
            let groups = groups.iter().map(|&group| group.to_owned()).collect();
            config.auth_info.impersonate_groups = Some(groups);
        }
        client(config)
    }

    /// A client for a ServiceAccount, by impersonation.
    pub async fn as_service_account(&self, namespace: &str, name: &str) -> Client {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        self.as_user(&user, &[]).await
    }

    /// The configuration of the administrator's client, to be changed where a test needs another.
    pub async fn config(&self) -> Config {
        load(&self.kubeconfig).await
    }

    /// Runs kubectl as the administrator, in the project's directory, and returns what it prints.
    ///
    /// # Panics
    /// When it fails, with what it says.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs kubectl as the administrator; an error is what it says.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.kubectl_with_input(arguments, "")
    }

    /// Runs kubectl as the administrator with this standard input (`apply -f -`); an error is what it says.
    pub fn kubectl_with_input(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        kubectl(&self.kubeconfig, arguments, input)
    }

    /// Kills the API server and waits until another one answers in its place.
    ///
    /// # Panics
    /// When none does.
    pub async fn crash_api_server(&self) {
        let before = children(self.pid());
        let told = Command::new("kill")
            .args(["-USR1", &self.pid().to_string()])
            .status();
        assert!(told.is_ok_and(|status| status.success()), "no supervisor");
        eventually("another API server", PATIENCE, async || {
            if children(self.pid()) == before {
                return Err("the same is there".to_owned());
            }
            self.try_kubectl(&["get", "--raw", "/readyz"])
        })
        .await;
    }

    /// Writes a kubeconfig with a token of this ServiceAccount, a new one each time: the audit log tells tokens apart
    /// ([`AuditEvent::credential`](super::AuditEvent)).
    pub fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, String> {
        let file = unique(&format!("{namespace}.{name}."));
        let file = self.data.join(format!("{file}.kubeconfig"));
        let mut command = Command::new(tool()?);
        command.arg("kubeconfig").arg("--data").arg(&self.data);
        command.args(["--service-account", &format!("{namespace}/{name}")]);
        command.arg("-o").arg(&file);
        finish(command, "").map(|_| file)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            eprintln!("the control plane did not end: {error}");
        }
    }
}

/// The program that holds the control plane.
pub fn tool() -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/bin/clientele-local");
    if path.exists() {
        Ok(path)
    } else {
        Err("it is not built: run `make control-plane`".to_owned())
    }
}

/// A client from a configuration.
pub fn client(config: Config) -> Client {
    Client::try_from(config).expect("a configuration written by clientele-local")
}

/// Reads a kubeconfig.
pub async fn load(file: &Path) -> Config {
    let kubeconfig = Kubeconfig::read_from(file).expect("a kubeconfig written by clientele-local");
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a kubeconfig written by clientele-local")
}

fn kubectl(kubeconfig: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(tool()?);
    command
        .arg("kubectl")
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    finish(command, input)
}

/// Runs a program to its end.
fn finish(mut command: Command, input: &str) -> Result<String, String> {
    let run = |command: &mut Command| {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading all of it says why on its standard error.
            stdin.write_all(input.as_bytes()).ok();
        }
        child.wait_with_output()
    };
    let output = run(&mut command).map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}: {said}", output.status))
    }
}
