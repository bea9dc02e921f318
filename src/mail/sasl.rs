//! The Dovecot auth protocol, as a server (version 1; doc/wiki "Design.AuthProtocol"): what Postfix's `smtpd_sasl_type = dovecot` speaks.
//!
//! Lines of fields between tabs. The server says what it can do, the client what it is, and then each attempt to log in has a
//! number of its own: `AUTH`, perhaps `CONT` back and forth, and `OK` or `FAIL`. Mechanisms are PLAIN (RFC 4616) and LOGIN; both
//! need TLS in front, which Postfix's `smtpd_tls_auth_only` sees to.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;

use super::logins::{Attempt, Logins};
use super::serve::Protocol;
use super::wire::{Broken, Wire, within};

/// Longest line: an answer of 256 bytes twice, in base64, and addresses.
pub const LINE: usize = 4096;

/// Attempts of one connection that wait for their next line. Postfix has one at a time.
const WAITING: usize = 16;

/// An attempt that waits for the client.
#[derive(Debug)]
struct Waiting {
    mechanism: Mechanism,
    username: Option<Vec<u8>>,
    address: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
}

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to say.
    Nothing,
    /// This line.
    Say(String),
    /// To look whether a password is right.
    Check(Claim),
}

/// Somebody says who they are.
#[derive(PartialEq, Eq)]
pub struct Claim {
    /// The number of the attempt.
    pub id: u32,
    /// Who.
    pub username: String,
    /// By what.
    pub password: Vec<u8>,
    /// Where from.
    pub address: Option<IpAddr>,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claim({}, {:?})", self.id, self.username)
    }
}

/// One connection.
#[derive(Debug, Default)]
pub struct Session {
    waiting: HashMap<u32, Waiting>,
}

impl Session {
    /// Takes in a line.
    ///
    /// # Errors
    /// When it is not of this protocol.
    pub fn line(&mut self, line: &[u8]) -> Result<Step, Broken> {
        let line = std::str::from_utf8(line).map_err(|_| Broken::Wrong("a line is no text"))?;
        let mut fields = line.split('\t');
        match fields.next() {
            Some("VERSION") if fields.next() != Some("1") => {
                Err(Broken::Wrong("not version 1 of the protocol"))
            }
            Some("VERSION" | "CPID" | "CANCEL") => Ok(Step::Nothing),
            Some("AUTH") => self.begin(fields),
            Some("CONT") => {
                let id = number(fields.next())?;
                let answer = fields.next().unwrap_or_default();
                let Some(waiting) = self.waiting.remove(&id) else {
                    return Ok(Step::Say(fail(id, None, "reason=Begin again")));
                };
                Ok(self.go_on(id, waiting, Some(answer)))
            }
            _ => Err(Broken::Wrong("an unknown command")),
        }
    }

    fn begin<'l>(&mut self, mut fields: impl Iterator<Item = &'l str>) -> Result<Step, Broken> {
        let id = number(fields.next())?;
        let mechanism = match fields.next() {
            Some(name) if name.eq_ignore_ascii_case("PLAIN") => Mechanism::Plain,
            Some(name) if name.eq_ignore_ascii_case("LOGIN") => Mechanism::Login,
            _ => return Ok(Step::Say(fail(id, None, "reason=Use PLAIN or LOGIN"))),
        };
        let (mut address, mut answer) = (None, None);
        for field in fields {
            if let Some(text) = field.strip_prefix("rip=") {
                address = text.parse().ok();
            } else if let Some(text) = field.strip_prefix("resp=") {
                answer = Some(text);
            }
        }
        let waiting = Waiting {
            mechanism,
            username: None,
            address,
        };
        Ok(self.go_on(id, waiting, answer))
    }

    fn go_on(&mut self, id: u32, mut waiting: Waiting, answer: Option<&str>) -> Step {
        let Some(answer) = answer else {
            let question = match waiting.mechanism {
                Mechanism::Plain => "",
                Mechanism::Login => "Username:",
            };
            return self.ask(id, waiting, question);
        };
        let Ok(answer) = STANDARD.decode(answer) else {
            return Step::Say(fail(id, None, "reason=This is not base64"));
        };
        let claim = match (waiting.mechanism, waiting.username.take()) {
            (Mechanism::Plain, _) => plain(&answer),
            (Mechanism::Login, None) => {
                waiting.username = Some(answer);
                return self.ask(id, waiting, "Password:");
            }
            (Mechanism::Login, Some(username)) => Some((username, answer)),
        };
        let claim = claim
            .and_then(|(username, password)| Some((String::from_utf8(username).ok()?, password)));
        match claim {
            Some((username, password)) => Step::Check(Claim {
                id,
                username,
                password,
                address: waiting.address,
            }),
            None => Step::Say(fail(id, None, "reason=This is no user name and password")),
        }
    }

    fn ask(&mut self, id: u32, waiting: Waiting, question: &str) -> Step {
        if self.waiting.len() >= WAITING {
            return Step::Say(fail(id, None, "reason=Too many attempts at a time"));
        }
        self.waiting.insert(id, waiting);
        Step::Say(format!("CONT\t{id}\t{}\n", STANDARD.encode(question)))
    }
}

