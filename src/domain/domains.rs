//! DNS names of customers: which is whose, and when two are in each other's way.

/// Whether `name` is `domain` or below it.
pub fn below_or_equal(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The domain with its labels in reverse and a closing dot (`globex.example` → `example.globex.`), so that everything below a
/// domain is one range of an ordered map.
pub fn reversed(domain: &str) -> String {
    let mut reversed = String::with_capacity(domain.len() + 1);
    for label in domain.rsplit('.') {
        reversed.push_str(label);
        reversed.push('.');
    }
    reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_below_a_domain_only_at_a_dot() {
        assert!(below_or_equal("a.example", "a.example"));
        assert!(below_or_equal("shop.a.example", "a.example"));
        assert!(!below_or_equal("a.example", "shop.a.example"));
        assert!(!below_or_equal("aa.example", "a.example"));
    }

    #[test]
    fn what_is_below_starts_with_the_reversed_name() {
        assert_eq!(reversed("globex.example"), "example.globex.");
        assert!(reversed("shop.globex.example").starts_with(&reversed("globex.example")));
        assert!(!reversed("globexx.example").starts_with(&reversed("globex.example")));
    }
}
