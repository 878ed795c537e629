//! Forms that values have in several kinds of documents, for the declarations of their keys.

use crate::documents::keys::Shape;
use crate::documents::playbook::HandMove;
use crate::words::FaultClass;

/// A list of texts, or one in its place.
pub(in crate::documents) const TEXTS: Shape =
    Shape::Part("texts", "", &Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)]));
pub(in crate::documents) const FLAG: Shape = Shape::Part("flag", "", &Shape::YesOrNo);
pub(in crate::documents) const SCALAR: Shape = Shape::Part("scalar", "", &Shape::Scalar);
pub(in crate::documents) const TIME: Shape =
    Shape::Part("time", "With its unit: 500ms, 30s, 5m.", &Shape::TextLike("[a-zµ]$"));
pub(in crate::documents) const CLASS: Shape = Shape::Part("class", "", &Shape::Words(FaultClass::words));
/// As [`crate::words::Id`] reads it.
pub(in crate::documents) const ID: Shape = Shape::TextLike("^[a-z][a-z0-9_-]{0,63}$");
pub(in crate::documents) const HAND: Shape =
    Shape::Part("hand", "", &Shape::Either(&[Shape::Words(|| words(&HandMove::ALL)), PARAMETER]));
/// In place of what is no text.
pub(in crate::documents) const PARAMETER: Shape = Shape::Part(
    "parameter",
    "${name}: what is given for the parameter of this name.",
    &Shape::TextLike("^\\$\\{[a-z][a-z0-9_]*\\}$"),
);

/// The words of a table.
pub(in crate::documents) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}
