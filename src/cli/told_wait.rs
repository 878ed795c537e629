//! A wait repeats itself every second; lasting text needs only what is new about it.

/// The last line about a wait that was worth keeping.
#[derive(Debug, Default)]
pub(crate) struct ToldWait {
    told: Option<Told>,
}

#[derive(Debug)]
struct Told {
    waiting_for: String,
    attached: Vec<String>,
    remaining_ms: u64,
}

impl ToldWait {
    /// A wait that nobody watches says again that it goes on.
    const REMINDER_MS: u64 = 30_000;

    /// Is this the first line, has something changed, or has it been quiet for long?
    pub(crate) fn is_news(&mut self, waiting_for: &str, attached: &[String], remaining_ms: u64) -> bool {
        let news = self.told.as_ref().is_none_or(|told| {
            told.waiting_for != waiting_for
                || told.attached != attached
                || told.remaining_ms.abs_diff(remaining_ms) >= ToldWait::REMINDER_MS
        });
        if news {
            let attached = attached.to_vec();
            self.told = Some(Told { waiting_for: waiting_for.to_owned(), attached, remaining_ms });
        }
        news
    }

    pub(crate) fn forget(&mut self) {
        self.told = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_are_told() {
        let mut told = ToldWait::default();
        let rom = ["1fc9:0135".to_owned()];
        assert!(told.is_news("rom", &[], 120_000));
        assert!(!told.is_news("rom", &[], 119_000));
        assert!(told.is_news("rom", &rom, 118_000));
        assert!(!told.is_news("rom", &rom, 89_000));
        assert!(told.is_news("rom", &rom, 88_000));
        told.forget();
        assert!(told.is_news("rom", &rom, 87_000));
    }
}
