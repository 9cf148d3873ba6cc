//! Kubernetes' resource quantities: how it prints what it reads, and their values.
//!
//! The rules are those of apimachinery's `resource.Quantity`, odd ones included, because the printed text is hashed: some spellings
//! are kept as written (`+1`, `1.500`), others become canonical (`1000m` -> `1`), and what is smaller than a billionth is rounded up.

use std::borrow::Cow;

/// How a quantity is printed.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    /// `1500m`, `2k`
    Decimal,
    /// `2e3`
    Exponent,
    /// `2Ki`
    Binary,
}

/// A spelling taken apart: `-1.50Mi`.
struct Spelling<'a> {
    negative: bool,
    /// Digits before the point without leading zeros, `0` if there are none.
    whole: &'a str,
    fraction: &'a str,
    /// Whether any digit was written.
    has_digits: bool,
    format: Format,
    /// Power of 10, or of 2 for [`Format::Binary`].
    exponent: i32,
}

/// The text that Kubernetes prints for the quantity that it reads from `text`; none if it cannot read it.
pub(crate) fn canonical(text: &str) -> Option<Cow<'_, str>> {
    if text == "0" {
        return Some(Cow::Borrowed(text));
    }
    let spelling = Spelling::parse(text)?;
    if let Some(mut amount) = spelling.small() {
        if spelling.is_kept(&amount) {
            return Some(Cow::Borrowed(text));
        }
        amount.number *= spelling.factor();
        let number = amount.number.unsigned_abs().to_string().into_bytes();
        let number =
            Decimal { negative: spelling.negative, digits: number, exponent: i64::from(amount.scale) };
        return Some(Cow::Owned(number.print(spelling.format)));
    }
    let mut number = spelling.decimal()?;
    number.round_up(9);
    let mut format = spelling.format;
    if format == Format::Binary {
        number.cap();
        if number.is_below(1) {
            format = Format::Decimal;
        }
    }
    Some(Cow::Owned(number.print(format)))
}

/// A text that is the same for quantities of the same value: `0.5` and `500m`, `1Gi` and `1024Mi`. With `milli`, after rounding up to
/// thousandths, as Kubernetes does in lists of resources. None if it is not a quantity.
pub(crate) fn by_value(text: &str, milli: bool) -> Option<String> {
    let canonical = canonical(text)?;
    let mut number = Spelling::parse(&canonical)?.decimal()?;
    if milli {
        number.round_up(3);
    }
    let fits = (-9..=20).contains(&number.magnitude());
    Some(number.print(if fits { Format::Decimal } else { Format::Exponent }))
}

/// A number and its power of 10, small enough for 64 bits.
struct Small {
    number: i64,
    scale: i32,
}

impl<'a> Spelling<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        if text.is_empty() {
            return None;
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = unsigned.split_at(digits(unsigned));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        let (format, exponent) = meaning(suffix)?;
        let trimmed = whole.trim_start_matches('0');
        Some(Self {
            negative: text.starts_with('-'),
            whole: if trimmed.is_empty() { "0" } else { trimmed },
            fraction,
            has_digits: !whole.is_empty() || !fraction.is_empty(),
            format,
            exponent,
        })
    }

    fn factor(&self) -> i64 {
        if self.format == Format::Binary { 1 << self.exponent } else { 1 }
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    /// The number before the factor of a binary suffix, where Kubernetes calculates with 64 bits.
    fn small(&self) -> Option<Small> {
        let length = self.whole.len() + self.fraction.len();
        let (room, scale) = match self.format {
            Format::Binary if !self.fraction.is_empty() => return None,
            Format::Binary => (14 - self.exponent * 3 / 10, 0),
            Format::Decimal | Format::Exponent => {
                (18, self.exponent.wrapping_sub(i32::try_from(self.fraction.len()).ok()?))
            }
        };
        if i32::try_from(length).ok()? > room || scale < -9 {
            return None;
        }
        let number = self.digits().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        number.checked_mul(self.factor())?;
        Some(Small { number, scale })
    }

    /// Whether Kubernetes prints the text as it was written.
    fn is_kept(&self, amount: &Small) -> bool {
        match self.format {
            Format::Binary => amount.number & 7 != 0,
            Format::Decimal | Format::Exponent => {
                let mut last = self.digits().rev();
                let thousands = (0..3).all(|_| last.next() == Some(b'0'));
                amount.scale % 3 == 0 && !thousands && !self.whole.starts_with('0')
            }
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        if !self.has_digits {
            return None;
        }
        let mut number = Decimal { negative: self.negative, digits: self.digits().collect(), exponent: 0 };
        if self.format == Format::Binary {
            number.multiply(self.factor().unsigned_abs());
        } else {
            number.exponent = i64::from(self.exponent);
        }
        number.exponent -= i64::try_from(self.fraction.len()).ok()?;
        Some(number)
    }
}

/// The format and the exponent that a suffix stands for.
fn meaning(suffix: &str) -> Option<(Format, i32)> {
    if let Some(exponent) = DECIMAL.iter().find_map(|(exponent, name)| (*name == suffix).then_some(*exponent))
    {
        return Some((Format::Decimal, exponent));
    }
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        return Some((Format::Binary, 10 * i32::try_from(power).ok()? + 10));
    }
    let digits = suffix.strip_prefix(['e', 'E'])?;
    // Kubernetes cuts the exponent to 32 bits, too.
    let exponent = digits.parse::<i64>().ok()? as i32;
    Some((Format::Exponent, exponent))
}

