//! A virtual board's settings, as the playbook writes them: each with a default or a clear word about its absence.
//!
//! Faults are noted with their places and reading goes on, so that `recover check` tells an author all of them at once.
//! What a model knows by which name stands in a table beside the model.

use std::str::FromStr;

use crate::documents::playbook::{DeviceKind, Playbook, VirtualBoard};
use crate::documents::{Entries, Reader, Yaml, YamlKind};
use crate::words::{Code, Diagnostic, FILE_BYTES_MAX, Place, UsbId, meant_or_known};

/// One setting of a model, for `recover check` and for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingHelp {
    pub name: &'static str,
    /// How the value is written, such as `{start, size}`.
    pub form: &'static str,
    /// What it means, and what holds without it.
    pub meaning: &'static str,
}

/// Reads the settings of one virtual board.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    playbook: &'a Playbook,
    board: &'a VirtualBoard,
    pub(in crate::bench) reader: Reader,
}

/// How a board in one of its states shows itself to the host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: UsbId,
    pub(crate) kind: DeviceKind,
    pub(crate) product: String,
}

/// A run of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// What a model takes an identity for when the playbook does not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usual {
    pub(crate) kind: DeviceKind,
    pub(crate) product: &'static str,
}

/// These chips have addresses of 32 bits.
const ADDRESS_END: u64 = 1 << 32;
/// Lists of partitions, memories and fuses are written by hand.
const LIST_MAX: usize = 64;

impl Range {
    pub(crate) fn contains(&self, address: u64) -> bool {
        address.checked_sub(self.start).is_some_and(|offset| offset < self.length)
    }

    fn overlaps(&self, other: &Range) -> bool {
        self.start < other.start + other.length && other.start < self.start + self.length
    }
}

impl<'a> Settings<'a> {
    pub(crate) fn new(playbook: &'a Playbook, board: &'a VirtualBoard) -> Self {
        Settings { playbook, board, reader: Reader::default() }
    }

