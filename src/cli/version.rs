//! Which recover this is: its version and, where `build.rs` or whoever built it has told, the commit and the day of that.

use jiff::Timestamp;

/// As `--version` and the manual say it.
pub(super) fn version() -> String {
    worded(env!("CARGO_PKG_VERSION"), option_env!("RECOVER_COMMIT"), option_env!("SOURCE_DATE_EPOCH"))
}

/// `seconds` since 1970; the day is that of UTC, so that it is the same wherever the program is built.
fn worded(version: &str, commit: Option<&str>, seconds: Option<&str>) -> String {
    let day = seconds.and_then(|seconds| Timestamp::from_second(seconds.parse().ok()?).ok());
    let day = day.map(|day| day.strftime("%Y-%m-%d").to_string());
    let origin: Vec<String> = commit.map(str::to_owned).into_iter().chain(day).collect();
    if origin.is_empty() { version.to_owned() } else { format!("{version} ({})", origin.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(worded("1.2.3", Some("0123456789ab"), Some("1764547199")), "1.2.3 (0123456789ab 2025-11-30)");
        assert_eq!(worded("1.2.3", None, Some("0")), "1.2.3 (1970-01-01)");
        assert_eq!(worded("1.2.3", Some("0123456789ab"), None), "1.2.3 (0123456789ab)");
        assert_eq!(worded("1.2.3", None, Some("today")), "1.2.3");
        assert_eq!(worded("1.2.3", None, None), "1.2.3");
    }
}
