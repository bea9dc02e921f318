//! Postfix's policy delegation protocol (SMTPD_POLICY_README): lines `name=value`, an empty line, and back `action=…` and an empty line.
//!
//! Only at the end of a message are its recipients known, and only there something is decided. Asked at any other time it answers
//! DUNNO, which lets nothing through: without a `FILTER` of ours mail goes nowhere, because Postfix's default transport
//! holds it. A request that is not one is not answered; Postfix then keeps the client waiting, too.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::decide::{Decider, Id, Message, Verdict};
use super::serve::Protocol;
use super::wire::{Broken, Wire, within};
use crate::ops::clock;

/// Longest line, most lines, and most bytes of a request: Postfix's own limit for a line is 2048 unless told otherwise.
const LINE: usize = 8192;
const LINES: usize = 100;
const BYTES: usize = 32 << 10;

/// The most of an answer's text: SMTP replies have at most 512 bytes a line.
const TEXT: usize = 400;

/// What is read of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `request`; there is one kind.
    pub kind: String,
    /// `protocol_state`: when Postfix asks.
    pub state: String,
    /// `sasl_username`: who is logged in, or nothing.
    pub login: String,
    /// `instance`: what the message is known by.
    pub instance: String,
    /// `recipient_count`; 0 if it is no number.
    pub recipients: u64,
}

/// A request that is being read, line by line.
#[derive(Debug, Default)]
pub struct Reading {
    request: Request,
    lines: usize,
    bytes: usize,
}

impl Reading {
    /// Takes in a line; the request, when it is whole.
    ///
    /// # Errors
    /// When it is none.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Request>, Broken> {
        self.lines += 1;
        self.bytes += line.len();
        if self.lines > LINES || self.bytes > BYTES {
            return Err(Broken::Wrong("a request is too long"));
        }
        if line.is_empty() {
            let request = std::mem::take(self).request;
            return match request.kind.as_str() {
                "smtpd_access_policy" => Ok(Some(request)),
                _ => Err(Broken::Wrong("this is no policy request")),
            };
        }
        // Values of other attributes come from the client of the client and may be any bytes.
        let Some(split) = line.iter().position(|byte| *byte == b'=') else {
            return Err(Broken::Wrong("a line has no ="));
        };
        let (name, value) = (&line[..split], &line[split + 1..]);
        let text = || {
            let text = std::str::from_utf8(value).map(str::to_owned);
            text.map_err(|_| Broken::Wrong("a value is no text"))
        };
        match name {
            b"request" => self.request.kind = text()?,
            b"protocol_state" => self.request.state = text()?,
            b"sasl_username" => self.request.login = text()?,
            b"instance" => self.request.instance = text()?,
            b"recipient_count" => self.request.recipients = text()?.parse().unwrap_or_default(),
            _ => {}
        }
        Ok(None)
    }
}

/// Reads one request, and nothing of the next one.
///
/// # Errors
/// When it is none, or the connection breaks.
pub async fn read<S>(wire: &mut Wire<S>) -> Result<Request, Broken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reading = Reading::default();
    loop {
        if let Some(request) = reading.line(wire.line(LINE).await?)? {
            return Ok(request);
        }
    }
}

/// Speaks the protocol.
#[derive(Debug)]
pub struct Policy(pub Arc<Decider>);

impl Policy {
    /// The action for a request.
    pub async fn action(&self, request: &Request) -> String {
        if request.state != "END-OF-MESSAGE" {
            return "DUNNO".to_owned();
        }
        if request.login.is_empty() {
            return "550 5.7.1 Log in to send mail here".to_owned();
        }
        let instance = request.instance.as_str();
        let message = Message {
            login: &request.login,
            recipients: request.recipients,
            id: (!instance.is_empty()).then_some(Id::Instance(instance)),
        };
        match self.0.decide(&message).await {
            Verdict::Send(route) => format!("FILTER {}:{}", route.transport(), route.next_hop()),
            Verdict::Later { text, .. } => format!("451 4.7.1 {}", said(&text)),
            Verdict::Refuse { text } => format!("550 5.7.1 {}", said(&text)),
        }
    }
}

/// Text as it can stand in an answer: one line of ASCII.
fn said(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    text.chars().map(plain).take(TEXT).collect()
}

impl Protocol for Policy {
    type Session = ();

    const NAME: &'static str = "policy";

    async fn greet(&self, _: &mut Wire<TcpStream>, _: SocketAddr) -> Result<(), Broken> {
        Ok(())
    }

    async fn answer(&self, wire: &mut Wire<TcpStream>, (): &mut ()) -> Result<(), Broken> {
        let request = within(read(wire)).await?;
        let began = clock::tick();
        let action = self.action(&request).await;
        wire.send(format!("action={action}\n\n").as_bytes()).await?;
        self.0.metrics.answered(clock::tick().duration_since(began));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken_in(text: &[u8]) -> Result<Option<Request>, Broken> {
        let mut reading = Reading::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Some(request) = reading.line(line)? {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    #[test]
    fn what_counts_is_read_and_the_rest_is_not_looked_at() {
        let text = b"request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nsender=\xff=x\nrecipient_count=3\n\
                     sasl_username=emea--globex+eu\ninstance=1a.2b.3\nqueue_id=\n\n";
        let expected = Request {
            kind: "smtpd_access_policy".to_owned(),
            state: "END-OF-MESSAGE".to_owned(),
            login: "emea--globex+eu".to_owned(),
            instance: "1a.2b.3".to_owned(),
            recipients: 3,
        };
        assert_eq!(taken_in(text), Ok(Some(expected)));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for wrong in [
            b"GET / HTTP/1.1\n\n".as_slice(),
            b"\n",
            b"request=other\n\n",
            b"request=smtpd_access_policy\nsasl_username=\xff\n\n",
        ] {
            assert!(
                taken_in(wrong).is_err(),
                "{}",
                String::from_utf8_lossy(wrong)
            );
        }
        assert_eq!(
            taken_in(&b"a=b\n".repeat(LINES + 1)),
            Err(Broken::Wrong("a request is too long"))
        );
        assert_eq!(
            taken_in(&[b"a=".as_slice(), &[b'x'; BYTES], b"\n"].concat()),
            Err(Broken::Wrong("a request is too long"))
        );
    }

    #[test]
    fn a_count_that_is_no_number_is_none() {
        let request = taken_in(b"request=smtpd_access_policy\nrecipient_count=-1\n\n")
            .expect("read")
            .expect("whole");
        assert_eq!(request.recipients, 0);
    }

    #[test]
    fn an_answer_is_one_line_of_ascii() {
        assert_eq!(said("The limit\r\nis \u{e4}"), "The limit??is ?");
        assert_eq!(said(&"x".repeat(1000)).len(), TEXT);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(text in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = taken_in(&text);
        }
    }
}
