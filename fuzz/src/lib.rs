//! What the targets share: a connection whose other side sends what the fuzzer has thought of, in pieces of any size.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use clientele::mail::wire::{Broken, Wire};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

/// The sizes of pieces that everything is read in: at once, byte by byte, and such that cuts fall everywhere.
pub const PIECES: [usize; 3] = [usize::MAX, 1, 7];

/// What was sent, handed out piece by piece. It takes in every answer.
#[derive(Debug)]
pub struct Pieces {
    sent: Vec<u8>,
    /// How much of it was handed out.
    handed: usize,
    size: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.sent[self.handed..];
        let size = self.size.min(out.remaining()).min(left.len());
        out.put_slice(&left[..size]);
        self.handed += size;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What came of a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Conversation<A> {
    /// What was read, in order.
    pub read: Vec<A>,
    /// Why it ended before its end, if it did.
    pub broken: Option<Broken>,
}

/// Reads one thing after the other, as a server does, until nothing is left or something is wrong.
pub fn conversation<A>(
    sent: &[u8],
    size: usize,
    mut read: impl AsyncFnMut(&mut Wire<Pieces>) -> Result<A, Broken>,
) -> Conversation<A> {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let mut all = Vec::new();
    let work = async {
        let mut wire = Wire::new(Pieces {
            sent: sent.to_vec(),
            handed: 0,
            size,
        });
        while wire.begins().await? {
            all.push(read(&mut wire).await?);
        }
        Ok(())
    };
    let broken = RUNTIME.with(|runtime| runtime.block_on(work)).err();
    Conversation { read: all, broken }
}

/// A conversation that is the same however it is cut.
pub fn cut<A: std::fmt::Debug + PartialEq>(
    sent: &[u8],
    mut read: impl AsyncFnMut(&mut Wire<Pieces>) -> Result<A, Broken>,
) -> Conversation<A> {
    let [whole, bytes, pieces] = PIECES.map(|size| conversation(sent, size, &mut read));
    assert_eq!(whole, bytes, "read byte by byte it is something else");
    assert_eq!(whole, pieces, "read in pieces it is something else");
    whole
}