const DECIMAL: [(i32, &str); 10] =
    [(0, ""), (-3, "m"), (3, "k"), (6, "M"), (9, "G"), (12, "T"), (15, "P"), (18, "E"), (-6, "u"), (-9, "n")];

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// `digits` (ASCII) times 10 to the `exponent`.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn is_zero(&self) -> bool {
        self.digits.iter().all(|digit| *digit == b'0')
    }

    fn multiply(&mut self, factor: u64) {
        let mut carry = 0;
        for digit in self.digits.iter_mut().rev() {
            carry += u128::from(*digit - b'0') * u128::from(factor);
            *digit = ascii(carry);
            carry /= 10;
        }
        self.carry_over(carry);
    }

    fn carry_over(&mut self, mut carry: u128) {
        while carry > 0 {
            self.digits.insert(0, ascii(carry));
            carry /= 10;
        }
    }

    /// Rounds away from zero to this many decimals, so that nothing small becomes nothing.
    fn round_up(&mut self, decimals: i64) {
        let surplus = -decimals - self.exponent;
        if surplus <= 0 || self.is_zero() {
            return;
        }
        let keep = usize::try_from(surplus).map_or(0, |surplus| self.digits.len().saturating_sub(surplus));
        let lost = self.digits.split_off(keep);
        self.exponent = -decimals;
        if lost.iter().any(|digit| *digit != b'0') {
            let mut carry = 1;
            for digit in self.digits.iter_mut().rev() {
                carry += u128::from(*digit - b'0');
                *digit = ascii(carry);
                carry /= 10;
            }
            self.carry_over(carry);
        }
    }

    /// The digits before the point, if 64 bits can hold them.
    fn whole(&self) -> Option<u64> {
        let point = i64::try_from(self.digits.len()).ok()? + self.exponent;
        let mut whole: u64 = 0;
        for i in 0..point.max(0) {
            let digit =
                usize::try_from(i).ok().and_then(|i| self.digits.get(i)).map_or(0, |digit| digit - b'0');
            whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(whole)
    }

    fn is_below(&self, limit: u64) -> bool {
        self.whole().is_some_and(|whole| whole < limit)
    }

    /// Quantities with a binary suffix end at 2^63 - 1.
    fn cap(&mut self) {
        const MAX: u64 = i64::MAX.unsigned_abs();
        if self.whole().is_none_or(|whole| whole > MAX || (whole == MAX && !self.is_whole())) {
            self.digits = MAX.to_string().into_bytes();
            self.exponent = 0;
        }
    }

    fn is_whole(&self) -> bool {
        let decimals = usize::try_from(-self.exponent).unwrap_or(0);
        self.digits.iter().rev().take(decimals).all(|digit| *digit == b'0')
    }

    /// The power of 10 of the first digit.
    fn magnitude(&self) -> i64 {
        let zeros = self.digits.iter().take_while(|digit| **digit == b'0').count();
        i64::try_from(self.digits.len() - zeros)
            .unwrap_or(i64::MAX)
            .saturating_add(self.exponent)
            .saturating_sub(1)
    }

    fn print(mut self, format: Format) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        if format == Format::Binary
            && self.is_whole()
            && let Some(mut whole) = self.whole()
            && whole >= 1024
        {
            let mut power = 0;
            while whole.is_multiple_of(1024) {
                whole /= 1024;
                power += 1;
            }
            let suffix = if power == 0 { "" } else { BINARY[power - 1] };
            return format!("{sign}{whole}{suffix}");
        }
        while self.digits.ends_with(b"0") {
            self.digits.pop();
            self.exponent += 1;
        }
        while self.exponent % 3 != 0 {
            self.digits.push(b'0');
            self.exponent -= 1;
        }
        let digits = String::from_utf8_lossy(&self.digits);
        let digits = digits.trim_start_matches('0');
        match (format, self.exponent) {
            (_, 0) => format!("{sign}{digits}"),
            (Format::Exponent, exponent) => format!("{sign}{digits}e{exponent}"),
            // Beyond the suffixes Kubernetes prints none, which is wrong but hashed.
            (_, exponent) => {
                let suffix = DECIMAL
                    .iter()
                    .find(|(known, _)| i64::from(*known) == exponent)
                    .map_or("", |(_, name)| name);
                format!("{sign}{digits}{suffix}")
            }
        }
    }
}

fn ascii(number: u128) -> u8 {
    // A remainder of 10 fits.
    b'0' + (number % 10) as u8
}
