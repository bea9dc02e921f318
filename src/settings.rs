//! Flags and environment, resolved once into [`Settings`].
//!
//! This is the only module that reads the environment: every flag has a variable of its own, and what neither
//! names gets its default here. Whoever needs a setting is handed it as a value.

use std::{
    net::SocketAddr,
    num::{NonZeroU16, NonZeroUsize},
    path::PathBuf,
};

use clap::{
    ArgAction, Args, Parser, Subcommand, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser},
};

/// What the process was asked to do.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "clientele",
    version,
    about = "Customer management for Kubernetes",
    max_term_width = 100
)]
#[command(after_help = crate::error::EXIT_CODES)]
pub struct Settings {
    /// The part of Clientele to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The parts of Clientele.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the operator: make partners, customers, users and mail routes true in the cluster
    Operator(OperatorSettings),
    /// Answer what a mail server asks: who is this, may they send, by which relay and with which credentials
    Mail(MailSettings),
    /// Print the CustomResourceDefinitions as YAML
    Crds,
}

/// Settings of `clientele operator`.
#[derive(Debug, Clone, Args)]
pub struct OperatorSettings {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterSettings,

    /// Namespace the operator runs in; its leader election Lease is here
    #[arg(
        long,
        env = "CLIENTELE_NAMESPACE",
        value_name = "NAME",
        default_value = "clientele-system"
    )]
    pub namespace: String,

    /// Address of /healthz, /readyz and /metrics (port 0: any free one, which the log names)
    #[arg(
        long,
        env = "CLIENTELE_LISTEN",
        value_name = "ADDR",
        default_value = "0.0.0.0:8080"
    )]
    pub listen: SocketAddr,

    /// The log.
    #[command(flatten)]
    pub log: LogSettings,

    /// Objects of one kind worked on at the same time
    #[arg(
        long,
        env = "CLIENTELE_CONCURRENCY",
        value_name = "N",
        default_value = "32"
    )]
    pub concurrency: NonZeroUsize,

    /// Work only while holding the Lease `clientele`, so that a second replica stands by
    #[arg(long, env = "CLIENTELE_LEADER_ELECT", value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub leader_elect: bool,

    /// Let mail routes lead to relays that only this cluster or this machine can reach, and send passwords without
    /// encryption: for trying things out
    #[arg(long, env = "CLIENTELE_ALLOW_PRIVATE_RELAYS", value_name = "BOOL", default_value_t = false, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    pub allow_private_relays: bool,

    /// Host to which tenants send their mail: each customer with a mail route gets an SMTP login there, in the Secret
    /// `smtp` of its namespace; without it no logins are made
    #[arg(long, env = "CLIENTELE_SMTP_HOST", value_name = "HOST", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub smtp_host: Option<String>,

    /// Port of that host
    #[arg(
        long,
        env = "CLIENTELE_SMTP_PORT",
        value_name = "PORT",
        default_value = "587"
    )]
    pub smtp_port: NonZeroU16,

    /// Name in the Lease; no two running operators may share it (a Pod's name is right)
    #[arg(long, env = "CLIENTELE_IDENTITY", value_name = "NAME", default_value_t = default_identity(), hide_default_value = true)]
    pub identity: String,
}

/// Where the cluster is, and how hard it is asked.
#[derive(Debug, Clone, Args)]
pub struct ClusterSettings {
    /// Kubeconfig to use, several separated by the system's path separator; without it the Pod's ServiceAccount,
    /// else ~/.kube/config
    #[arg(long, env = "KUBECONFIG", value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub kubeconfig: Option<PathBuf>,

    /// API calls in flight at the same time, watches and the leader election's not counted; each is a connection
    #[arg(
        long,
        env = "CLIENTELE_MAX_CALLS",
        value_name = "N",
        default_value = "64"
    )]
    pub max_calls: NonZeroUsize,
}

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
pub struct LogSettings {
    /// Form of the log on stderr
    #[arg(
        long,
        env = "CLIENTELE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// What is logged: a level, or directives such as `info,clientele::apply=debug`
    #[arg(
        long,
        env = "CLIENTELE_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub log_filter: String,
}

