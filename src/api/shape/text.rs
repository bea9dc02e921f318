//! Strings: names, addresses, codes and text for people.

use schemars::{Schema, SchemaGenerator};

use super::codes::{COUNTRIES, CURRENCIES, LANGUAGES, cel_list};
use super::{List, Rule, list, string};

/// One line for people: no control characters, line or paragraph separators, and none of the invisible format
/// characters (bidirectional overrides, zero-width spaces, tags) that make text look like other text. The two joiners
/// that scripts and emoji need are allowed.
const LINE: Rule<'static> = (
    r"self.matches(r'^([^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[\x{200C}\x{200D}])*$') && self.trim() == self",
    "must be one line of text, without control, bidirectional or invisible characters and without space at either end",
);

/// Several lines for people.
const LINES: Rule<'static> = (
    r"self.matches(r'^([^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[\n\t\x{200C}\x{200D}])*$')",
    "must be text without control, bidirectional or invisible characters (line breaks and tabs are fine)",
);

/// What must not be empty, though it may be any text.
const NOT_EMPTY: Rule<'static> = ("self.size() > 0", "must not be empty");

/// A name for people, such as a company's; never empty.
pub fn title(_: &mut SchemaGenerator) -> Schema {
    string(128, &[NOT_EMPTY, LINE])
}

/// One line of text that may be empty.
pub fn line(_: &mut SchemaGenerator) -> Schema {
    string(128, &[LINE])
}

/// Up to six lines of an address.
pub fn address_lines(generator: &mut SchemaGenerator) -> Schema {
    list(List::Atomic, 6, line(generator), &[])
}

/// Notes of several lines; may be empty.
pub fn notes(_: &mut SchemaGenerator) -> Schema {
    string(1000, &[LINES])
}

/// Why somebody wants something; one line, never empty.
pub fn reason(_: &mut SchemaGenerator) -> Schema {
    string(512, &[NOT_EMPTY, LINE])
}

/// What somebody says to a step; several lines are fine, never empty.
pub fn note(_: &mut SchemaGenerator) -> Schema {
    string(512, &[NOT_EMPTY, LINES])
}

/// Text as the value of an attribute or annotation; may be empty.
pub(super) fn text_value() -> Schema {
    string(128, &[LINES])
}

/// A name as Kubernetes gives to objects that become host names: a DNS label (RFC 1123).
fn label(max: usize) -> Schema {
    string(
        max,
        &[(
            "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
            "must be the name of an object: lower-case letters, digits and dashes, with a letter or digit at either end",
        )],
    )
}

/// The name of a plan, a route or an address.
pub fn name(_: &mut SchemaGenerator) -> Schema {
    label(63)
}

/// The name of a Customer.
pub fn customer_name(_: &mut SchemaGenerator) -> Schema {
    label(31)
}

/// The name of a Secret, a StorageClass or the like: dots are allowed (RFC 1123 subdomain).
pub fn object_name(_: &mut SchemaGenerator) -> Schema {
    string(
        253,
        &[(
            "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
            "must be the name of an object: lower-case letters, digits, dashes and dots, with a letter or digit at either end",
        )],
    )
}

/// A key of a ConfigMap.
pub fn data_key(_: &mut SchemaGenerator) -> Schema {
    string(
        253,
        &[(
            "self.matches('^[-._a-zA-Z0-9]+$')",
            "must be a key of a ConfigMap: letters, digits and - . _",
        )],
    )
}

/// A SHA-256 digest.
pub fn sha256(_: &mut SchemaGenerator) -> Schema {
    string(
        64,
        &[(
            "self.matches('^[0-9a-f]{64}$')",
            "must be a SHA-256 digest as sha256sum prints it: 64 hexadecimal digits in lower case",
        )],
    )
}

/// The name of a ClusterRole, which is looser than that of other objects, and not one that opens the cluster.
pub fn cluster_role(_: &mut SchemaGenerator) -> Schema {
    string(
        253,
        &[
            (
                r"self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.:]*[A-Za-z0-9])?$')",
                "must be the name of a ClusterRole: letters, digits, dashes, dots and colons",
            ),
            (
                "self != 'cluster-admin' && !self.startsWith('system:')",
                "must not be cluster-admin or a system: role: it would let the tenant out; use clientele-tenant-admin or a role of your own",
            ),
        ],
    )
}

/// The name of a user or group as the identity provider gives it; not one that Kubernetes or Clientele gives meaning to.
pub fn subject(_: &mut SchemaGenerator) -> Schema {
    string(
        200,
        &[
            NOT_EMPTY,
            LINE,
            (
                "!self.startsWith('system:') && !self.startsWith('clientele:')",
                "must not begin with system: or clientele:, which are not people",
            ),
        ],
    )
}

/// An e-mail address in lower case (RFC 5321 without quoting; the domain in ASCII). It is also the name under which
/// RBAC knows a person, so there is one spelling.
pub fn email(_: &mut SchemaGenerator) -> Schema {
    string(
        254,
        &[
            (
                "self == self.lowerAscii()",
                "must be in lower case: people are known by their e-mail address, and it has one spelling",
            ),
            (
                r"self.matches(r'^[A-Za-z0-9!#$%&*+/=?^_{|}~\x27\x60-]+([.][A-Za-z0-9!#$%&*+/=?^_{|}~\x27\x60-]+)*@([A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?[.])+[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$') && self.indexOf('@') <= 64",
                "must be one e-mail address such as ops@globex.example: one @, no spaces, at most 64 characters before the @, the domain in ASCII (an international one as xn--…)",
            ),
        ],
    )
}

