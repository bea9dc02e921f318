//! Names, parsed once, and the namespaces that follow from them.
//!
//! A partner or customer name is a DNS label (RFC 1123) without `--`, so that `<partner>--<customer>` can be taken apart
//! in one way only and is never longer than a namespace may be.

use std::fmt;

use crate::api::meta::{PARTNER_NAMESPACE_PREFIX, TENANT_SEPARATOR};

/// Longest partner name, in characters: `partner-<name>` and `<name>--<customer>` both fit into 63.
pub const PARTNER_MAX: usize = 30;

/// Longest customer name, in characters.
pub const CUSTOMER_MAX: usize = 31;

/// Why a name was refused. The text goes into a condition's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than the bound.
    #[error("the name must have 1 to {max} characters")]
    Length {
        /// The bound, in characters.
        max: usize,
    },
    /// Not a DNS label.
    #[error(
        "the name must be lower-case letters, digits and single dashes, starting and ending with a letter or digit"
    )]
    Shape,
}

fn check(name: &str, max: usize) -> Result<(), NameError> {
    if name.is_empty() || name.len() > max {
        return Err(NameError::Length { max });
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let shaped = name.chars().all(|c| inner(c) || c == '-')
        && name.starts_with(inner)
        && name.ends_with(inner)
        && !name.contains(TENANT_SEPARATOR);
    if shaped {
        Ok(())
    } else {
        Err(NameError::Shape)
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a name.
            ///
            /// # Errors
            /// A [`NameError`] when the name has the wrong length or is no DNS label without `--`.
            pub fn parse(name: &str) -> Result<Self, NameError> {
                check(name, $max).map(|()| Self(name.to_owned()))
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a partner, unique in the cluster.
    PartnerName,
    PARTNER_MAX
);
name_type!(
    /// The name of a customer, unique under its partner.
    CustomerName,
    CUSTOMER_MAX
);

/// The namespace a partner owns: its customers, routes and own resellers live there.
pub fn partner_namespace(partner: &str) -> String {
    format!("{PARTNER_NAMESPACE_PREFIX}{partner}")
}

/// The tenant namespace of a customer.
pub fn tenant_namespace(partner: &str, customer: &str) -> String {
    format!("{partner}{TENANT_SEPARATOR}{customer}")
}

/// The tenant namespace of a customer whose object is in this namespace, if that can be a partner's.
pub fn tenant_of(home: &str, customer: &str) -> Option<String> {
    let partner = home.strip_prefix(PARTNER_NAMESPACE_PREFIX)?;
    Some(tenant_namespace(partner, customer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_taken() {
        assert_eq!(PartnerName::parse("emea-2").unwrap().as_str(), "emea-2");
    }

    #[test]
    fn double_dashes_edges_case_and_unicode_are_refused() {
        for bad in ["a--b", "-a", "a-", "A", "a_b", "a.b", "gl\u{43e}bex", ""] {
            assert!(CustomerName::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_longest_names_make_a_namespace_that_fits() {
        let partner = "p".repeat(PARTNER_MAX);
        let customer = "c".repeat(CUSTOMER_MAX);
        assert!(PartnerName::parse(&partner).is_ok() && CustomerName::parse(&customer).is_ok());
        assert!(tenant_namespace(&partner, &customer).len() <= 63);
        assert!(PartnerName::parse(&"p".repeat(PARTNER_MAX + 1)).is_err());
        assert!(CustomerName::parse(&"c".repeat(CUSTOMER_MAX + 1)).is_err());
    }
}
