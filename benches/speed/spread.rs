//! Several values of the same thing.

use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// Smallest first, never empty.
    values: Vec<f64>,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Spread { values }
    }

    /// Round by round one by the other.
    pub(crate) fn ratio(of: &[Duration], to: &[Duration]) -> Spread {
        Spread::of(of.iter().zip(to).map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()))
    }

    pub(crate) fn milliseconds(times: impl IntoIterator<Item = Duration>) -> Spread {
        Spread::of(times.into_iter().map(|time| time.as_secs_f64() * 1e3))
    }

    pub(crate) fn median(&self) -> f64 {
        self.values[self.values.len() / 2]
    }

    /// The value that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.values[(self.values.len() * percent).div_ceil(100).clamp(1, self.values.len()) - 1]
    }

    pub(crate) fn largest(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    pub(crate) fn smallest(&self) -> f64 {
        self.values[0]
    }

    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// "0.43 (0.41–0.47)", with so many places behind the point.
    pub(crate) fn shown(&self, places: usize) -> String {
        format!("{:.places$} ({:.places$}–{:.places$})", self.median(), self.smallest(), self.largest())
    }
}
