//! Kubernetes quantities as numbers, so that `0.5`, `500m` and `5e-1` are one and the same.
//!
//! The API server rewrites quantities into a canonical text. Comparing what we asked for with what it stored must look at
//! the value, or a settled world would never be silent.
//! Source: `k8s.io/apimachinery/pkg/api/resource/quantity.go`.

/// The value in billionths (the finest a quantity holds), or `None` if the text is no quantity or too large to compare.
pub fn nanos(text: &str) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (scale_up, scale_down) = match suffix {
        "n" => (1, NANO),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "" => (1, 1),
        "k" => (10_i128.pow(3), 1),
        "M" => (10_i128.pow(6), 1),
        "G" => (10_i128.pow(9), 1),
        "T" => (10_i128.pow(12), 1),
        "P" => (10_i128.pow(15), 1),
        "E" => (10_i128.pow(18), 1),
        "Ki" => (1_i128 << 10, 1),
        "Mi" => (1_i128 << 20, 1),
        "Gi" => (1_i128 << 30, 1),
        "Ti" => (1_i128 << 40, 1),
        "Pi" => (1_i128 << 50, 1),
        "Ei" => (1_i128 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_i128.checked_pow(power.unsigned_abs())?;
            if power < 0 { (1, factor) } else { (factor, 1) }
        }
    };
    let (negative, unsigned) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let parse = |part: &str| match part {
        "" => Some(0),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<i128>().ok(),
        _ => None,
    };
    let fraction_unit = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let mantissa = parse(whole)?
        .checked_mul(fraction_unit)?
        .checked_add(parse(fraction)?)?;
    let scaled = mantissa.checked_mul(scale_up)?.checked_mul(NANO)?;
    let divisor = fraction_unit.checked_mul(scale_down)?;
    // Finer than a billionth is rounded up, as the API server does.
    let value = (scaled / divisor).checked_add(i128::from(scaled % divisor != 0))?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::nanos;

    #[test]
    fn one_value_in_many_spellings() {
        for same in [
            ["0.5", "500m"],
            ["1Gi", "1024Mi"],
            ["1k", "1000"],
            ["2", "2.0"],
            ["1e3", "1k"],
            ["5e-1", "500m"],
            ["1E3", "1000"],
            ["+1", "1"],
        ] {
            assert_eq!(nanos(same[0]), nanos(same[1]), "{same:?}");
            assert!(nanos(same[0]).is_some(), "{same:?}");
        }
    }

    #[test]
    fn different_values_differ() {
        assert_ne!(nanos("1G"), nanos("1Gi"));
        assert_ne!(nanos("1"), nanos("-1"));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for bad in ["", "m", "1x", "1.2.3", "--1", "1e", "1e999"] {
            assert_eq!(nanos(bad), None, "{bad:?}");
        }
    }
}
