//! The wish that the process ends.

use futures::future::{BoxFuture, FutureExt, Shared};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

/// Completes when the process is asked to end. Clones complete together.
pub type Shutdown = Shared<BoxFuture<'static, ()>>;

/// Completes on the first SIGTERM or SIGINT. The second one, from somebody who will not wait, ends the process at
/// once, with what is unwritten unwritten: any crash point is one that the next process goes on from.
pub fn signals() -> Result<Shutdown, Error> {
    let listen = |kind| signal(kind).map_err(|source| Error::Signals { source });
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let asked = async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            #[allow(
                clippy::disallowed_methods,
                reason = "leaving everything as it is was asked for"
            )]
            std::process::exit(130);
        });
    };
    Ok(asked.boxed().shared())
}
