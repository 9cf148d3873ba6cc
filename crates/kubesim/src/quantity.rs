//! Resource quantities, such as `5m` and `32Mi`.

/// The value of a quantity in millionths of its unit, or nothing when it is none.
///
/// Smaller fractions are cut off: they cannot change a comparison that a pod's resources make.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let end = text
        .char_indices()
        .position(|(at, c)| !(c.is_ascii_digit() || c == '.' || (at == 0 && (c == '+' || c == '-'))));
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let scale = scale(suffix)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.trim_start_matches(['+', '-']);
    if digits.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    value = value.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.bytes() {
        place /= 10;
        value += place * i128::from(digit - b'0');
    }
    Some(if number.starts_with('-') { -value } else { value })
}

fn scale(suffix: &str) -> Option<i128> {
    let million = 1_000_000;
    let powers = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(power) = powers.iter().position(|power| *power == suffix) {
        return Some(million << (10 * (power + 1)));
    }
    let ten = |exponent: i32| match u32::try_from(exponent + 6) {
        Ok(exponent) => 10i128.checked_pow(exponent),
        Err(_) => Some(0),
    };
    match suffix {
        "" => Some(million),
        "n" => Some(0),
        "u" => Some(1),
        "m" => Some(1000),
        "k" => ten(3),
        "M" => ten(6),
        "G" => ten(9),
        "T" => ten(12),
        "P" => ten(15),
        "E" => ten(18),
        _ => ten(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quantities_compare_across_suffixes() {
        assert_eq!(parse("1"), parse("1000m"));
        assert_eq!(parse("0.5"), parse("500m"));
        assert_eq!(parse("1Ki"), parse("1024"));
        assert_eq!(parse("1e3"), parse("1k"));
        assert!(parse("32Mi") > parse("32M"));
        assert!(parse("-1") < parse("0"));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "five", "1.2.3", "5 m", "Mi", "1x", "."] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
