//! An SMTP relay that takes mail and keeps it: what a PostalRoute leads to in tests (RFC 5321, with STARTTLS, implicit TLS and AUTH
//! PLAIN and LOGIN). It runs on a thread of its own, so that it serves every test of the run.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The longest line that is read.
const LONGEST: usize = 64 * 1024;

/// How a relay behaves.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// How it encrypts.
    pub encryption: Encryption,
    /// The username and password it takes; absent: it asks for none.
    pub login: Option<(String, String)>,
    /// More of them.
    pub more_logins: Vec<(String, String)>,
    /// Its certificate is signed by nobody one trusts.
    pub untrusted: bool,
    /// What it greets with, instead of a welcome.
    pub greeting: Option<String>,
}

/// How a relay encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// On the command STARTTLS.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who had logged in.
    pub login: Option<String>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// The message.
    pub data: String,
}

/// A relay at work until it is dropped.
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Mail>>>,
    serving: JoinHandle<()>,
}

impl Relay {
    /// The relay of this run: without encryption, taking the credentials of fixtures' routes.
    pub fn of_this_run() -> &'static Self {
        static RUNNING: OnceLock<Relay> = OnceLock::new();
        RUNNING.get_or_init(|| {
            Self::start(Manner {
                login: Some(("relay".to_owned(), "secret".to_owned())),
                ..Manner::default()
            })
        })
    }

    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(manner: Manner) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), manner)
    }

    /// Starts one at an address.
    ///
    /// # Panics
    /// When it cannot listen there.
    pub fn start_at(address: SocketAddr, manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("an address to listen at");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::<Mutex<Vec<Mail>>>::default();
        let server = Server {
            manner: Arc::new(manner),
            taken: Arc::clone(&taken),
        };
        let serving = runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            // Who is being served goes with it.
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                sessions.spawn(async move { server.serve(stream).await });
            }
        });
        Self {
            address,
            taken,
            serving,
        }
    }

    /// Ends it, so that another one can have its address.
    pub async fn end(mut self) {
        self.serving.abort();
        (&mut self.serving).await.ok();
    }

    /// The messages it has taken, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads"))
}

/// A file with the authority that signs the certificates of relays, in PEM: for `SSL_CERT_FILE`.
pub fn authority() -> PathBuf {
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("relays-{}.pem", std::process::id()));
    if !file.exists() {
        std::fs::write(&file, issuer().pem()).expect("a file");
    }
    file
}

fn issuer() -> &'static CertifiedIssuer<'static, KeyPair> {
    static ISSUER: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    ISSUER.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "The authority of tests");
        let key = KeyPair::generate().expect("a key");
        CertifiedIssuer::self_signed(params, key).expect("an authority")
    })
}

/// A certificate for this machine, and its key.
fn certificate(untrusted: bool) -> (Certificate, KeyPair) {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).expect("names");
    // Of the authority's own name it would be taken for one that has signed itself.
    params
        .distinguished_name
        .push(DnType::CommonName, "A relay of tests");
    let key = KeyPair::generate().expect("a key");
    let certificate = if untrusted {
        params.self_signed(&key)
    } else {
        params.signed_by(&key, issuer())
    };
    (certificate.expect("a certificate"), key)
}

/// A certificate for this machine that the authority has signed, and its key, in PEM.
pub fn identity() -> (String, String) {
    let (certificate, key) = certificate(false);
    (certificate.pem(), key.serialize_pem())
}

fn acceptor(untrusted: bool) -> TlsAcceptor {
    let (certificate, key) = certificate(untrusted);
    let certificate = certificate.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_no_client_auth()
    .with_single_cert(vec![certificate], key)
    .expect("a configuration");
    TlsAcceptor::from(Arc::new(config))
}

#[derive(Clone)]
struct Server {
    manner: Arc<Manner>,
    taken: Arc<Mutex<Vec<Mail>>>,
}

/// How a session went on from a connection.
enum Next {
    End,
    Encrypt,
}

impl Server {
    async fn serve(&self, stream: TcpStream) {
        // A peer that goes away in the middle ends its session, nothing else.
        self.session(stream).await.ok();
    }

