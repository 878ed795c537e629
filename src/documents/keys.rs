//! The keys of documents, each declared once: its name, what may stand there, a line about it, whether it must be there and
//! beside which others. The reader, the schema that `recover schema` prints and the reference of keys come from here.
//!
//! A key that no reader asks for is a field that is never read, and so a warning of the compiler.

use std::marker::PhantomData;

/// One kind of map in a document: "a step", "a tool".
#[derive(Debug)]
pub(crate) struct MapKind {
    /// In messages, with its article, or in backticks the key under which such a map stands.
    pub(crate) of: &'static str,
    pub(crate) keys: &'static [Declared],
    /// A line about it, for its part of the schema.
    pub(crate) about: &'static str,
    /// The name of that part; without one it stands where the map is used.
    pub(crate) name: Option<&'static str>,
    pub(crate) ways: Ways,
    pub(crate) missing: Missing,
    /// What a document as a whole is called; only its first map has this.
    pub(crate) title: Option<&'static str>,
    /// May keys of the author's choice stand beside these, and what stands under them?
    pub(crate) others: Option<Shape>,
}

/// Which of its keys make such a map whole.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ways {
    Any,
    /// At least one key, whichever.
    NotEmpty,
    OneOf(&'static [Way]),
    AtLeastOneOf(&'static [Way]),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    With(&'static [&'static str]),
    /// No other key may stand beside it.
    Alone(&'static str),
    /// Only where the other key is not there.
    Without(&'static str, &'static str),
}

/// How it is told that keys are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Each for itself, at the beginning of the map.
    Each,
    /// All that are needed are named, with this hint if it is not empty.
    Together(&'static str),
}

/// One key, as it is declared.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) about: &'static str,
    pub(crate) need: Need,
    /// It has a meaning only beside all keys of one of these lists.
    pub(crate) beside: &'static [&'static [&'static str]],
    /// What it is, said when it is missing, and what to add.
    pub(crate) when_missing: (&'static str, &'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Free,
    Required,
    /// What lies beneath the document may bring it.
    RequiredInTheEnd,
}

/// What may stand under a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Text,
    /// A text that matches this pattern of JSON schemas.
    TextLike(&'static str),
    /// A text, a number, or yes and no: all that YAML writes without quotes.
    Scalar,
    Boolean,
    /// `true`, `false`, and the words for them.
    YesOrNo,
    /// Whole numbers: any, those from one on, those of a range.
    AnyInteger,
    From(u32),
    Integer(u32, u32),
    OnlyNumber(u32),
    Only(&'static str),
    OnlyTrue,
    Words(fn() -> Vec<&'static str>),
    Numbers(fn() -> Vec<u8>),
    Map(fn() -> &'static MapKind),
    /// Any keys with any values.
    AnyMap,
    /// Keys of the author's choice, with such a value each.
    Named(&'static Shape),
    /// Words of our own, each with a line about it, and such a value.
    NamedByWords(fn() -> Vec<(&'static str, &'static str)>, &'static Shape),
    List(&'static Shape),
    /// With one element at least.
    SomeList(&'static Shape),
    Either(&'static [Shape]),
    /// With a line about it.
    About(&'static str, &'static Shape),
    /// A part of the schema by its name, with a line about it if that is not empty.
    Part(&'static str, &'static str, &'static Shape),
}

/// A key of the maps that `K` declares, to ask for.
pub(crate) struct Field<K> {
    pub(crate) name: &'static str,
    of: PhantomData<fn() -> K>,
}

/// The declared keys of one kind of map; made by [`keys!`].
pub(crate) trait Keys {
    fn kind() -> &'static MapKind;
}

impl<K> Clone for Field<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Field<K> {}

impl<K> PartialEq for Field<K> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<K> Field<K> {
    pub(crate) const fn new(name: &'static str) -> Self {
        Field { name, of: PhantomData }
    }
}

impl MapKind {
    pub(crate) const fn new(of: &'static str, keys: &'static [Declared]) -> Self {
        MapKind { of, keys, about: "", name: None, ways: Ways::Any, missing: Missing::Each, title: None, others: None }
    }

    pub(crate) const fn about(self, about: &'static str) -> Self {
        MapKind { about, ..self }
    }

    pub(crate) const fn part(self, name: &'static str) -> Self {
        MapKind { name: Some(name), ..self }
    }

    pub(crate) const fn document(self, title: &'static str) -> Self {
        MapKind { title: Some(title), ..self }
    }

    pub(crate) const fn others(self, shape: Shape) -> Self {
        MapKind { others: Some(shape), ..self }
    }

    pub(crate) const fn ways(self, ways: Ways) -> Self {
        MapKind { ways, ..self }
    }

    pub(crate) const fn missing_together(self, hint: &'static str) -> Self {
        MapKind { missing: Missing::Together(hint), ..self }
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }
}

impl Declared {
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Declared { name, shape, about, need: Need::Free, beside: &[], when_missing: ("", "") }
    }

    pub(crate) const fn required(self) -> Self {
        Declared { need: Need::Required, ..self }
    }

    pub(crate) const fn required_in_the_end(self) -> Self {
        Declared { need: Need::RequiredInTheEnd, ..self }
    }

    /// `what` follows the sentence that it is missing.
    pub(crate) const fn when_missing(self, what: &'static str, hint: &'static str) -> Self {
        Declared { when_missing: (what, hint), ..self }
    }

    pub(crate) const fn beside(self, beside: &'static [&'static [&'static str]]) -> Self {
        Declared { beside, ..self }
    }
}

/// Declares the keys of one kind of map: `keys! { NAME: Type = MapKind, …; key: shape, "a line about it", …; }`.
///
/// What follows a comma behind the line is a method of [`Declared`]; a key whose name is no word of Rust's has it in quotes
/// behind its field.
macro_rules! keys {
    ($(#[$doc:meta])* $NAME:ident: $Type:ident = $of:expr $(, $does:ident($($given:expr),*))*;
     $($field:ident $($name:literal)?: $shape:expr, $about:expr $(, $with:ident($($what:expr),*))*;)*) => {
        $(#[$doc])*
        pub(crate) struct $Type {
            $(pub(crate) $field: $crate::documents::keys::Field<$Type>,)*
        }

        $(#[$doc])*
        pub(crate) const $NAME: $Type = $Type {
            $($field: $crate::documents::keys::Field::new(keys!(@name $field $($name)?)),)*
        };

        impl $crate::documents::keys::Keys for $Type {
            fn kind() -> &'static $crate::documents::keys::MapKind {
                const KEYS: &[$crate::documents::keys::Declared] = &[
                    $($crate::documents::keys::Declared::new(keys!(@name $field $($name)?), $shape, $about)
                        $(.$with($($what),*))*,)*
                ];
                static MAP: $crate::documents::keys::MapKind =
                    $crate::documents::keys::MapKind::new($of, KEYS)$(.$does($($given),*))*;
                &MAP
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
pub(crate) use keys;