/// Settings of `clientele mail`. The ports are the ones that deploy/mail gives to Postfix.
#[derive(Debug, Clone, Args)]
pub struct MailSettings {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterSettings,

    /// The log.
    #[command(flatten)]
    pub log: LogSettings,

    /// Address of policy delegation (Postfix: `check_policy_service inet:HOST:PORT` in smtpd_end_of_data_restrictions)
    #[arg(
        long,
        env = "CLIENTELE_LISTEN_POLICY",
        value_name = "ADDR",
        default_value = "127.0.0.1:10031"
    )]
    pub listen_policy: SocketAddr,

    /// Address of the Dovecot auth protocol (Postfix: smtpd_sasl_path = inet:HOST:PORT)
    #[arg(
        long,
        env = "CLIENTELE_LISTEN_SASL",
        value_name = "ADDR",
        default_value = "127.0.0.1:10032"
    )]
    pub listen_sasl: SocketAddr,

    /// Address of the relays' credentials (Postfix: socketmap:inet:HOST:PORT:credentials and :tls); whoever reaches it can read
    /// them all
    #[arg(
        long,
        env = "CLIENTELE_LISTEN_CREDENTIALS",
        value_name = "ADDR",
        default_value = "127.0.0.1:10033"
    )]
    pub listen_credentials: SocketAddr,

    /// Address of /healthz, /readyz, /metrics and /v1
    #[arg(
        long,
        env = "CLIENTELE_LISTEN_HTTP",
        value_name = "ADDR",
        default_value = "0.0.0.0:8080"
    )]
    pub listen_http: SocketAddr,

    /// Where it is counted what was sent: `file:FOLDER` for one process, `redis://HOST:PORT` (or rediss://, redis+unix://) for several
    #[arg(long, env = "CLIENTELE_COUNTERS", value_name = "PLACE")]
    pub counters: String,

    /// Name in Events (a Pod's name is right)
    #[arg(long, env = "CLIENTELE_IDENTITY", value_name = "NAME", default_value_t = default_identity(), hide_default_value = true)]
    pub identity: String,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line an event, for people.
    Text,
    /// One JSON object an event, for log collectors.
    Json,
}

/// The host's name (a Pod's host name is the Pod's own) and the process id, so that two operators started by hand
/// on one machine do not take each other for themselves.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the environment is read"
)]
fn default_identity() -> String {
    let host = std::env::var("HOSTNAME")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .unwrap_or_default();
    let host = match host.trim() {
        "" => "clientele",
        host => host,
    };
    format!("{host}_{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(arguments: &[&str]) -> OperatorSettings {
        let line = ["clientele", "operator"].iter().chain(arguments);
        match Settings::try_parse_from(line)
            .expect("valid arguments")
            .command
        {
            Command::Operator(settings) => settings,
            Command::Mail(_) | Command::Crds => unreachable!("`operator` was asked for"),
        }
    }

    #[test]
    fn leader_election_can_be_switched_off() {
        assert!(operator(&[]).leader_elect);
        assert!(!operator(&["--leader-elect=false"]).leader_elect);
    }

    #[test]
    fn zero_concurrency_is_refused() {
        let refused = Settings::try_parse_from(["clientele", "operator", "--concurrency", "0"]);
        assert_eq!(refused.expect_err("zero would never work").exit_code(), 2);
    }

    #[test]
    fn two_processes_on_one_host_have_different_identities() {
        assert!(
            operator(&[])
                .identity
                .ends_with(&format!("_{}", std::process::id()))
        );
    }

    #[test]
    fn every_flag_has_a_variable() {
        use clap::CommandFactory;
        let command = Settings::command();
        let parts = ["operator", "mail"].map(|name| command.find_subcommand(name));
        for argument in parts
            .into_iter()
            .flat_map(|part| part.expect("subcommand").get_arguments())
            .filter(|argument| argument.get_id() != "help")
        {
            assert!(
                argument.get_env().is_some(),
                "--{} has no environment variable",
                argument.get_id()
            );
        }
    }
}
