//! What an input says of its file, held against itself.

use crate::documents::playbook::wrong_kind::is_known_beginning;
use crate::documents::playbook::{Input, Playbook, Vectors};
use crate::words::{Code, Diagnostic, Hex};

pub(super) fn check_inputs(playbook: &Playbook, diagnostics: &mut Vec<Diagnostic>) {
    for input in &playbook.inputs {
        diagnostics.extend(vectors_beyond_the_file(input));
        diagnostics.extend(lists_known_kinds(input));
    }
}

fn vectors_beyond_the_file(input: &Input) -> Option<Diagnostic> {
    let (vectors, max) = (input.vectors.as_ref()?, input.max_size?);
    let needed = vectors.at.saturating_add(Vectors::SIZE_BYTES);
    (needed > max).then(|| {
        let message =
            format!("the vectors of `{}` end at {}, and its `max_size` is {}", input.name, Hex(needed), Hex(max));
        Diagnostic::error(Code::NoRoom, &input.place, message)
    })
}

/// A list copied from playbook to playbook misses the kinds that are thought of later.
fn lists_known_kinds(input: &Input) -> Option<Diagnostic> {
    let known = input.not_starts_with.iter().any(|(bytes, _)| is_known_beginning(bytes));
    (known && input.kind.is_none()).then(|| {
        let message = format!("`{}` lists kinds of files that `kind: raw` refuses, and not all of them", input.name);
        Diagnostic::warning(Code::FileKinds, &input.place, message)
            .hint("add `kind: raw`, and keep in `not_starts_with` only what is peculiar to this file")
    })
}