/// What a DNS name of two labels or more looks like; the last label begins with a letter, so that it is no address.
const DNS_NAME: Rule<'static> = (
    "self.matches('^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",
    "must be a DNS name in lower case such as globex.example, without a dot at its end (an international one as xn--…)",
);

/// A domain (RFC 1123; IDN as punycode).
pub fn domain(_: &mut SchemaGenerator) -> Schema {
    string(253, &[DNS_NAME])
}

/// A partner's domain: short enough that `<customer>.<domain>` is one too.
pub fn partner_domain(_: &mut SchemaGenerator) -> Schema {
    string(221, &[DNS_NAME])
}

/// A host: a DNS name, of one label too, or an IP address.
pub fn host(_: &mut SchemaGenerator) -> Schema {
    string(
        253,
        &[(
            "isIP(self) || self.matches('^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])*[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",
            "must be a DNS name in lower case such as smtp.relay.example, or an IP address; the port has a field of its own",
        )],
    )
}

/// A telephone number as people write it; may be empty.
pub fn phone(_: &mut SchemaGenerator) -> Schema {
    string(
        40,
        &[(
            "self.matches('^([+]?[0-9(][0-9 ()./-]*[0-9]( ?(x|ext[.]?) ?[0-9]+)?)?$')",
            "must be a telephone number such as +49 30 1234567: digits, spaces and ( ) . / -, with + before the country code",
        )],
    )
}

/// A postal code; may be empty.
pub fn postal_code(_: &mut SchemaGenerator) -> Schema {
    string(
        16,
        &[(
            "self.matches('^([A-Za-z0-9]([A-Za-z0-9 -]*[A-Za-z0-9])?)?$')",
            "must be a postal code: letters, digits, spaces and dashes",
        )],
    )
}

/// A customer number: what people print on invoices and search for, in one spelling.
pub fn customer_number(_: &mut SchemaGenerator) -> Schema {
    string(
        63,
        &[(
            "self.matches('^[A-Za-z0-9]([-A-Za-z0-9._/]*[A-Za-z0-9])?$')",
            "must be a number such as C-1001: letters, digits and - . _ /, with a letter or digit at either end",
        )],
    )
}

/// A country (ISO 3166-1 alpha-2).
pub fn country(_: &mut SchemaGenerator) -> Schema {
    let rule = format!("self in {}", cel_list(COUNTRIES));
    string(
        2,
        &[(
            &rule,
            "must be an ISO 3166-1 alpha-2 country code in upper case, such as DE",
        )],
    )
}

/// A currency (ISO 4217).
pub fn currency(_: &mut SchemaGenerator) -> Schema {
    let rule = format!("self in {}", cel_list(CURRENCIES));
    string(
        3,
        &[(
            &rule,
            "must be an ISO 4217 currency code in upper case, such as EUR",
        )],
    )
}

/// A language tag (BCP 47) in its usual spelling: language, then script, region, variants and extensions if any.
/// Two-letter languages and regions are checked against their lists, three-letter languages are not.
pub fn locale(_: &mut SchemaGenerator) -> Schema {
    let language = format!(
        "!self.matches('^[a-z]{{2}}(-|$)') || self.substring(0, 2) in {}",
        cel_list(LANGUAGES)
    );
    let region = format!(
        "self.split('-').filter(part, part.matches('^[A-Z]{{2}}$')).all(part, part in {})",
        cel_list(COUNTRIES)
    );
    string(
        35,
        &[
            (
                "self.matches('^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[a-wy-z0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?$')",
                "must be a BCP 47 language tag in its usual spelling, such as de, de-AT or zh-Hans-CN",
            ),
            (
                &language,
                "must begin with an ISO 639-1 language code, such as de, or a three-letter one for a language that has none",
            ),
            (
                &region,
                "must name the region by its ISO 3166-1 country code, such as AT in de-AT",
            ),
        ],
    )
}

/// A CEL expression that the operator evaluates.
pub fn expression(_: &mut SchemaGenerator) -> Schema {
    string(1024, &[NOT_EMPTY])
}

/// A span of time in Go's units and `d` for days, or nothing.
pub fn duration_or_empty(_: &mut SchemaGenerator) -> Schema {
    string(
        32,
        &[(
            "self.matches('^([0-9]+([.][0-9]+)?(d|h|m|s|ms|us|ns))*$')",
            "must be a duration such as 30d, 36h or 1h30m",
        )],
    )
}

/// Names in no order, each once.
pub fn names(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 50, name(generator), &[])
}

/// Names of services, each once.
pub fn service_names(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 32, name(generator), &[])
}

/// Names of Secrets, each once.
pub fn secret_names(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 8, object_name(generator), &[])
}

/// Names of StorageClasses, each once.
pub fn storage_class_names(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 16, object_name(generator), &[])
}

/// Names in order of preference, at least one. None at all is not a choice: who wants the default leaves the field out.
pub fn preferred_names(generator: &mut SchemaGenerator) -> Schema {
    list(
        List::Atomic,
        16,
        name(generator),
        &[
            (
                "self.size() > 0",
                "must name at least one route; leave the field out to use the partner's default",
            ),
            (
                "self.all(a, self.exists_one(b, a == b))",
                "must name each route once",
            ),
        ],
    )
}

/// The name of a time zone; the longest have 32 characters. Whether there is one of that name, the operator says: the list is the
/// database's, and grows.
pub fn time_zone(_: &mut SchemaGenerator) -> Schema {
    string(
        40,
        &[(
            "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$')",
            "must be the name of a time zone in the IANA database, such as Europe/Berlin or UTC",
        )],
    )
}
