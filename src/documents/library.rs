//! The playbooks and the catalog that are shipped inside the binary.

use std::sync::Arc;

use crate::documents::playbook::{Playbook, load};
use crate::words::{Source, UsbId, likeness};

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

/// What a playbook for a new board begins with: documents that pass their tests as they are.
#[derive(Debug)]
pub struct Beginning {
    pub name: &'static str,
    /// For which boards, for people.
    pub about: &'static str,
    /// File name and text of each.
    pub documents: &'static [(&'static str, &'static str)],
}

macro_rules! documents {
    ($folder:literal: $($file:literal),+) => {
        &[$(($file, include_str!(concat!("../../playbooks/new/", $folder, "/", $file)))),+]
    };
}

/// The likeliest first.
pub const BEGINNINGS: [Beginning; 4] = [
    Beginning {
        name: "stm32-dfu",
        about: "An STM32 whose ROM speaks DFU",
        documents: documents!("stm32-dfu": "board.yaml", "board.test.yaml"),
    },
    Beginning {
        name: "imxrt-sdp",
        about: "An i.MX RT with NXP's flashloader",
        documents: documents!("imxrt-sdp": "board.yaml", "board.test.yaml"),
    },
    Beginning {
        name: "plain-dfu",
        about: "A board whose own bootloader speaks DFU",
        documents: documents!("plain-dfu": "board.yaml", "board.test.yaml"),
    },
    Beginning {
        name: "tool",
        about: "A board that is written with a tool that recover does not know yet",
        documents: documents!("tool": "board.yaml", "board.test.yaml", "vendor-tools.toml", "works.scene.yaml", "silent.scene.yaml"),
    },
];

/// The board ids of all shipped playbooks, in alphabetical order.
pub fn shipped_boards() -> impl Iterator<Item = &'static str> {
    PLAYBOOKS.iter().map(|(board, _)| *board)
}

/// The shipped playbook of a board, asked for by board id or by file name, else by any name of the board.
pub fn shipped_playbook(name: &str) -> Option<Arc<Source>> {
    let board = name.strip_suffix(".yaml").unwrap_or(name);
    let is_id = PLAYBOOKS.iter().any(|(known, _)| *known == board);
    let id = if is_id { board } else { shipped_board_called(name)?.id };
    let (known, text) = PLAYBOOKS.iter().find(|(known, _)| *known == id)?;
    Some(Arc::new(Source { name: format!("{known}.yaml"), text: (*text).to_owned() }))
}

/// The shipped boards that may have been meant by a name that none has, likeliest first: their ids and names.
pub fn boards_like(name: &str) -> Vec<ShippedBoard> {
    const MEANT_MAX: usize = 3;
    let board = name.strip_suffix(".yaml").unwrap_or(name);
    // Who gives a folder means a file of their own.
    if board.contains(['/', '\\']) {
        return Vec::new();
    }
    let wanted = bare(board);
    let likeness = |(id, _): &(&'static str, &str)| {
        let playbook = shipped(id)?;
        let names = names_of(id, &playbook);
        let near = names.iter().filter_map(|known| likeness(&wanted, &bare(known))).max_by(f64::total_cmp)?;
        Some((near, ShippedBoard { id, name: playbook.board }))
    };
    let mut near: Vec<_> = PLAYBOOKS.iter().filter_map(likeness).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().take(MEANT_MAX).map(|(_, board)| board).collect()
}

fn names_of(id: &str, playbook: &Playbook) -> Vec<String> {
    let aliases = playbook.aliases.iter().map(|alias| alias.value.clone());
    [id.to_owned(), playbook.board.clone()].into_iter().chain(aliases).collect()
}

/// Is this one of the board's names?
pub fn is_called(playbook: &Playbook, name: &str) -> bool {
    let wanted = bare(name);
    let aliases = playbook.aliases.iter().map(|alias| alias.value.as_str());
    !wanted.is_empty() && aliases.chain([playbook.board.as_str()]).any(|known| bare(known) == wanted)
}

/// Every shipped playbook, read when it is asked for.
pub fn shipped_playbooks() -> impl Iterator<Item = Playbook> {
    shipped_boards().filter_map(shipped)
}

/// The shipped playbooks whose texts name this USB id. Reading them all takes too long for a run.
pub fn shipped_with(id: UsbId) -> Vec<Playbook> {
    let id = id.to_string();
    let named_in = |text: &str| text.contains(&id);
    let of_family = |text: &str| FAMILIES.iter().any(|(path, family)| text.contains(path) && named_in(family));
    let named = PLAYBOOKS.iter().filter(|(_, text)| named_in(text) || of_family(text));
    named.filter_map(|(board, _)| shipped(board)).collect()
}

/// The playbook of a board id.
pub fn shipped(board: &str) -> Option<Playbook> {
    let family = |path: &str| shipped_family(path).ok_or_else(|| "it is not shipped".to_owned());
    let (id, text) = PLAYBOOKS.iter().find(|(known, _)| *known == board)?;
    load(&Arc::new(Source { name: format!("{id}.yaml"), text: (*text).to_owned() }), &family).playbook
}

/// The shipped board of this name, regardless of case, blanks and punctuation: its id, what people call it, or an alias.
pub fn shipped_board_called(name: &str) -> Option<ShippedBoard> {
    let wanted = bare(name);
    // Reading a playbook takes longer than seeing that a name does not stand in it.
    let mentions = |id: &str, text: &str| bare(id) == wanted || bare(text).contains(&wanted);
    PLAYBOOKS.iter().filter(|(id, text)| !wanted.is_empty() && mentions(id, text)).find_map(|(id, _)| {
        let playbook = shipped(id)?;
        let called = bare(id) == wanted || is_called(&playbook, name);
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
