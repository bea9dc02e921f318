//! The one who asks: so many connections, each of which sends a request, waits for the answer, and sends the next. One thread has
//! them all. The same for everybody that is measured, and as little as can be, because it uses the same processors.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Builder;

use super::shared::Failure;
use super::shared::figures::Waits;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked, and which answers are right.
pub struct Question<F> {
    /// Where.
    pub address: SocketAddr,
    /// Writes the request of this number.
    pub request: F,
    /// Whether these bytes are a whole answer.
    pub whole: fn(&[u8]) -> bool,
    /// Whether it is the answer that is wanted.
    pub right: fn(&[u8]) -> bool,
}

/// What came of asking for some time.
pub struct Asked {
    /// Answers a second.
    pub rate: f64,
    /// How long each took.
    pub waits: Waits,
}

impl<F: Fn(u64, &mut Vec<u8>) + Sync> Question<F> {
    /// Asks for a fifth of the time unmeasured, then measured.
    pub fn ask(&self, connections: usize, time: Duration) -> Result<Asked, Failure> {
        // It blocks, and is asked for where others wait: in a thread of its own nobody notices.
        let asking = || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.series(connections, time))
        };
        let joined = std::thread::scope(|scope| scope.spawn(asking).join());
        joined.unwrap_or_else(|_| Err("the asking thread panicked".into()))
    }

    async fn series(&self, connections: usize, time: Duration) -> Result<Asked, Failure> {
        let mut lines = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = tokio::net::TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            lines.push(stream);
        }
        let measured = Instant::now() + time / 5;
        let over = measured + time;
        let all = lines
            .into_iter()
            .map(|line| self.connection(line, measured, over));
        let all = tokio::time::timeout(time * 2 + PATIENCE, try_join_all(all));
        let waits: Vec<Duration> = all.await??.into_iter().flatten().collect();
        Ok(Asked {
            rate: waits.len() as f64 / time.as_secs_f64(),
            waits: Waits::new(waits),
        })
    }

    /// What was answered after the first moment and before the second.
    async fn connection(
        &self,
        mut line: tokio::net::TcpStream,
        measured: Instant,
        over: Instant,
    ) -> Result<Vec<Duration>, Failure> {
        let mut waits = Vec::with_capacity(1 << 12);
        let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(4096));
        loop {
            request.clear();
            answer.clear();
            (self.request)(number(), &mut request);
            let began = Instant::now();
            line.write_all(&request).await?;
            while answer.is_empty() || !(self.whole)(&answer) {
                if line.read_buf(&mut answer).await? == 0 {
                    return Err("a connection was closed".into());
                }
            }
            let ended = Instant::now();
            if !(self.right)(&answer) {
                return Err(format!("a wrong answer: {}", String::from_utf8_lossy(&answer)).into());
            }
            if ended >= over {
                return Ok(waits);
            }
            if ended >= measured {
                waits.push(ended - began);
            }
        }
    }
}

/// No two requests of this process have the same number.
pub fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A connection.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 4096],
        })
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &[u8], whole: fn(&[u8]) -> bool) -> Result<&[u8], Failure> {
        self.stream.write_all(request)?;
        let mut length = 0;
        while length == 0 || !whole(&self.buffer[..length]) {
            match self.stream.read(&mut self.buffer[length..])? {
                0 => return Err("a connection was closed".into()),
                read => length += read,
            }
        }
        Ok(&self.buffer[..length])
    }
}

/// What Postfix asks at the end of a message to one recipient. Every message is another one.
pub fn policy(login: &str, number: u64, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nprotocol_name=ESMTP\nhelo_name=client.example\n\
         queue_id=4X{number:010}\nsender=ops@globex.example\nrecipient=reader@example.org\nrecipient_count=1\n\
         client_address=192.0.2.7\nclient_name=client.example\nreverse_client_name=client.example\n\
         instance={number:x}.{number:x}.0\nsasl_method=PLAIN\nsasl_username={login}\nsasl_sender=\nsize=4711\n\
         ccert_subject=\nccert_issuer=\nccert_fingerprint=\nencryption_protocol=TLSv1.3\n\
         encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\netrn_domain=\nstress=\n\
         ccert_pubkey_fingerprint=\nclient_port=40001\npolicy_context=\nserver_address=192.0.2.1\nserver_port=587\n\
         compatibility_level=3.6\nmail_version=3.7.11\n\n"
    );
}

/// An answer to that ends with an empty line.
pub fn ended(answer: &[u8]) -> bool {
    answer.ends_with(b"\n\n")
}

/// It may be sent.
pub fn sent(answer: &[u8]) -> bool {
    answer.starts_with(b"action=FILTER ")
}

/// So says postfwd, whose rules have nothing against it.
pub fn unopposed(answer: &[u8]) -> bool {
    answer[..answer.len().min(12)].eq_ignore_ascii_case(b"action=dunno")
}
