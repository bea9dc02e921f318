//! A customer's mail program: logs in at Postfix and sends.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::extension::ClientId;

use crate::support::relay;

/// What somebody logs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl Login {
    /// The same one, for a route that is asked for by name.
    pub fn by(&self, route: &str) -> Self {
        Self {
            username: format!("{}+{route}", self.username),
            password: self.password.clone(),
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code of the answer; 0 if there was none.
    pub code: u16,
    /// What it says.
    pub text: String,
}

impl Refused {
    /// Whether a mail program tries again by itself.
    pub fn for_now(&self) -> bool {
        self.code < 500
    }
}

impl From<lettre::transport::smtp::Error> for Refused {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        let code = error.status().map_or(0, u16::from);
        let text = format!("{error:?}");
        Self { code, text }
    }
}

/// A message that is known again at the relay by its words.
pub struct Letter {
    pub from: String,
    pub to: Vec<String>,
    pub words: String,
}

impl Letter {
    /// To so many people.
    pub fn to(people: usize, words: &str) -> Self {
        Self {
            from: "ops@globex.example".to_owned(),
            to: (0..people)
                .map(|number| format!("reader-{number}@example.org"))
                .collect(),
            words: words.to_owned(),
        }
    }

    /// In the name of somebody.
    pub fn from(mut self, from: &str) -> Self {
        self.from = from.to_owned();
        self
    }
}

/// A session.
pub struct Session(AsyncSmtpConnection);

impl Session {
    /// Connects and encrypts.
    pub async fn connect(port: u16) -> Result<Self, Refused> {
        let hello = ClientId::Domain("client.example".to_owned());
        let patience = Some(Duration::from_secs(20));
        let mut session =
            AsyncSmtpConnection::connect_tokio1(("127.0.0.1", port), patience, &hello, None, None)
                .await?;
        session.starttls(tls(), &hello).await?;
        Ok(Self(session))
    }

    /// Connects, encrypts and logs in.
    pub async fn open(port: u16, login: &Login) -> Result<Self, Refused> {
        let mut session = Self::connect(port).await?;
        let credentials = Credentials::new(login.username.clone(), login.password.clone());
        session.0.auth(&[Mechanism::Plain], &credentials).await?;
        Ok(session)
    }

    /// Sends one message; Ok is Postfix's word that it has it.
    pub async fn send(&mut self, letter: &Letter) -> Result<(), Refused> {
        let address = |text: &String| text.parse().expect("an address");
        let to = letter.to.iter().map(address).collect();
        let envelope = Envelope::new(Some(address(&letter.from)), to).expect("an envelope");
        let message = format!(
            "From: {}\r\nTo: readers\r\nSubject: {}\r\n\r\nHello\r\n",
            letter.from, letter.words
        );
        self.0.send(&envelope, message.as_bytes()).await?;
        Ok(())
    }
}

fn tls() -> TlsParameters {
    let authority = std::fs::read(relay::authority()).expect("a file");
    TlsParametersBuilder::new("localhost".to_owned())
        .add_root_certificate(Certificate::from_pem(&authority).expect("a certificate"))
        .build_rustls()
        .expect("parameters")
}
