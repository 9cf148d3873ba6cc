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
        value = value.checked_add(place * i128::from(digit - b'0'))?;
    }
    Some(if number.starts_with('-') { -value } else { value })
}

fn scale(suffix: &str) -> Option<i128> {
    let million = 1_000_000;
    let powers = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(power) = powers.iter().position(|power| *power == suffix) {
        return Some(million << (10 * (power + 1)));
    }
    let ten = |exponent: i32| match u32::try_from(exponent.checked_add(6)?) {
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

/// The family of suffixes that a quantity is written with.
#[derive(Clone, Copy)]
enum Family {
    /// `5m`, `3`, `2k`: a power of ten.
    Decimal(i32),
    /// `2e3`: a power of ten.
    Exponent(i32),
    /// `4Ki`: a power of two.
    Binary(u32),
}

const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl Family {
    fn of(suffix: &str) -> Option<Self> {
        if let Some(at) = DECIMAL.iter().position(|known| *known == suffix) {
            return Some(Self::Decimal(i32::try_from(at).ok()? * 3 - 9));
        }
        if let Some(at) = BINARY.iter().position(|known| *known == suffix) {
            return Some(Self::Binary(u32::try_from(at).ok()? * 10));
        }
        suffix.strip_prefix(['e', 'E'])?.parse().ok().map(Self::Exponent)
    }
}

/// How Kubernetes writes a quantity that it has read: without a fraction, and with the largest suffix of the same family that loses
/// nothing. What is nearly so already is kept as it is. Nothing, when the text is no quantity.
pub(crate) fn canonical(text: &str) -> Option<String> {
    parse(text)?;
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let family = Family::of(suffix)?;
    let unsigned = number.trim_start_matches(['+', '-']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole = whole.trim_start_matches('0');
    let digits = format!("{}{fraction}", if whole.is_empty() { "0" } else { whole });
    let places = i32::try_from(fraction.len()).ok()?;
    let amount: i128 = digits.parse().ok()?;
    let is_kept = match family {
        Family::Decimal(power) | Family::Exponent(power) => {
            let power = power.checked_sub(places)?;
            power >= -9 && power % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
        }
        Family::Binary(_) => places == 0 && amount % 8 != 0,
    };
    if is_kept {
        return Some(text.to_owned());
    }
    if amount == 0 {
        return Some("0".to_owned());
    }
    let written = match family {
        Family::Decimal(power) => decimal(amount, power.checked_sub(places)?)?,
        Family::Exponent(power) => {
            let (amount, power) = in_thousands(amount, power.checked_sub(places)?)?;
            if power == 0 { amount.to_string() } else { format!("{amount}e{power}") }
        }
        Family::Binary(bits) => binary(amount.checked_mul(1 << bits)?, places)?,
    };
    Some(if number.starts_with('-') { format!("-{written}") } else { written })
}

/// The same number by the largest power of a thousand that it is a multiple of; fractions below a billionth are rounded up. Nothing
/// when the amount does not fit.
fn in_thousands(mut amount: i128, mut power: i32) -> Option<(i128, i32)> {
    while power < -9 {
        // The least there is, however small it was.
        if amount == 1 {
            power = -9;
            break;
        }
        amount = amount / 10 + i128::from(amount % 10 > 0);
        power += 1;
    }
    while amount % 10 == 0 {
        amount /= 10;
        power += 1;
    }
    while power % 3 != 0 {
        amount = amount.checked_mul(10)?;
        power -= 1;
    }
    Some((amount, power))
}

fn decimal(amount: i128, power: i32) -> Option<String> {
    let (amount, power) = in_thousands(amount, power)?;
    let suffix = usize::try_from(power / 3 + 3).ok().and_then(|at| DECIMAL.get(at));
    Some(format!("{amount}{}", suffix.unwrap_or(&"")))
}

/// `amount` divided by ten as often as there are `places`; what is small or no whole number has a decimal suffix.
fn binary(amount: i128, places: i32) -> Option<String> {
    let divisor = 10_i128.checked_pow(u32::try_from(places).ok()?);
    let whole = divisor.filter(|divisor| amount / divisor >= 1024 && amount % divisor == 0);
    let Some(divisor) = whole else { return decimal(amount, -places) };
    let mut amount = amount / divisor;
    let mut power = 0;
    while amount % 1024 == 0 && power + 1 < BINARY.len() {
        amount /= 1024;
        power += 1;
    }
    Some(format!("{amount}{}", BINARY[power]))
}

#[cfg(test)]
mod tests {
    use super::{canonical, parse};

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

    #[test]
    fn what_is_too_large_is_refused_and_what_is_too_small_rounded() {
        let most = i128::MAX;
        for text in [
            format!("{most}9"),
            format!("{most}"),
            format!("{most}e-7"),
            format!("{most}Ei"),
            format!("170141183460469231731687303715884.{}", "9".repeat(6)),
            format!("1e{}", i32::MAX),
            format!("1e{}0", i32::MAX),
            format!("1.5e{}", i32::MIN),
        ] {
            assert_eq!(canonical(&text), None, "{text}");
        }
        let zeros = "0".repeat(100);
        for (text, least) in [
            (format!("0.{zeros}1Ki"), "1n"),
            (format!("0.{zeros}1"), "1n"),
            ("1e-2147483646".to_owned(), "1e-9"),
            ("25e-2147483645".to_owned(), "1e-9"),
        ] {
            assert_eq!(canonical(&text).as_deref(), Some(least), "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_kubernetes_writes_them() {
        for (text, expected) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1", "1"),
            ("+1", "+1"),
            ("0.5", "500m"),
            ("0.500", "500m"),
            ("1.500", "1.500"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("1000e3", "1e6"),
            ("12E", "12E"),
            ("0", "0"),
            ("0Mi", "0"),
            ("-0.0", "0"),
            ("-2000", "-2k"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("0.3Ki", "307200m"),
            ("0.0000000001", "1n"),
            ("lots", ""),
        ] {
            assert_eq!(canonical(text).unwrap_or_default(), expected, "{text}");
        }
    }
}
