//! One connection of somebody who is not trusted: bytes in, bounded in size and time, bytes out.
//!
//! Between two requests a connection may rest; once a request has begun, all of it must come within [`REQUEST`]. What is read ahead is
//! kept in a buffer that is small and given back while the connection rests, so that a thousand idle ones cost next to nothing.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// From the first byte of a request to its last, and for taking in an answer.
pub const REQUEST: Duration = Duration::from_secs(10);

/// How long a connection may rest. Postfix lets go of one that it has not used for 300 s, and of any after 1000 s.
pub const REST: Duration = Duration::from_secs(1200);

/// What is read at a time.
const CHUNK: usize = 2048;

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The other side has closed it, or it broke.
    #[error("closed")]
    Closed,
    /// It took too long.
    #[error("too slow")]
    Slow,
    /// What was sent is not what is spoken here.
    #[error("{0}")]
    Wrong(&'static str),
}

impl From<std::io::Error> for Broken {
    fn from(_: std::io::Error) -> Self {
        Self::Closed
    }
}

/// A connection with what was read ahead.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
    /// How much of the buffer was handed out.
    taken: usize,
    rest: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection that was just accepted.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            taken: 0,
            rest: REST,
        }
    }

    /// Waits for the first byte of a request; false if none comes any more. It may be dropped while it waits, and called again.
    ///
    /// # Errors
    /// When the connection has rested for too long, or breaks.
    pub async fn begins(&mut self) -> Result<bool, Broken> {
        if self.taken < self.buffer.len() {
            return Ok(true);
        }
        self.buffer = Vec::new();
        self.taken = 0;
        let first = poll_fn(|context| {
            // Not part of what is kept between two polls: a connection that rests has no buffer.
            let mut chunk = [MaybeUninit::uninit(); CHUNK];
            let mut read = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            self.buffer.extend_from_slice(read.filled());
            Poll::Ready(Ok::<_, Broken>(()))
        });
        let read = timeout(self.rest, first).await;
        read.map_err(|_elapsed| Broken::Slow)??;
        Ok(!self.buffer.is_empty())
    }

    /// The bytes up to the next `\n`, without it; at most `max`.
    ///
    /// # Errors
    /// When there are more, or the connection breaks.
    pub async fn line(&mut self, max: usize) -> Result<&[u8], Broken> {
        self.until(b'\n', max).await
    }

    /// The bytes up to the next one of this kind, without it; at most `max`.
    ///
    /// # Errors
    /// When there are more, or the connection breaks.
    pub async fn until(&mut self, end: u8, max: usize) -> Result<&[u8], Broken> {
        let mut looked = self.taken;
        loop {
            if let Some(at) = self.buffer[looked..].iter().position(|byte| *byte == end) {
                let line = self.taken..looked + at;
                self.taken = line.end + 1;
                return match line.len() {
                    length if length > max => Err(Broken::Wrong("a line is too long")),
                    _ => Ok(&self.buffer[line]),
                };
            }
            looked = self.buffer.len();
            if looked - self.taken > max {
                return Err(Broken::Wrong("a line is too long"));
            }
            looked -= self.more().await?;
        }
    }

    /// Exactly this many bytes.
    ///
    /// # Errors
    /// When the connection breaks before.
    pub async fn exactly(&mut self, length: usize) -> Result<&[u8], Broken> {
        while self.buffer.len() - self.taken < length {
            self.more().await?;
        }
        let bytes = self.taken..self.taken + length;
        self.taken = bytes.end;
        Ok(&self.buffer[bytes])
    }

    /// Reads more. What was handed out is forgotten first; returns by how much everything moved forward.
    async fn more(&mut self) -> Result<usize, Broken> {
        let moved = self.taken;
        self.buffer.drain(..moved);
        self.taken = 0;
        self.buffer.reserve(CHUNK);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Broken::Closed),
            _ => Ok(moved),
        }
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// When it is not taken in, or not in time.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let sent = timeout(REQUEST, self.stream.write_all(bytes)).await;
        Ok(sent.map_err(|_elapsed| Broken::Slow)??)
    }
}

/// Runs what reads one request, within its time.
///
/// # Errors
/// What it says, or that it took too long.
pub async fn within<A>(reading: impl Future<Output = Result<A, Broken>>) -> Result<A, Broken> {
    timeout(REQUEST, reading)
        .await
        .map_err(|_elapsed| Broken::Slow)?
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use futures::stream;
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio_util::io::StreamReader;

    use super::*;

    /// A connection on which these pieces arrive one by one, and which takes in every answer.
    fn wire(pieces: &[&[u8]]) -> Wire<impl AsyncRead + AsyncWrite + Unpin + use<>> {
        let pieces: Vec<io::Result<Bytes>> = pieces
            .iter()
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let sent = StreamReader::new(stream::iter(pieces));
        Wire::new(tokio::io::join(sent, tokio::io::sink()))
    }

    #[tokio::test]
    async fn lines_are_found_however_they_are_cut() {
        let text = b"one\ntwo\n\nlast\n";
        for cut in 1..text.len() {
            let mut wire = wire(&[&text[..cut], &text[cut..]]);
            assert_eq!(wire.begins().await, Ok(true));
            for line in ["one", "two", "", "last"] {
                assert_eq!(wire.line(9).await, Ok(line.as_bytes()), "cut at {cut}");
            }
            assert_eq!(wire.begins().await, Ok(false));
        }
    }

    #[tokio::test]
    async fn a_long_line_is_refused_before_its_end_and_at_it() {
        let long = [b'x'; 5000];
        assert_eq!(
            wire(&[&long]).line(100).await,
            Err(Broken::Wrong("a line is too long"))
        );
        assert_eq!(
            wire(&[b"12345\n"]).line(4).await,
            Err(Broken::Wrong("a line is too long"))
        );
        assert_eq!(wire(&[b"1234\n"]).line(4).await, Ok(b"1234".as_slice()));
        assert_eq!(wire(&[b"123"]).line(4).await, Err(Broken::Closed));
    }

    #[tokio::test]
    async fn a_count_of_bytes_is_read_across_pieces() {
        let mut wire = wire(&[b"ab", b"cd\ne", b"f"]);
        assert_eq!(wire.exactly(3).await, Ok(b"abc".as_slice()));
        assert_eq!(wire.line(9).await, Ok(b"d".as_slice()));
        assert_eq!(wire.exactly(2).await, Ok(b"ef".as_slice()));
        assert_eq!(wire.exactly(1).await, Err(Broken::Closed));
    }
}
