//! Text as the page gets it: nothing in it turns the direction of writing, hides something, or steers a terminal that it is
//! copied to. That it never becomes markup is the page's own part: it knows texts only.

use crate::cli::harmless::replaced;

/// Made of any text, and then harmless to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Shown(String);

impl Shown {
    pub(super) fn all(texts: &[String]) -> Vec<Shown> {
        texts.iter().map(Shown::from).collect()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str>> From<T> for Shown {
    fn from(text: T) -> Self {
        Shown(replaced(&text.as_ref().replace('\t', " ")))
    }
}
