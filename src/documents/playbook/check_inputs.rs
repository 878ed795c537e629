//! What an input says of its file, held against itself.

use crate::documents::catalog::Catalog;
use crate::documents::playbook::wrong_kind::is_known_beginning;
use crate::documents::playbook::{Input, Playbook, Vectors};
use crate::words::{Code, Diagnostic, Hex, meant_or_known};

pub(super) fn check_inputs(playbook: &Playbook, catalog: &Catalog, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.extend(unknown_image_folders(playbook, catalog));
    for input in &playbook.inputs {
        diagnostics.extend(vectors_beyond_the_file(input));
        diagnostics.extend(lists_known_kinds(input));
    }
}

fn unknown_image_folders(playbook: &Playbook, catalog: &Catalog) -> Option<Diagnostic> {
    let images = playbook.images.as_ref()?;
    let known = catalog.image_folders.iter().map(|folders| folders.name.as_str());
    known.clone().all(|name| name != images.value).then(|| {
        let message = format!("the catalog of tools has no image folders `{}`", images.value);
        Diagnostic::error(Code::UnknownName, &images.place, message).hint(meant_or_known(&images.value, known))
    })
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