/// User name and password out of `[authzid] NUL authcid NUL password`; nobody acts for somebody else here.
fn plain(answer: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parts = answer.split(|byte| *byte == 0);
    let (acts_for, username, password) = (parts.next()?, parts.next()?, parts.next()?);
    let own = acts_for.is_empty() || acts_for == username;
    (own && parts.next().is_none()).then(|| (username.to_vec(), password.to_vec()))
}

fn number(field: Option<&str>) -> Result<u32, Broken> {
    let number = field.and_then(|field| field.parse().ok());
    number.ok_or(Broken::Wrong("an attempt has no number"))
}

/// The line that says no.
pub fn fail(id: u32, username: Option<&str>, rest: &str) -> String {
    // A name with a tab or a line break in it would be another answer.
    let username = username.filter(|name| !name.contains(char::is_control));
    let user = username
        .map(|name| format!("user={name}\t"))
        .unwrap_or_default();
    format!("FAIL\t{id}\t{user}{rest}\n")
}

/// Speaks the protocol.
#[derive(Debug)]
pub struct Sasl {
    logins: Arc<Logins>,
    connections: AtomicU64,
}

impl Sasl {
    /// Over these logins.
    pub fn new(logins: Arc<Logins>) -> Self {
        Self {
            logins,
            connections: AtomicU64::new(1),
        }
    }

    /// # Errors
    /// When it cannot be said. Postfix takes every `FAIL` for a wrong password, whatever else it says, and so would a mail program
    /// that then asks its user for another one; a connection that ends makes Postfix say 454, try again.
    async fn check(&self, claim: &Claim) -> Result<String, Broken> {
        let Claim {
            id,
            username,
            password,
            address,
        } = claim;
        Ok(
            match self.logins.check(username, password, *address).await {
                Attempt::Right(username) => format!("OK\t{id}\tuser={username}\n"),
                Attempt::Wrong => fail(*id, Some(username), "reason=Wrong user name or password"),
                Attempt::TooMany => fail(
                    *id,
                    Some(username),
                    "reason=Too many failed attempts, try again in a minute",
                ),
                Attempt::Unavailable(error) => {
                    tracing::warn!(%error, "a login cannot be checked");
                    return Err(Broken::Wrong("a login cannot be checked just now"));
                }
            },
        )
    }
}

impl Protocol for Sasl {
    type Session = Session;

    const NAME: &'static str = "sasl";

    async fn greet(&self, wire: &mut Wire<TcpStream>, _: SocketAddr) -> Result<Session, Broken> {
        let connection = self.connections.fetch_add(1, Ordering::Relaxed);
        let (process, cookie) = (std::process::id(), rand::random::<u128>());
        let greeting = format!(
            "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t{process}\nCUID\t{connection}\n\
             COOKIE\t{cookie:032x}\nDONE\n"
        );
        wire.send(greeting.as_bytes()).await?;
        Ok(Session::default())
    }

