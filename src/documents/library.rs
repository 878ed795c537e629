//! The playbooks and the catalog that are shipped inside the binary.

use std::sync::Arc;

use crate::documents::playbook::{Playbook, load};
use crate::words::{Source, nearest};

/// Board id and text of every shipped playbook; `tests/shipped.rs` holds the list against the folder.
const PLAYBOOKS: [(&str, &str); 9] = [
    ("ae3", include_str!("../../playbooks/ae3.yaml")),
    ("arduino", include_str!("../../playbooks/arduino.yaml")),
    ("h7", include_str!("../../playbooks/h7.yaml")),
    ("h7-plus", include_str!("../../playbooks/h7-plus.yaml")),
    ("m4", include_str!("../../playbooks/m4.yaml")),
    ("m7", include_str!("../../playbooks/m7.yaml")),
    ("n6", include_str!("../../playbooks/n6.yaml")),
    ("pure-thermal", include_str!("../../playbooks/pure-thermal.yaml")),
    ("rt1062", include_str!("../../playbooks/rt1062.yaml")),
];

const FAMILIES: [(&str, &str); 2] = [
    ("lib/own-bootloader.yaml", include_str!("../../playbooks/lib/own-bootloader.yaml")),
    ("lib/stm32-dfu.yaml", include_str!("../../playbooks/lib/stm32-dfu.yaml")),
];

/// The board ids of all shipped playbooks, in alphabetical order.
pub fn shipped_boards() -> impl Iterator<Item = &'static str> {
    PLAYBOOKS.iter().map(|(board, _)| *board)
}

/// The shipped playbook of a board, asked for by board id or by file name.
pub fn shipped_playbook(name: &str) -> Option<Arc<Source>> {
    let board = name.strip_suffix(".yaml").unwrap_or(name);
    PLAYBOOKS
        .iter()
        .find(|(known, _)| *known == board)
        .map(|(known, text)| Arc::new(Source { name: format!("{known}.yaml"), text: (*text).to_owned() }))
}

/// The board id that was most likely meant.
pub fn nearest_board(name: &str) -> Option<&'static str> {
    let board = name.strip_suffix(".yaml").unwrap_or(name);
    // Who gives a folder means a file of their own.
    if board.contains(['/', '\\']) { None } else { nearest(board, shipped_boards()) }
}

/// Every shipped playbook, read when it is asked for.
pub fn shipped_playbooks() -> impl Iterator<Item = Playbook> {
    shipped_boards().filter_map(read)
}

fn read(board: &str) -> Option<Playbook> {
    let family = |path: &str| shipped_family(path).ok_or_else(|| "it is not shipped".to_owned());
    load(&shipped_playbook(board)?, &family).playbook
}

/// The shipped board that one of its playbook's aliases names, regardless of case, blanks and punctuation.
pub fn shipped_board_called(name: &str) -> Option<ShippedBoard> {
    let wanted = bare(name);
    // Reading a playbook takes longer than seeing that a name does not stand in it.
    let mentions = |text: &str| !wanted.is_empty() && bare(text).contains(&wanted);
    PLAYBOOKS.iter().filter(|(_, text)| mentions(text)).find_map(|(id, _)| {
        let playbook = read(id)?;
        let called = playbook.aliases.iter().any(|alias| bare(&alias.value) == wanted);
        called.then_some(ShippedBoard { id, name: playbook.board })
    })
}

/// A board whose playbook is shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippedBoard {
    pub id: &'static str,
    /// For people.
    pub name: String,
}

/// A name without what people write one way or another: only its letters, as small ones, and digits.
pub fn bare(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A shipped family, by the path that shipped playbooks use.
pub fn shipped_family(path: &str) -> Option<Arc<Source>> {
    FAMILIES
        .iter()
        .find(|(known, _)| *known == path)
        .map(|(known, text)| Arc::new(Source { name: (*known).to_owned(), text: (*text).to_owned() }))
}
