//! What is in a list of mail addresses: how many entries, which are none, which are there twice, which are nobody's own.
//!
//! Anybody may have written it, so nothing is believed of it: it is read line by line, as bytes, and what is kept of an entry is a
//! hash. Not a word of it goes into what is told.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;

use email_address::{EmailAddress, Options};
use sha2::{Digest as _, Sha256};

use crate::api::ListChecked;

/// How many lines that are no addresses are told.
const LINES_TOLD: usize = 8;

/// Longest mail address (RFC 5321).
const LONGEST: usize = 254;

/// Mailboxes of a role: those of RFC 2142, and others that many organisations have.
const ROLES: [&str; 32] = [
    "abuse",
    "accounting",
    "admin",
    "administrator",
    "all",
    "billing",
    "contact",
    "ftp",
    "help",
    "hostmaster",
    "hr",
    "info",
    "jobs",
    "mailer-daemon",
    "marketing",
    "news",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "postmaster",
    "press",
    "privacy",
    "root",
    "sales",
    "security",
    "spam",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Looks through a list.
pub fn checked(list: &[u8]) -> ListChecked {
    let mut found = Found::default();
    // A byte order mark is no part of the first entry.
    let text = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let entry = first_field(line);
        let heading = at == 0 && is_heading(entry);
        if !entry.is_empty() && !heading {
            found.take(at, entry);
        }
    }
    ListChecked {
        sha256: digest(list),
        ..found.told
    }
}

/// SHA-256 in hexadecimal.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[derive(Default)]
struct Found {
    told: ListChecked,
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Found {
    fn take(&mut self, at: usize, entry: &[u8]) {
        self.told.entries += 1;
        let Some(address) = address(entry) else {
            self.told.invalid += 1;
            if self.told.invalid_lines.len() < LINES_TOLD {
                let line = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
                self.told.invalid_lines.push(line);
            }
            return;
        };
        // Before the @ case could matter (RFC 5321), but no mail system is known where it does.
        let address = address.to_lowercase();
        if !self.seen.insert(self.hasher.hash_one(&address)) {
            self.told.duplicates += 1;
        }
        let mailbox = address.split(['@', '+']).next().unwrap_or_default();
        if ROLES.contains(&mailbox) {
            self.told.role_accounts += 1;
        }
    }
}

/// The first field of a line, without space and quotes around it.
fn first_field(line: &[u8]) -> &[u8] {
    let mut fields = line.split(|byte| matches!(byte, b',' | b';' | b'\t'));
    let field = fields.next().unwrap_or_default().trim_ascii();
    let unquoted = field
        .strip_prefix(b"\"")
        .and_then(|field| field.strip_suffix(b"\""));
    unquoted.unwrap_or(field)
}

fn is_heading(field: &[u8]) -> bool {
    ["email", "e-mail"]
        .iter()
        .any(|name| field.eq_ignore_ascii_case(name.as_bytes()))
}

/// An entry as a mail address, if it is one.
fn address(entry: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(entry).ok()?;
    let plain = text.len() <= LONGEST && text.chars().all(is_visible);
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    (plain && EmailAddress::parse_with_options(text, options).is_ok()).then_some(text)
}

/// Whether a character shows: control characters, spaces, and those that turn text round or hide in it do not.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !character.is_whitespace()
        && !matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[u8]) -> [i64; 4] {
        let ListChecked {
            entries,
            invalid,
            duplicates,
            role_accounts,
            ..
        } = checked(list);
        [entries, invalid, duplicates, role_accounts]
    }

    #[test]
    fn entries_are_counted_and_judged() {
        let list = b"ada@globex.example\r\nbob@globex.example\n\nADA@Globex.example\ninfo@globex.example\nnobody\n";
        let found = checked(list);
        assert_eq!(counts(list), [5, 1, 1, 1]);
        assert_eq!(found.invalid_lines, [6]);
        // As sha256sum prints it.
        assert_eq!(
            checked(b"abc").sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn of_a_table_the_first_column_counts_and_its_heading_does_not() {
        let list = b"\xef\xbb\xbfE-Mail;Name\n\"ada@globex.example\";Ada\nbob@globex.example,\"Bob, Jr.\"\neve@globex.example\tEve\n";
        assert_eq!(counts(list), [3, 0, 0, 0]);
        assert_eq!(counts(b"ada@globex.example\nemail\n"), [2, 1, 0, 0]);
    }

    #[test]
    fn what_is_no_address_is_counted_whatever_it_is() {
        let long = format!("{}@globex.example", "a".repeat(65));
        let longer = format!("a@{}example", "b.".repeat(130));
        for entry in [
            "ada",
            "ada@",
            "@globex.example",
            "ada@localhost",
            "ada@[192.0.2.1]",
            "ada@a@globex.example",
            "Ada <ada@globex.example>",
            "a..b@globex.example",
            "ada@glo bex.example",
            "ada\u{0}@globex.example",
            "\u{202e}ada@globex.example",
            "a\u{200b}da@globex.example",
            "ada@globex.example\u{7}x",
            &long,
            &longer,
        ] {
            assert_eq!(counts(entry.as_bytes()), [1, 1, 0, 0], "{entry:?}");
        }
        assert_eq!(counts(b"\xff\xfe@globex.example"), [1, 1, 0, 0]);
        assert_eq!(counts(&[0; 1 << 20]), [1, 1, 0, 0]);
        for entry in [
            "a.b+c@globex.example",
            "ada@xn--mller-kva.example",
            "ada@müller.example",
            "o'neil@globex.example",
        ] {
            assert_eq!(counts(entry.as_bytes()), [1, 0, 0, 0], "{entry}");
        }
        assert_eq!(counts(b"support+eu@globex.example"), [1, 0, 0, 1]);
    }

    #[test]
    fn however_much_is_wrong_a_few_lines_are_told() {
        let list = "x\n".repeat(500_000);
        let found = checked(list.as_bytes());
        assert_eq!((found.entries, found.invalid), (500_000, 500_000));
        assert_eq!(found.invalid_lines, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
