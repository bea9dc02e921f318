//! Rules about whole objects: how they may be named, and what of them never changes.

use kube::core::{Reason, Rule};

/// Where an error about a name is shown.
const NAME: &str = ".metadata.name";
/// Where an error about a customer number is shown.
const CUSTOMER_NUMBER: &str = ".spec.customerNumber";

/// An object others refer to by name: a DNS label, as those references are.
pub fn object_named(what: &str, max: usize) -> Rule {
    Rule::new(format!(
        "self.metadata.name.size() <= {max} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')"
    ))
    .message(format!(
        "the name of a {what} must be lower-case letters, digits and dashes, with a letter or digit at either end, and at most {max} characters long"
    ).as_str())
    .field_path(NAME)
}

/// A Partner or Customer, whose name is one half of the tenant namespace `<partner>--<customer>`: without `--`, so that
/// no two pairs make the same namespace, and short enough that it fits.
pub fn tenant_part_named(what: &str, max: usize) -> Rule {
    Rule::new(format!(
        "self.metadata.name.size() <= {max} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && !self.metadata.name.contains('--')"
    ))
    .message(format!(
        "the name of a {what} must be lower-case letters, digits and single dashes, with a letter or digit at either end, and at most {max} characters long, because tenant namespaces are called <partner>--<customer>"
    ).as_str())
    .field_path(NAME)
}

/// A person, whose name may be like the local part of an e-mail address.
pub fn person_named() -> Rule {
    Rule::new("self.metadata.name.size() <= 63")
        .message("the name of a user must be at most 63 characters long")
        .field_path(NAME)
}

/// Tenant namespaces begin with the partner's name, and so must not look like a system's own.
pub fn partner_name_not_reserved() -> Rule {
    Rule::new("!self.metadata.name.matches('^(clientele|kube|openshift)(-|$)')")
        .message("this name is kept for the system: partners are not called clientele, kube or openshift, alone or before a dash")
        .field_path(NAME)
}

/// Objects in a tenant are named after the customer, beside Clientele's own.
pub fn customer_name_not_reserved() -> Rule {
    Rule::new("!self.metadata.name.matches('^clientele(-|$)')")
        .message("this name is kept for the system: customers are not called clientele, alone or before a dash")
        .field_path(NAME)
}

/// A field of a request's spec that stays as it was when the request was filed. Written on the spec, because a rule on the
/// field could be dodged by removing it first.
pub fn kept_as_filed(field: &str) -> Rule {
    Rule::new(format!(
        "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
    ))
    .message(format!(
        "{field} stays as it was when the request was filed; cancel this request and file another one"
    ).as_str())
    .field_path(format!(".{field}"))
}

/// An offering that requires itself would wait for ever.
pub fn requires_others() -> Rule {
    Rule::new("!has(self.spec.requires) || !(self.metadata.name in self.spec.requires)")
        .message("an offering cannot require itself: remove its own name")
        .field_path(".spec.requires")
}

/// A number is given once. Written on the object, because a rule on the field could be dodged by removing the number
/// first. A number that the operator refused, because another customer has it, may be corrected.
pub fn customer_number_kept() -> Rule {
    Rule::new(
        "!has(oldSelf.spec.customerNumber) || \
         has(self.spec.customerNumber) && self.spec.customerNumber == oldSelf.spec.customerNumber || \
         has(oldSelf.status) && !has(oldSelf.status.customerNumber) && has(oldSelf.status.conditions) && \
         oldSelf.status.conditions.exists(c, c.type == 'Stalled' && c.reason == 'NumberTaken')",
    )
    .message("a customer number cannot be changed or removed once it is given: put the old one back, or make another customer")
    .reason(Reason::FieldValueForbidden)
    .field_path(CUSTOMER_NUMBER)
}

/// A number that was generated can be written into the spec, but no other.
pub fn customer_number_in_force_kept() -> Rule {
    Rule::new(
        "!has(self.spec.customerNumber) || !has(oldSelf.status) || !has(oldSelf.status.customerNumber) || \
         has(oldSelf.spec.customerNumber) || self.spec.customerNumber == oldSelf.status.customerNumber",
    )
    .message("this customer has a number already (status.customerNumber), which cannot be changed: give that one or none")
    .reason(Reason::FieldValueForbidden)
    .field_path(CUSTOMER_NUMBER)
}