    pub(crate) fn model(&self) -> &'a str {
        &self.board.model.value
    }

    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.reader.diagnostics
    }

    pub(crate) fn report(&mut self, place: &Place, message: impl Into<String>) {
        self.reader.report(Diagnostic::error(Code::VirtualBoard, place, message));
    }

    /// A name that is none of `known`.
    pub(crate) fn unknown_name(&mut self, value: &Yaml, message: &str, given: &str, known: &[&str]) {
        self.reader.report(
            Diagnostic::error(Code::VirtualBoard, &value.place, message)
                .hint(meant_or_known(given, known.iter().copied())),
        );
    }

    /// A fault of the model's name itself.
    pub(crate) fn unknown_model(&mut self, known: &[&str]) {
        let model = &self.board.model;
        let diagnostic =
            Diagnostic::error(Code::VirtualBoard, &model.place, format!("there is no virtual board `{}`", model.value));
        self.reader.report(diagnostic.label("unknown model").hint(meant_or_known(&model.value, known.iter().copied())));
    }

    /// A setting that the model does not know is a misspelt one.
    pub(crate) fn refuse_others(&mut self, known: &[SettingHelp]) {
        let names: Vec<&str> = known.iter().map(|row| row.name).collect();
        for (key, _) in &self.board.settings {
            if !names.contains(&key.text.as_str()) {
                let message = format!("the virtual board `{}` has no setting `{}`", self.model(), key.text);
                let hint = meant_or_known(&key.text, names.iter().copied());
                self.reader.report(
                    Diagnostic::error(Code::VirtualBoard, &key.place, message).label("unknown setting").hint(hint),
                );
            }
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a Yaml> {
        self.board.settings.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
    }

    /// As [`Settings::value`]; a missing one is a fault.
    pub(crate) fn required(&mut self, row: &SettingHelp) -> Option<&'a Yaml> {
        let value = self.value(row.name);
        if value.is_none() {
            let message = format!("the virtual board `{}` needs the setting `{}`", self.model(), row.name);
            let hint = format!("add `{}: {}`: {}", row.name, row.form, row.meaning);
            self.reader.report(Diagnostic::error(Code::VirtualBoard, &self.board.model.place, message).hint(hint));
        }
        value
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        self.reader.text(value).map(|text| text.value)
    }

    /// A value that its own reader understands, such as a memory layout.
    pub(crate) fn parsed<T>(&mut self, value: &Yaml) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.reader.parsed(value).map(|located| located.value)
    }

    /// An address that must lie within `memory`.
    pub(crate) fn address_in(&mut self, name: &str, memory: Range, default: u64) -> u64 {
        let Some(value) = self.value(name) else { return default };
        let Some(address) = self.reader.unsigned(value) else { return default };
        if !memory.contains(address) {
            let Range { start, length } = memory;
            let message = format!("{address:#x} lies outside the memory at {start:#x}, which has {length:#x} bytes");
            self.report(&value.place, message);
        }
        address
    }

    /// A number of 32 bits.
    pub(crate) fn word(&mut self, value: &Yaml) -> Option<u32> {
        let number = self.reader.unsigned(value)?;
        let word = u32::try_from(number).ok();
        if word.is_none() {
            self.report(&value.place, format!("{number:#x} has more than 32 bits"));
        }
        word
    }

    /// The entries of a map with these keys.
    pub(crate) fn parts<'y>(&mut self, yaml: &'y Yaml, of: &str, known: &[&str]) -> Option<Entries<'y>> {
        self.reader.map(yaml, of, known)
    }

    /// An entry that must be there.
    pub(crate) fn part<'y>(&mut self, parts: &Entries<'y>, of: &str, key: &str) -> Option<&'y Yaml> {
        let found = parts.get(key);
        if found.is_none() {
            self.report(parts.place(), format!("{of} needs the key `{key}`"));
        }
        found
    }

    pub(crate) fn list<'y>(&mut self, yaml: &'y Yaml, of: &str) -> &'y [Yaml] {
        let items = self.reader.list(yaml, of);
        if items.len() > LIST_MAX {
            self.report(&yaml.place, format!("{} {of} are too many; the bench takes {LIST_MAX}", items.len()));
        }
        &items[..items.len().min(LIST_MAX)]
    }

    /// The `start` and `size` of a map.
    pub(crate) fn range(&mut self, parts: &Entries<'_>, of: &str) -> Option<Range> {
        let (start, size) = (self.part(parts, of, "start"), self.part(parts, of, "size"));
        let start = self.reader.unsigned(start?)?;
        self.sized(start, size?, of)
    }

    /// The memory that begins at `start`; a size that cannot be is a fault.
    pub(crate) fn sized(&mut self, start: u64, size: &Yaml, of: &str) -> Option<Range> {
        let length = self.reader.size(size, FILE_BYTES_MAX)?;
        let fits = start.checked_add(length).is_some_and(|end| end <= ADDRESS_END);
        if length == 0 || !fits {
            self.report(&size.place, format!("{of} at {start:#x} cannot have {length:#x} bytes"));
            return None;
        }
        Some(Range { start, length })
    }

    /// A list of memories, each `{start, size}`.
    pub(crate) fn memories(&mut self, name: &str, default: &[Range]) -> Vec<Range> {
        let Some(value) = self.value(name) else { return default.to_vec() };
        let mut found: Vec<Range> = Vec::new();
        for item in self.list(value, "memories") {
            let parts = self.parts(item, "a memory", &["start", "size"]);
            let Some(range) = parts.and_then(|parts| self.range(&parts, "a memory")) else { continue };
            if found.iter().any(|other| other.overlaps(&range)) {
                self.report(&item.place, format!("the memory at {:#x} overlaps one before it", range.start));
            }
            found.push(range);
        }
        found
    }

    /// How the board shows itself in one of its states: what the setting says, else the playbook's device of that name.
    pub(crate) fn identity(&mut self, name: &str, usual: Usual) -> Option<Identity> {
        let Some(value) = self.value(name) else {
            let device = self.playbook.devices.iter().find(|device| device.name.as_str() == name)?;
            return Some(Identity {
                id: device.ids.first().copied()?,
                kind: device.kind,
                product: usual.product.to_owned(),
            });
        };
        let (id, product) = match &value.kind {
            YamlKind::Map(_) => {
                let parts = self.parts(value, "a device of the board", &["id", "product"])?;
                let id = self.part(&parts, "a device of the board", "id")?;
                let product = parts.get("product").and_then(|product| self.reader.text(product));
                (id, product.map(|product| product.value))
            }
            _ => (value, None),
        };
        let id = self.usb_id(id)?;
        let kind = self.playbook.devices.iter().find(|device| device.ids.contains(&id)).map(|device| device.kind);
        let product = product.unwrap_or_else(|| usual.product.to_owned());
        Some(Identity { id, kind: kind.unwrap_or(usual.kind), product })
    }

    /// As [`Settings::identity`]; a missing one is a fault.
    pub(crate) fn required_identity(&mut self, name: &str, usual: Usual) -> Identity {
        let before = self.reader.diagnostics.len();
        let identity = self.identity(name, usual);
        if identity.is_none() && self.reader.diagnostics.len() == before {
            let message = format!("the virtual board `{}` needs to know the USB id of its `{name}`", self.model());
            let hint =
                format!("call one of the playbook's devices `{name}`, or add the setting `{name}: \"1fc9:0135\"`");
            self.reader.report(Diagnostic::error(Code::VirtualBoard, &self.board.model.place, message).hint(hint));
        }
        // The board is not built when there are faults.
        let nothing = UsbId { vendor: 0, product: 0 };
        identity.unwrap_or(Identity { id: nothing, kind: usual.kind, product: String::new() })
    }

    /// A USB id, or the name of one of the playbook's devices.
    fn usb_id(&mut self, value: &Yaml) -> Option<UsbId> {
        let text = self.reader.text(value)?;
        if text.value.contains(':') {
            return self.reader.parsed(value).map(|id| id.value);
        }
        let device = self.playbook.devices.iter().find(|device| device.name.as_str() == text.value);
        if device.is_none() {
            let known: Vec<&str> = self.playbook.devices.iter().map(|device| device.name.as_str()).collect();
            let message = format!("`{}` is neither a USB id nor a device of this playbook", text.value);
            self.unknown_name(value, &message, &text.value, &known);
        }
        device.and_then(|device| device.ids.first().copied())
    }
}
