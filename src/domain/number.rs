//! Customer numbers that nobody gave, and words that tell one name from the next: generated, always the same from the same.
//!
//! The same UID gives the same number, so that an operator that died before it recorded one comes to it again.

/// Letters and digits without those that people confuse (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A number of the form `C-XXXX-XXXX` (40 bits) for the object of this UID; `attempt` gives the next one where a number is
/// already taken.
pub fn generate(uid: &str, attempt: u32) -> String {
    let mut bits = fnv1a(uid.bytes().chain(attempt.to_le_bytes()));
    let mut number = String::from("C-");
    for position in 0..8 {
        if position == 4 {
            number.push('-');
        }
        number.push(char::from(ALPHABET[(bits & 31) as usize]));
        bits >>= 5;
    }
    number
}

/// A short word of lower-case letters and digits (40 bits) that the same text always gives.
pub fn short(text: &str) -> String {
    let mut bits = fnv1a(text.bytes());
    let mut word = String::new();
    for _ in 0..8 {
        word.push(char::from(
            ALPHABET[(bits & 31) as usize].to_ascii_lowercase(),
        ));
        bits >>= 5;
    }
    word
}

/// 64-bit FNV-1a (Fowler, Noll, Vo), then mixed: stable across builds, which `DefaultHasher` does not promise, and numbers must not
/// change with a compiler.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The finalizer of MurmurHash3: without it the low bits of similar UIDs stay similar.
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::{generate, short};
    use std::collections::HashSet;

    #[test]
    fn the_same_object_always_gets_the_same_number() {
        assert_eq!(generate("6e1a", 0), generate("6e1a", 0));
        assert_ne!(generate("6e1a", 0), generate("6e1a", 1));
        // Pinned: numbers are on invoices and must survive an upgrade of the operator.
        assert_eq!(
            generate("0f9f8c1e-6d3a-4a67-9b39-0d4d6b1f7a10", 0),
            "C-YV9A-Y16V"
        );
    }

    #[test]
    fn the_same_text_always_gives_the_same_word() {
        assert_eq!(short("6e1a/3"), short("6e1a/3"));
        assert_ne!(short("6e1a/3"), short("6e1a/4"));
        assert!(
            short("x")
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
    }

    #[test]
    fn many_objects_get_different_numbers() {
        let numbers: HashSet<_> = (0..50_000)
            .map(|i| generate(&format!("uid-{i}"), 0))
            .collect();
        assert_eq!(numbers.len(), 50_000);
    }

    #[test]
    fn it_reads_like_a_number() {
        let number = generate("x", 0);
        assert_eq!(number.len(), 11);
        assert!(number.starts_with("C-") && number.as_bytes()[6] == b'-');
    }
}
