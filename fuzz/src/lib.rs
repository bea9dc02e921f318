//! What the targets share: a connection whose other side sends what the fuzzer has thought of, in pieces of any size.

use std::io;
use std::vec::IntoIter;

use bytes::Bytes;
use clientele::mail::wire::{Broken, Wire};
use futures::stream::{self, Iter};
use tokio::io::{Join, Sink, join, sink};
use tokio::runtime::{Builder, Runtime};
use tokio_util::io::StreamReader;

/// The sizes of pieces that everything is read in: at once, byte by byte, and such that cuts fall everywhere.
pub const PIECES: [usize; 3] = [usize::MAX, 1, 7];

/// A connection on which what was sent arrives piece by piece, and which takes in every answer.
pub type Pieces = Join<StreamReader<Iter<IntoIter<io::Result<Bytes>>>, Bytes>, Sink>;

fn pieces(sent: &[u8], size: usize) -> Pieces {
    let pieces: Vec<_> = sent
        .chunks(size)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    join(StreamReader::new(stream::iter(pieces)), sink())
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
        let mut wire = Wire::new(pieces(sent, size));
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