    async fn session(&self, mut stream: TcpStream) -> io::Result<()> {
        if self.manner.encryption == Encryption::Implicit {
            let stream = acceptor(self.manner.untrusted).accept(stream).await?;
            return self.talk(stream, true, true).await.map(|_| ());
        }
        if let Next::Encrypt = self.talk(&mut stream, false, true).await? {
            let stream = acceptor(self.manner.untrusted).accept(stream).await?;
            self.talk(stream, true, false).await?;
        }
        Ok(())
    }

    fn take(&self, mail: Mail) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(mail);
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        encrypted: bool,
        greet: bool,
    ) -> io::Result<Next> {
        let mut wire = Wire(BufReader::new(stream));
        if greet {
            let greeting = self.manner.greeting.as_deref();
            wire.say(greeting.unwrap_or("220 relay.test ESMTP")).await?;
        }
        let mut login = None;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = wire.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    let mut lines = vec!["relay.test"];
                    if self.manner.encryption == Encryption::StartTls && !encrypted {
                        lines.push("STARTTLS");
                    }
                    if self.manner.login.is_some() {
                        lines.push("AUTH PLAIN LOGIN");
                    }
                    lines.push("8BITMIME");
                    let last = lines.len() - 1;
                    for (number, line) in lines.into_iter().enumerate() {
                        let dash = if number == last { ' ' } else { '-' };
                        wire.say(&format!("250{dash}{line}")).await?;
                    }
                }
                "STARTTLS" if self.manner.encryption == Encryption::StartTls && !encrypted => {
                    wire.say("220 go ahead").await?;
                    return Ok(Next::Encrypt);
                }
                "AUTH" => {
                    let given = wire.credentials(rest).await?;
                    let mut known = self.manner.login.iter().chain(&self.manner.more_logins);
                    if known.any(|known| Some(known) == given.as_ref()) {
                        login = given.map(|(username, _)| username);
                        wire.say("235 welcome").await?;
                    } else {
                        wire.say("535 5.7.8 authentication failed").await?;
                    }
                }
                "MAIL" if self.manner.login.is_some() && login.is_none() => {
                    wire.say("530 5.7.0 authentication required").await?;
                }
                "MAIL" => {
                    from = address(rest);
                    to.clear();
                    wire.say("250 ok").await?;
                }
                "RCPT" => {
                    to.push(address(rest));
                    wire.say("250 ok").await?;
                }
                "DATA" => {
                    wire.say("354 go on").await?;
                    let data = wire.data().await?;
                    let mail = Mail {
                        login: login.clone(),
                        encrypted,
                        from: from.clone(),
                        to: std::mem::take(&mut to),
                        data,
                    };
                    self.take(mail);
                    wire.say("250 2.0.0 taken").await?;
                }
                "RSET" | "NOOP" => wire.say("250 ok").await?,
                "QUIT" => {
                    wire.say("221 bye").await?;
                    return Ok(Next::End);
                }
                _ => wire.say("502 5.5.1 not here").await?,
            }
        }
    }
}

/// What stands between the angle brackets.
fn address(parameter: &str) -> String {
    let inside = parameter
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside
        .map(|(address, _)| address.to_owned())
        .unwrap_or_default()
}

/// Lines both ways.
struct Wire<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.0.flush().await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await?;
        if read == 0 || read > LONGEST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    async fn data(&mut self) -> io::Result<String> {
        let mut data = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(data);
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push('\n');
        }
    }

    /// The username and password of an AUTH command.
    async fn credentials(&mut self, command: &str) -> io::Result<Option<(String, String)>> {
        let (mechanism, initial) = command.split_once(' ').unwrap_or((command, ""));
        match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = match initial {
                    "" => {
                        self.say("334 ").await?;
                        self.line().await?
                    }
                    given => given.to_owned(),
                };
                let text = decoded(&answer);
                let mut parts = text.split('\0').skip(1).map(str::to_owned);
                Ok(parts.next().zip(parts.next()))
            }
            "LOGIN" => {
                self.say("334 VXNlcm5hbWU6").await?;
                let username = self.line().await?;
                self.say("334 UGFzc3dvcmQ6").await?;
                let password = self.line().await?;
                Ok(Some((decoded(&username), decoded(&password))))
            }
            _ => Ok(None),
        }
    }
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
