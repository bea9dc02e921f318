//! Which users of a customer are let in, and by which bindings: one e-mail once, no more than the plan allows, the older before the
//! younger; one binding a role.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::api::Role;

/// The roles of users, each with a binding of its own.
pub const ROLES: [Role; 3] = [Role::Admin, Role::Member, Role::Viewer];

/// Name of the RoleBinding for a customer's users of this role.
pub fn binding(customer: &str, role: Role) -> String {
    let suffix = match role {
        Role::Admin => "admin",
        Role::Member => "member",
        Role::Viewer => "viewer",
    };
    format!("{customer}-{suffix}")
}

/// What decides about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `namespace/name` of the CustomerUser.
    pub id: String,
    /// The e-mail, by which bindings name the person.
    pub email: String,
    /// `spec.enabled`.
    pub enabled: bool,
    /// When the object was made; absent counts as youngest.
    pub created: Option<Timestamp>,
}

/// Where one user stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Bound while the customer's access is Open.
    Admitted,
    /// Not enabled.
    Disabled,
    /// An older user of the customer has the e-mail; `by` is its `namespace/name`.
    EmailTaken {
        /// The older user.
        by: String,
    },
    /// The plan's number of users is reached.
    OverLimit {
        /// The plan's `maxUsers`.
        max: usize,
    },
}

/// The standing of each person, in the order given. The result does not depend on that order: the older goes first, and of two
/// made in the same second the one whose id sorts first.
pub fn standings(people: &[Person], max: Option<usize>) -> Vec<Standing> {
    let mut by_age: Vec<usize> = (0..people.len()).collect();
    by_age.sort_by_key(|&i| {
        (
            people[i].created.is_none(),
            people[i].created,
            &people[i].id,
        )
    });

    let mut holders: HashMap<&str, &str> = HashMap::new();
    let mut admitted = 0;
    let mut standings = vec![Standing::Disabled; people.len()];
    for i in by_age {
        let person = &people[i];
        let holder = *holders.entry(&person.email).or_insert(&person.id);
        standings[i] = if holder != person.id {
            Standing::EmailTaken {
                by: holder.to_owned(),
            }
        } else if !person.enabled {
            Standing::Disabled
        } else if let Some(max) = max.filter(|&max| admitted >= max) {
            Standing::OverLimit { max }
        } else {
            admitted += 1;
            Standing::Admitted
        };
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, email: &str, second: i64) -> Person {
        Person {
            id: id.into(),
            email: email.into(),
            enabled: true,
            created: Some(Timestamp::from_second(second).unwrap()),
        }
    }

    #[test]
    fn the_younger_of_two_with_one_e_mail_is_refused_in_any_order() {
        let (old, young) = (person("ns/z", "a@x", 1), person("ns/a", "a@x", 2));
        let taken = Standing::EmailTaken { by: "ns/z".into() };
        assert_eq!(
            standings(&[old.clone(), young.clone()], None),
            [Standing::Admitted, taken.clone()]
        );
        assert_eq!(standings(&[young, old], None), [taken, Standing::Admitted]);
    }

    #[test]
    fn a_disabled_user_takes_no_place_but_keeps_its_e_mail() {
        let off = Person {
            enabled: false,
            ..person("ns/a", "a@x", 1)
        };
        let people = [off, person("ns/b", "a@x", 2), person("ns/c", "c@x", 3)];
        let got = standings(&people, Some(1));
        assert_eq!(got[0], Standing::Disabled);
        assert!(matches!(got[1], Standing::EmailTaken { .. }));
        assert_eq!(got[2], Standing::Admitted);
    }

    #[test]
    fn those_beyond_the_plans_number_wait() {
        let people = [person("ns/a", "a@x", 1), person("ns/b", "b@x", 2)];
        assert_eq!(
            standings(&people, Some(1)),
            [Standing::Admitted, Standing::OverLimit { max: 1 }]
        );
        assert_eq!(
            standings(&people, Some(0))[0],
            Standing::OverLimit { max: 0 }
        );
    }
}
