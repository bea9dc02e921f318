//! The leader is lost while another operator stands by: how long nobody works.

use std::time::{Duration, Instant};

use super::scene::Scene;
use super::shared::Failure;
use super::shared::support::Operator;

/// From the loss of the leader to a hold, asked for right then, that is in force: one a round.
pub struct Lost {
    /// It was killed: its Lease has to run out.
    pub killed: Vec<Duration>,
    /// It was asked to end: it gives the Lease back.
    pub ended: Vec<Duration>,
}

/// Plays it. The stage's operator leads at the end of each round, as at the beginning.
pub async fn play(scene: &Scene, rounds: usize) -> Result<Lost, Failure> {
    let (first, name) = (&scene.stage.operator, &scene.names[0]);
    let second = Operator::replica(&scene.stage.plane, "clientele-1")?;
    let (mut killed, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        second.await_standing_by()?;
        let lost = Instant::now();
        first.kill();
        scene.hold(name, true).await?;
        killed.push(lost.elapsed());
        first.start()?;
        first.await_standing_by()?;
        let lost = Instant::now();
        second.stop();
        scene.hold(name, false).await?;
        ended.push(lost.elapsed());
        second.start()?;
    }
    second.await_standing_by()?;
    second.stop();
    Ok(Lost { killed, ended })
}
