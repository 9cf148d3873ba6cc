//! Prometheus' text format, version 0.0.4.
//!
//! Our own, because `prometheus-client` writes OpenMetrics only, which appends `_total` to the name of every counter:
//! `rollout_reconcile_error`, on which users alert, could not be kept.

use std::fmt::Write;

use super::histogram::Histogram;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Counter,
    Gauge,
    Histogram,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Names and values, in the order of the names.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text of one scrape, under construction.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// All samples of one metric. A metric without samples leaves nothing.
    pub(crate) fn metric(
        &mut self,
        name: &str,
        type_: Type,
        help: &str,
        write: impl FnOnce(&mut Samples<'_>),
    ) {
        let start = self.0.len();
        _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", type_.as_str());
        let empty = self.0.len();
        write(&mut Samples { name, out: &mut self.0 });
        if self.0.len() == empty {
            self.0.truncate(start);
        }
    }

    /// A gauge with one sample.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.metric(name, Type::Gauge, help, |samples| samples.put(&[], value));
    }

    /// A counter with one sample.
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.metric(name, Type::Counter, help, |samples| samples.put(&[], value));
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Where the samples of one metric go.
pub(crate) struct Samples<'a> {
    name: &'a str,
    out: &'a mut String,
}

impl Samples<'_> {
    /// One sample.
    pub(crate) fn put(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, None, value);
    }

    /// The samples of one histogram.
    pub(crate) fn histogram<const N: usize>(
        &mut self,
        labels: Labels<'_>,
        bounds: &[f64; N],
        histogram: &Histogram<N>,
    ) {
        for (bound, count) in bounds.iter().chain([&f64::INFINITY]).zip(histogram.cumulative()) {
            self.line("_bucket", labels, Some(*bound), count);
        }
        self.line("_sum", labels, None, histogram.sum());
        self.line("_count", labels, None, histogram.count());
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<f64>, value: f64) {
        self.out.push_str(self.name);
        self.out.push_str(suffix);
        let mut separator = '{';
        for (name, value) in labels {
            self.out.push(separator);
            separator = ',';
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(self.out, value);
            self.out.push('"');
        }
        if let Some(bound) = bound {
            self.out.push(separator);
            separator = ',';
            self.out.push_str("le=\"");
            number(self.out, bound);
            self.out.push('"');
        }
        if separator == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        number(self.out, value);
        self.out.push('\n');
    }
}

fn escape(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The shortest form; with an exponent where Go's client has one in the bounds of buckets, which are labels.
fn number(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) && !value.is_nan() {
        let scientific = format!("{value:e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
    } else {
        _ = write!(out, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: f64) -> String {
        let mut out = String::new();
        number(&mut out, value);
        out
    }

    #[test]
    fn numbers_in_their_shortest_form() {
        let cases = [
            (0.0, "0"),
            (3.0, "3"),
            (0.15, "0.15"),
            (1e-8, "1e-08"),
            (9.999_999_999_999_999e-6, "9.999999999999999e-06"),
            (28800.0, "28800"),
            (1_764_384_720.25, "1764384720.25"),
            (-2.5, "-2.5"),
            (1e21, "1e+21"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(printed(value), expected);
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let mut text = Text::default();
        text.metric("a", Type::Gauge, "A.", |samples| samples.put(&[("x", "1\\2\"3\n4"), ("y", "ü")], 1.0));
        assert_eq!(text.finish(), "# HELP a A.\n# TYPE a gauge\na{x=\"1\\\\2\\\"3\\n4\",y=\"ü\"} 1\n");
    }

    #[test]
    fn a_metric_without_samples_leaves_nothing() {
        let mut text = Text::default();
        text.gauge("a", "A.", 2.0);
        text.metric("b", Type::Counter, "B.", |_| {});
        assert_eq!(text.finish(), "# HELP a A.\n# TYPE a gauge\na 2\n");
    }

    #[test]
    fn histograms_are_cumulative_and_end_with_everything() {
        let (bounds, mut histogram) = ([0.0, 60.0], Histogram::default());
        for seconds in [0.0, 60.0, 60.5] {
            histogram.observe(&bounds, seconds);
        }
        let mut text = Text::default();
        text.metric("a", Type::Histogram, "A.", |samples| {
            samples.histogram(&[("status", "Promoted")], &bounds, &histogram);
        });
        let expected = "\
# HELP a A.
# TYPE a histogram
a_bucket{status=\"Promoted\",le=\"0\"} 1
a_bucket{status=\"Promoted\",le=\"60\"} 2
a_bucket{status=\"Promoted\",le=\"+Inf\"} 3
a_sum{status=\"Promoted\"} 120.5
a_count{status=\"Promoted\"} 3
";
        assert_eq!(text.finish(), expected);
    }
}
