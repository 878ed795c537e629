//! Values that remember where in which document they stood.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A document and the name people know it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// A path as given on the command line, or the name of a shipped document.
    pub name: String,
    pub text: String,
}

/// A range of bytes in a document.
#[derive(Clone)]
pub struct Place {
    pub source: Arc<Source>,
    pub start: usize,
    pub end: usize,
    /// Of a text that stands for several: where it was called from, with what it is filled in.
    pub called_at: Option<Arc<Place>>,
}

/// What stands there is the same text, wherever it is called from.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.start, self.end) == (&other.source, other.start, other.end)
    }
}

impl Eq for Place {}

/// Line and column, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub fn new(source: Arc<Source>, start: usize, end: usize) -> Place {
        Place { source, start, end, called_at: None }
    }

    /// Where it was called from, from the inside out.
    pub fn calls(&self) -> impl Iterator<Item = &Place> {
        std::iter::successors(self.called_at.as_deref(), |place| place.called_at.as_deref())
    }

    pub fn position(&self) -> Position {
        let before = &self.source.text[..floor_boundary(&self.source.text, self.start)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|&b| b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The first position behind it.
    pub fn end_position(&self) -> Position {
        Place { start: self.end.max(self.start), ..self.clone() }.position()
    }

    /// The part of this place that begins `offset` bytes in and is `length` bytes long.
    pub fn within(&self, offset: usize, length: usize) -> Place {
        let start = (self.start + offset).min(self.end.max(self.start));
        Place { start, end: (start + length).min(self.end.max(start)), ..self.clone() }
    }
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// `file:line:column`, as editors understand it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Located<T> {
    pub value: T,
    pub place: Place,
}

/// Where a thing stands is of no account for what it is.
impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq<T> for Located<T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Located<T> {
    /// Of a value that stands in no document.
    #[cfg(test)]
    pub(crate) fn nowhere(value: T) -> Self {
        let source = Arc::new(Source { name: String::new(), text: String::new() });
        Located { value, place: Place::new(source, 0, 0) }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), place: self.place }
    }
}