    async fn answer(
        &self,
        wire: &mut Wire<TcpStream>,
        session: &mut Session,
    ) -> Result<(), Broken> {
        let step = within(async { session.line(wire.line(LINE).await?) }).await?;
        let answer = match step {
            Step::Nothing => return Ok(()),
            Step::Say(line) => line,
            Step::Check(claim) => self.check(&claim).await?,
        };
        wire.send(answer.as_bytes()).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(step: Result<Step, Broken>) -> String {
        match step {
            Ok(Step::Say(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    fn claim(step: Result<Step, Broken>) -> (u32, String, Vec<u8>, Option<IpAddr>) {
        match step {
            Ok(Step::Check(claim)) => (claim.id, claim.username, claim.password, claim.address),
            other => panic!("{other:?}"),
        }
    }

    fn line(head: &str, answer: &[u8]) -> Vec<u8> {
        format!("{head}{}", STANDARD.encode(answer)).into_bytes()
    }

    #[test]
    fn plain_with_and_without_a_first_answer() {
        let expected = (
            7,
            "a--b".to_owned(),
            b"pw".to_vec(),
            Some("10.0.0.9".parse().expect("an address")),
        );
        let head = "AUTH\t7\tPLAIN\tservice=smtp\tnologin\tlip=10.0.0.1\trip=10.0.0.9\tsecured";
        let mut session = Session::default();
        assert_eq!(
            claim(session.line(&line(&format!("{head}\tresp="), b"\0a--b\0pw"))),
            expected
        );
        assert_eq!(said(session.line(head.as_bytes())), "CONT\t7\t\n");
        assert_eq!(
            claim(session.line(&line("CONT\t7\t", b"a--b\0a--b\0pw"))),
            expected
        );
    }

    #[test]
    fn login_asks_for_both() {
        let mut session = Session::default();
        assert_eq!(
            said(session.line(b"AUTH\t1\tLOGIN\tservice=smtp")),
            "CONT\t1\tVXNlcm5hbWU6\n"
        );
        assert_eq!(
            said(session.line(&line("CONT\t1\t", b"a--b"))),
            "CONT\t1\tUGFzc3dvcmQ6\n"
        );
        let (_, username, password, _) = claim(session.line(&line("CONT\t1\t", b"pw")));
        assert_eq!(
            (username.as_str(), password.as_slice()),
            ("a--b", b"pw".as_slice())
        );
        assert!(
            said(session.line(&line("CONT\t1\t", b"pw"))).starts_with("FAIL\t1\t"),
            "it is over"
        );
    }

    #[test]
    fn nobody_acts_for_somebody_else() {
        for wrong in [
            b"other\0a--b\0pw".as_slice(),
            b"a--b\0pw",
            b"\0a--b\0pw\0",
            b"",
            b"\0\xff\0pw",
        ] {
            let said = said(Session::default().line(&line("AUTH\t1\tPLAIN\tresp=", wrong)));
            assert!(said.starts_with("FAIL\t1\t"), "{said}");
        }
    }

    #[test]
    fn attempts_that_never_end_are_bounded() {
        let mut session = Session::default();
        for id in 0..100 {
            let said = said(session.line(format!("AUTH\t{id}\tLOGIN").as_bytes()));
            assert_eq!(said.starts_with("FAIL"), id >= WAITING, "{said}");
        }
    }

    #[test]
    fn another_version_and_other_protocols_are_refused() {
        for wrong in [
            b"VERSION\t2\t0".as_slice(),
            b"GET / HTTP/1.1",
            b"AUTH",
            b"AUTH\tx\tPLAIN",
            b"\xff",
            b"",
        ] {
            assert!(
                Session::default().line(wrong).is_err(),
                "{}",
                String::from_utf8_lossy(wrong)
            );
        }
        assert_eq!(Session::default().line(b"VERSION\t1\t1"), Ok(Step::Nothing));
        assert_eq!(Session::default().line(b"CPID\t42"), Ok(Step::Nothing));
    }

    #[test]
    fn a_name_cannot_forge_an_answer() {
        assert_eq!(
            fail(1, Some("x\nOK\t1\tuser=a"), "reason=no"),
            "FAIL\t1\treason=no\n"
        );
    }

    proptest! {
        #[test]
        fn any_lines_are_read_without_harm(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let mut session = Session::default();
            for line in lines {
                let _ = session.line(&line);
            }
            prop_assert!(session.waiting.len() <= WAITING);
        }
    }
}
