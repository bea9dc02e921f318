//! The objects of a service that is not in use: kept from running, or deleted. Nothing is rendered for it, so that it takes neither
//! the parameters nor the offering as they once were.

use super::{Given, Work};
use crate::api::OnStop;
use crate::domain::offering::kinds::{self, Stop};
use crate::domain::records::PieceRecord;
use crate::domain::services::Service;
use crate::plan::observed::services::PieceSeen;
use crate::plan::step::{Deed, PieceKind, PieceStep, Step};

/// What is seen of an object that is written down.
enum Known<'s> {
    /// It is the one that was written down, under this name in paths.
    There(&'s PieceSeen, &'s str),
    /// Its kind is not watched now.
    Unwatched,
    /// There is none, or it is another one.
    Gone,
}

impl Given<'_> {
    fn known(&self, piece: &PieceRecord) -> Known<'_> {
        let kind = PieceKind::new(&piece.api_version, &piece.kind);
        let Some(plural) = self.seen.plurals.get(&kind) else {
            return Known::Unwatched;
        };
        match self.seen.pieces.get(&piece.id()) {
            Some(seen)
                if self.is_ours(&seen.customer_uid)
                    && piece.uid.as_ref().is_none_or(|uid| *uid == seen.uid) =>
            {
                Known::There(seen, plural)
            }
            _ => Known::Gone,
        }
    }

    /// A write to an object that is there, unless the same was refused a moment ago.
    fn step(&self, piece: &PieceRecord, plural: &str, deed: Deed) -> Option<Step> {
        let step = PieceStep {
            kind: PieceKind::new(&piece.api_version, &piece.kind),
            plural: plural.to_owned(),
            namespace: self.namespace.to_owned(),
            name: piece.name.clone(),
            deed,
        };
        let refused = self.seen.refused.get(&piece.id());
        let again = refused.is_none_or(|refused| !refused.is_of(&step) || refused.is_due());
        again.then_some(Step::Piece(step))
    }

    /// Deletes an object that is not wanted any more; gives it back while it has to be remembered.
    pub(super) fn discard(
        &self,
        mut piece: PieceRecord,
        steps: &mut Vec<Step>,
    ) -> Option<PieceRecord> {
        match self.known(&piece) {
            Known::Gone => None,
            Known::Unwatched => Some(piece),
            Known::There(seen, plural) => {
                piece.uid = Some(seen.uid.clone());
                if !piece.is_claim() && !seen.deleting {
                    let uid = seen.uid.clone();
                    steps.extend(self.step(&piece, plural, Deed::Delete { uid }));
                }
                Some(piece)
            }
        }
    }

    /// Keeps an object from running; gives it back while it has to be remembered.
    fn hold(&self, mut piece: PieceRecord, steps: &mut Vec<Step>) -> Option<PieceRecord> {
        let stop = kinds::stop(&piece.api_version, &piece.kind);
        if stop == Stop::Goes {
            return self.discard(piece, steps);
        }
        match self.known(&piece) {
            Known::Gone => None,
            Known::Unwatched => Some(piece),
            Known::There(seen, plural) => {
                piece.uid = Some(seen.uid.clone());
                if let Some(fields) = stop.fields().filter(|_| !seen.stopped && !seen.deleting) {
                    let uid = seen.uid.clone();
                    steps.extend(self.step(&piece, plural, Deed::Hold { uid, fields }));
                }
                Some(piece)
            }
        }
    }
}

impl Work<'_> {
    /// As the offering's `onStop` says.
    pub(super) fn stop(&mut self, service: &Service, on_stop: OnStop) {
        match on_stop {
            OnStop::Keep => {}
            OnStop::Delete => return self.prune(service),
            OnStop::Scale => self.each(service, |given, piece, steps| given.hold(piece, steps)),
        }
        self.leave(service);
    }

    /// All go, but for claims to storage.
    pub(super) fn prune(&mut self, service: &Service) {
        self.each(service, |given, piece, steps| given.discard(piece, steps));
        self.leave(service);
    }

    fn each(
        &mut self,
        service: &Service,
        what: impl Fn(&Given<'_>, PieceRecord, &mut Vec<Step>) -> Option<PieceRecord>,
    ) {
        let Some(record) = self.records.services.get_mut(&service.name) else {
            return;
        };
        let taken = &self.taken;
        let pieces = record
            .pieces
            .drain(..)
            .filter(|piece| !taken.contains_key(&piece.id()));
        record.pieces = pieces
            .filter_map(|piece| what(self.given, piece, &mut self.ending))
            .collect();
    }
}
