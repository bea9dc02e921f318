//! The body of an answer, with an eye on it while it is read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};
use tower::BoxError;

use super::clock;

/// A body that must go on, or whose every piece is a sign of life.
pub struct Watched<B>(Kind<B>);

enum Kind<B> {
    Within {
        body: Pin<Box<B>>,
        limit: Duration,
        timer: Pin<Box<Sleep>>,
        _permit: Option<OwnedSemaphorePermit>,
    },
    Heard {
        body: Pin<Box<B>>,
        hear: Box<dyn FnMut() + Send>,
    },
    Text(Option<&'static str>),
}

impl<B> Watched<B> {
    /// A body whose next piece must come within `limit`; it gives `permit` back when it is read or dropped.
    pub fn within(body: B, limit: Duration, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self(Kind::Within {
            body: Box::pin(body),
            limit,
            timer: Box::pin(sleep(limit)),
            _permit: permit,
        })
    }

    /// A body that may be quiet; `hear` is called for every piece.
    pub fn heard(body: B, hear: impl FnMut() + Send + 'static) -> Self {
        Self(Kind::Heard {
            body: Box::pin(body),
            hear: Box::new(hear),
        })
    }

    /// A body that is there already.
    pub fn text(text: &'static str) -> Self {
        Self(Kind::Text(Some(text)))
    }
}

impl<B> http_body::Body for Watched<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Within {
                body, limit, timer, ..
            } => {
                if let Poll::Ready(frame) = body.as_mut().poll_frame(cx) {
                    timer.as_mut().reset(clock::tick() + *limit);
                    return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                }
                ready!(timer.as_mut().poll(cx));
                let what = format!("the answer did not go on within {} s", limit.as_secs());
                Poll::Ready(Some(Err(
                    io::Error::new(io::ErrorKind::TimedOut, what).into()
                )))
            }
            Kind::Heard { body, hear } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                if let Some(Ok(_)) = &frame {
                    hear();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Kind::Text(text) => Poll::Ready(
                text.take()
                    .map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            ),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Within { body, .. } | Kind::Heard { body, .. } => body.size_hint(),
            Kind::Text(text) => SizeHint::with_exact(text.map_or(0, |text| text.len() as u64)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Within { body, .. } | Kind::Heard { body, .. } => body.is_end_stream(),
            Kind::Text(text) => text.is_none(),
        }
    }
}
