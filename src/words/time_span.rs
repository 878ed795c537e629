//! Time spans with their unit: `5m`, `150s`, `500ms`.

use std::time::{Duration, SystemTime};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time span: give a number with its unit, such as `30s`, `5m` or `500ms`")]
pub struct TimeSpanError {
    pub text: String,
}

/// Reads `1m30s` and the like; a bare number is refused because its unit would be a guess.
pub fn parse_time(text: &str) -> Result<Duration, TimeSpanError> {
    let error = || TimeSpanError { text: text.to_owned() };
    let span: jiff::SignedDuration = text.parse().map_err(|_| error())?;
    Duration::try_from(span).map_err(|_| error())
}

/// Writes a span for people: `0.4 s`, `12 s`, `4:58`.
pub fn describe_time(span: Duration) -> String {
    let seconds = span.as_secs();
    if span < Duration::from_secs(10) {
        format!("{:.1} s", span.as_secs_f64())
    } else if seconds < 100 {
        format!("{seconds} s")
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

/// Writes a moment as the clock on the wall showed it: `10:31`.
pub fn describe_clock(moment: SystemTime) -> String {
    match jiff::Zoned::try_from(moment) {
        Ok(local) => local.strftime("%H:%M").to_string(),
        Err(_) => "an unknown time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_a_unit() {
        assert_eq!(parse_time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_time("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        for text in ["30", "", "s", "-5s", "five minutes"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn writes_for_people() {
        assert_eq!(describe_time(Duration::from_millis(420)), "0.4 s");
        assert_eq!(describe_time(Duration::from_secs(42)), "42 s");
        assert_eq!(describe_time(Duration::from_secs(298)), "4:58 min");
    }
}
