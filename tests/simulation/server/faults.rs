//! What may go wrong with a call.

use super::log::Call;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, is done and answered.
    Passes,
    /// It is done, and all watches end before they tell of it: what they were at is too old to go on from.
    WatchesExpire,
    /// It is refused with this code and reason, and not done.
    Refused(u16, &'static str),
    /// It is done, and the answer is this code all the same.
    DoneBut(u16, &'static str),
    /// It is done, and the connection breaks before the answer.
    DoneAndCut,
    /// It is done, and nobody ever answers.
    DoneInSilence,
    /// The operator dies before it arrives.
    KilledBefore,
    /// It is done, and the operator dies before it hears of it.
    KilledAfter,
}

/// Decides the fate of calls. Watches are not asked about.
pub trait Fault: Send {
    /// The fate of this call, which has arrived and is not done yet.
    fn strike(&mut self, call: &Call) -> Fate;
}

impl<F: FnMut(&Call) -> Fate + Send> Fault for F {
    fn strike(&mut self, call: &Call) -> Fate {
        self(call)
    }
}

/// The operator dies at its n-th write from now on (the first is 0); before or after that is done.
pub fn death_at_write(n: usize, before: bool) -> impl Fault {
    let mut seen = 0;
    move |call: &Call| {
        if !call.is_write() {
            return Fate::Passes;
        }
        seen += 1;
        match (seen == n + 1, before) {
            (false, _) => Fate::Passes,
            (true, true) => Fate::KilledBefore,
            (true, false) => Fate::KilledAfter,
        }
    }
}

/// Each write has the fate at its place in the list, from now on; those beyond the list pass.
pub fn fates_of_writes(fates: Vec<Fate>) -> impl Fault {
    let mut fates = fates.into_iter();
    move |call: &Call| {
        if !call.is_write() {
            return Fate::Passes;
        }
        fates.next().unwrap_or(Fate::Passes)
    }
}

/// From its n-th write on (the first is 0) so many calls in a row have this fate.
pub fn fate_at_write(n: usize, fate: Fate, calls: usize) -> impl Fault {
    let (mut writes, mut struck) = (0, 0);
    move |call: &Call| {
        let begins = struck == 0 && call.is_write() && writes == n;
        writes += usize::from(call.is_write());
        if begins || (1..calls).contains(&struck) {
            struck += 1;
            return fate;
        }
        Fate::Passes
    }
}
