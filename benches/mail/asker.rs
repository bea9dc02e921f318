//! The one who asks: so many connections, each with a thread of its own that sends a request, waits for the answer, and sends the
//! next. The same for everybody that is measured, and as little as can be, because it uses the same processors.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;
use super::figures::Waits;

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
    /// Asks once a connection, then for a fifth of the time unmeasured, then measured.
    pub fn ask(&self, connections: usize, time: Duration) -> Result<Asked, Failure> {
        self.series(connections, time / 5)?;
        self.series(connections, time)
    }

    fn series(&self, connections: usize, time: Duration) -> Result<Asked, Failure> {
        let over = AtomicBool::new(false);
        let began = Instant::now();
        let all = thread::scope(|scope| {
            let threads: Vec<_> = (0..connections)
                .map(|_| scope.spawn(|| self.connection(&over)))
                .collect();
            thread::sleep(time);
            over.store(true, Ordering::Relaxed);
            let ended = threads.into_iter().map(|one| match one.join() {
                Ok(waits) => waits,
                Err(_) => Err("an asking thread panicked".into()),
            });
            ended.collect::<Result<Vec<_>, Failure>>()
        })?;
        let took = began.elapsed();
        let waits: Vec<Duration> = all.into_iter().flatten().collect();
        Ok(Asked {
            rate: waits.len() as f64 / took.as_secs_f64(),
            waits: Waits::new(waits),
        })
    }

    fn connection(&self, over: &AtomicBool) -> Result<Vec<Duration>, Failure> {
        let mut line = Line::connect(self.address)?;
        let mut waits = Vec::with_capacity(1 << 16);
        let mut request = Vec::new();
        while !over.load(Ordering::Relaxed) {
            request.clear();
            (self.request)(number(), &mut request);
            let began = Instant::now();
            let answer = line.ask(&request, self.whole)?;
            waits.push(began.elapsed());
            if !(self.right)(answer) {
                return Err(format!("a wrong answer: {}", String::from_utf8_lossy(answer)).into());
            }
        }
        Ok(waits)
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
