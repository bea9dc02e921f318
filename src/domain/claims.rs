//! Who keeps a thing that only one may have: a customer number under a provider, a domain.

use jiff::Timestamp;

/// One object's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// `namespace/name` of the object, or the name of a retained tenant namespace.
    pub id: String,
    /// Whether the claim is a durable fact already; a fact is never lost to somebody who comes later.
    pub recorded: bool,
    /// When the object was made; absent counts as youngest.
    pub created: Option<Timestamp>,
}

/// The claim that beats mine, if any: recorded before unrecorded, then older before younger, then by id.
pub fn beaten_by<'a>(mine: &Claim, others: &'a [Claim]) -> Option<&'a Claim> {
    let rank = |claim: &Claim| {
        (
            !claim.recorded,
            claim.created.is_none(),
            claim.created,
            claim.id.clone(),
        )
    };
    others
        .iter()
        .filter(|other| rank(other) < rank(mine))
        .min_by_key(|other| rank(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(id: &str, recorded: bool, second: i64) -> Claim {
        Claim {
            id: id.into(),
            recorded,
            created: Timestamp::from_second(second).ok(),
        }
    }

    #[test]
    fn the_older_keeps_it() {
        let (old, young) = (claim("b", false, 1), claim("a", false, 2));
        assert_eq!(beaten_by(&young, std::slice::from_ref(&old)), Some(&old));
        assert_eq!(beaten_by(&old, &[young]), None);
    }

    #[test]
    fn a_recorded_fact_beats_an_older_object() {
        let (fact, old) = (claim("b", true, 9), claim("a", false, 1));
        assert_eq!(beaten_by(&old, std::slice::from_ref(&fact)), Some(&fact));
        assert_eq!(beaten_by(&fact, &[old]), None);
    }

    #[test]
    fn of_two_in_one_second_exactly_one_wins() {
        let (a, b) = (claim("a", false, 1), claim("b", false, 1));
        assert!(beaten_by(&a, std::slice::from_ref(&b)).is_none() && beaten_by(&b, &[a]).is_some());
    }
}
