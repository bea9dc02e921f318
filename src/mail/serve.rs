//! Listens, and has every connection served: a bounded number at a time, and none cut in the midst of a request when the process ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::wire::{Broken, Wire};
use crate::ops::shutdown::Shutdown;

/// Connections of one listener at a time. Postfix has one a server process, and a hundred of those by default.
pub const CONNECTIONS: usize = 2000;

/// How long requests that have begun may take once the process is to end.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to wait when the system can accept no connection (it is out of descriptors).
const BREATHE: Duration = Duration::from_millis(100);

/// What is spoken on a listener: request after request, until the connection ends.
pub trait Protocol: Send + Sync + 'static {
    /// What is remembered of one connection.
    type Session: Send;

    /// Its name, for the log.
    const NAME: &'static str;

    /// Begins a connection.
    fn greet(
        &self,
        wire: &mut Wire<TcpStream>,
        peer: SocketAddr,
    ) -> impl Future<Output = Result<Self::Session, Broken>> + Send;

    /// Reads one request and answers it.
    fn answer(
        &self,
        wire: &mut Wire<TcpStream>,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<(), Broken>> + Send;
}

/// Serves until shutdown, and then until the requests that have begun are answered.
pub async fn serve<P: Protocol>(listener: TcpListener, protocol: Arc<P>, shutdown: Shutdown) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.clone() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(protocol = P::NAME, %error, "a connection could not be accepted");
                tokio::time::sleep(BREATHE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(protocol = P::NAME, %peer, "{CONNECTIONS} connections are open, so this one is closed");
            continue;
        };
        let (protocol, shutdown) = (Arc::clone(&protocol), shutdown.clone());
        connections.spawn(async move {
            let ended = converse(&*protocol, stream, peer, shutdown).await;
            if let Err(Broken::Slow | Broken::Wrong(_)) = &ended {
                let reason = ended.err().map(|broken| broken.to_string());
                tracing::warn!(protocol = P::NAME, %peer, reason, "a connection was cut");
            }
            drop(permit);
        });
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(protocol = P::NAME, "requests were cut at the end");
    }
}

async fn converse<P: Protocol>(
    protocol: &P,
    stream: TcpStream,
    peer: SocketAddr,
    mut shutdown: Shutdown,
) -> Result<(), Broken> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    let mut session = protocol.greet(&mut wire, peer).await?;
    loop {
        let begins = tokio::select! {
            biased;
            () = &mut shutdown => false,
            begins = wire.begins() => begins?,
        };
        if !begins {
            return Ok(());
        }
        protocol.answer(&mut wire, &mut session).await?;
    }
}
