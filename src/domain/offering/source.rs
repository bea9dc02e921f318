//! Expressions as text, before they are parsed: where strings are in them, how deep brackets go.

/// How an expression's own `namespace` is spelled for the parser, for which the word is reserved.
pub(super) const NAMESPACE: &str = "__namespace__";

/// Where the brace is that closes an expression which begins here: not in a string, nor that of a map.
pub(super) fn closing_brace(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'\'' | b'"' => at = string_end(bytes, at) - 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// How deep brackets lie within each other.
pub(super) fn nesting(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\'' | b'"' => at = string_end(bytes, at) - 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

/// The text with the root `namespace` as the parser takes it. A field of that name needs nothing.
pub(super) fn respelled(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = String::with_capacity(text.len() + NAMESPACE.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\'' | b'"' => string_end(bytes, at),
            byte if is_word(byte) => {
                let rest = bytes[at..].iter();
                at + rest.take_while(|byte| is_word(**byte)).count()
            }
            // Whatever else: to where the next of these begins, so that characters stay whole.
            _ => {
                let rest = bytes[at..].iter();
                at + rest
                    .take_while(|byte| !is_word(**byte) && !matches!(**byte, b'\'' | b'"'))
                    .count()
            }
        };
        let is_field = result.trim_end().ends_with('.');
        let word = &text[at..end];
        result.push_str(if word == "namespace" && !is_field {
            NAMESPACE
        } else {
            word
        });
        at = end;
    }
    result
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the string ends that begins here: behind its closing quote, or at the end of the text.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let three = [quote; 3];
    let closing = if bytes[start..].starts_with(&three) {
        &three[..]
    } else {
        &three[..1]
    };
    let raw = is_raw(&bytes[..start]);
    let mut at = start + closing.len();
    while at < bytes.len() && !bytes[at..].starts_with(closing) {
        at += if bytes[at] == b'\\' && !raw { 2 } else { 1 };
    }
    (at + closing.len()).min(bytes.len())
}

/// Whether a string that begins after this has no escapes: `r'…'`.
fn is_raw(before: &[u8]) -> bool {
    let word = before.iter().rev().take_while(|byte| is_word(**byte));
    let word: Vec<u8> = word.map(u8::to_ascii_lowercase).collect();
    matches!(word.as_slice(), b"r" | b"rb" | b"br")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn braces_in_strings_and_maps_close_nothing() {
        for (text, end) in [
            ("a}", Some(1)),
            ("{'a': 1}.a}", Some(10)),
            ("'}'}", Some(3)),
            (r"'\'}'}", Some(5)),
            (r"r'\'}", Some(4)),
            ("'''a'}'''}", Some(9)),
            ("'a", None),
            (r"'\", None),
        ] {
            assert_eq!(closing_brace(text), end, "{text}");
        }
    }

    #[test]
    fn only_the_root_is_spelled_anew() {
        let text = "namespace + a.namespace + 'namespace' + namespaces + a . namespace";
        let expected = "__namespace__ + a.namespace + 'namespace' + namespaces + a . namespace";
        assert_eq!(respelled(text), expected);
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(nesting("f([1], '(((') + (2)"), 2);
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in ".{0,60}") {
            let known = text.replace("namespace", "");
            prop_assert_eq!(respelled(&known), known);
            nesting(&text);
            let end = closing_brace(&text).map(|end| text.as_bytes()[end]);
            prop_assert!(matches!(end, None | Some(0x7d)));
        }
    }
}
