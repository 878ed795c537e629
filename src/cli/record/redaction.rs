//! `--redact`: personal paths, names and serial numbers, replaced by the same words wherever they stand.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use crate::documents::scene::{
    Act, ArgumentPattern, Content, Deed, FileName, PersonReply, Printed, Scene, SceneCall, ScenePerson,
};
use crate::words::Stream;
use crate::world::Surroundings;

/// What is replaced by what.
#[derive(Debug, Default)]
pub(in crate::cli) struct Redaction {
    replacements: Vec<Replacement>,
}

#[derive(Debug)]
struct Replacement {
    from: String,
    to: String,
    /// Not where it is a part of a longer word.
    whole_word: bool,
}

/// A shorter serial number, or name, would be found in words that have nothing to do with it.
const SHORT_BYTES: usize = 4;

impl Redaction {
    /// Everything personal that can be known: of the surroundings, and of what was recorded.
    pub(super) fn of(scene: &Scene, surroundings: &Surroundings, files: &Path, folders: &[String]) -> Self {
        let mut redaction = Redaction::of_user(surroundings);
        for folder in folders {
            redaction.replace(folder, "/work", false);
        }
        if let Ok(files) = std::path::absolute(files) {
            redaction.replace(&files.to_string_lossy(), "/files", false);
        }
        redaction.serials(serials(scene).iter().map(String::as_str));
        redaction.in_order()
    }

    /// Of the person who runs recover.
    pub(in crate::cli) fn of_user(surroundings: &Surroundings) -> Self {
        let mut redaction = Redaction::default();
        if let Some(home) = &surroundings.home {
            redaction.replace(&home.to_string_lossy(), "/home/user", false);
        }
        for variable in ["USER", "LOGNAME", "USERNAME"] {
            let name = surroundings.variables.get(variable).map(|name| name.to_string_lossy());
            // Many texts speak of root, and it is nobody's name.
            if let Some(name) = name.filter(|name| name != "root") {
                redaction.replace(&name, "user", true);
            }
        }
        redaction
    }

    pub(in crate::cli) fn serials<'a>(&mut self, serials: impl Iterator<Item = &'a str>) {
        for (number, serial) in serials.enumerate() {
            self.replace(serial, &format!("{:0width$}", number + 1, width = serial.len()), true);
        }
    }

    /// Once all are known: a path within another one goes first.
    pub(in crate::cli) fn in_order(mut self) -> Self {
        self.replacements.sort_by_key(|replacement| std::cmp::Reverse(replacement.from.len()));
        self
    }

    pub(in crate::cli) fn replace(&mut self, from: &str, to: &str, whole_word: bool) {
        let known = self.replacements.iter().any(|replacement| replacement.from == from);
        if from.len() >= SHORT_BYTES && from != to && !known {
            self.replacements.push(Replacement { from: from.to_owned(), to: to.to_owned(), whole_word });
        }
    }

    pub(super) fn apply(&self, scene: &mut Scene) {
        for tool in &mut scene.tools {
            self.text(&mut tool.version.value);
        }
        for device in &mut scene.devices {
            self.text(&mut device.port);
            device.serial.iter_mut().chain(&mut device.product).for_each(|text| self.text(text));
        }
        scene.port.iter_mut().chain(&mut scene.serial).chain(scene.set.values_mut()).for_each(|text| self.text(text));
        for ScenePerson { reply, .. } in &mut scene.person {
            if let Some(PersonReply::Line(line)) = reply {
                self.text(line);
            }
        }
        for call in &mut scene.calls {
            self.apply_to_call(call);
        }
    }

    fn apply_to_call(&self, call: &mut SceneCall) {
        for arg in &mut call.args {
            if let ArgumentPattern::One(text) = arg {
                self.text(text);
            }
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut pieces: Vec<&mut Vec<u8>> = Vec::new();
            for act in &mut call.acts {
                match &mut act.deed {
                    Deed::Print(of, Printed::Bytes(bytes)) if *of == stream => pieces.push(bytes),
                    _ => {}
                }
            }
            self.pieces(&mut pieces);
        }
        for Act { deed, .. } in &mut call.acts {
            match deed {
                Deed::Read { pattern, .. } => self.text(pattern),
                Deed::Write { name: FileName::Fixed(name), content } => {
                    self.text(name);
                    match content {
                        Content::Text(text) => self.text(text),
                        Content::Copy { of: FileName::Fixed(of), .. } => self.text(of),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }

    pub(in crate::cli) fn text(&self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.pieces(&mut [&mut bytes]);
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }

    /// Words are found across the pieces; a replaced one stands in the piece in which it began.
    fn pieces(&self, pieces: &mut [&mut Vec<u8>]) {
        let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let mut ends = pieces
            .iter()
            .scan(0, |end, piece| {
                *end += piece.len();
                Some(*end)
            })
            .collect::<Vec<usize>>()
            .into_iter();
        let mut redacted: Vec<Vec<u8>> = vec![Vec::new(); pieces.len()];
        let (mut piece, mut end) = (0, ends.next().unwrap_or(0));
        let mut at = 0;
        while at < whole.len() {
            while at >= end {
                piece += 1;
                end = ends.next().unwrap_or(whole.len());
            }
            match self.replacements.iter().find(|replacement| replacement.stands_at(&whole, at)) {
                Some(Replacement { from, to, .. }) => {
                    redacted[piece].extend_from_slice(to.as_bytes());
                    at += from.len();
                }
                None => {
                    redacted[piece].push(whole[at]);
                    at += 1;
                }
            }
        }
        for (piece, redacted) in pieces.iter_mut().zip(redacted) {
            **piece = redacted;
        }
    }
}

impl Replacement {
    /// Tools print numbers in either case.
    fn stands_at(&self, text: &[u8], at: usize) -> bool {
        let end = at + self.from.len();
        let word =
            |index: Option<usize>| index.and_then(|index| text.get(index)).is_some_and(u8::is_ascii_alphanumeric);
        text.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(self.from.as_bytes()))
            && !(self.whole_word && (word(at.checked_sub(1)) || word(Some(end))))
    }
}

/// Those of the devices, and what tools print as one.
fn serials(scene: &Scene) -> BTreeSet<String> {
    const LABELLED: &str = r#"(?i)\b(?:serial(?:[ _-]?(?:number|no\.?|num))?|(?:st-?link |device )?sn)["']?\s*[:=]\s*["']?([0-9A-Z]{6,})\b"#;
    let mut serials: BTreeSet<String> = scene.devices.iter().filter_map(|device| device.serial.clone()).collect();
    serials.extend(scene.serial.clone());
    let Ok(labelled) = Regex::new(LABELLED) else { return serials };
    for call in &scene.calls {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut text = Vec::new();
            for act in &call.acts {
                match &act.deed {
                    Deed::Print(of, printed) if *of == stream => text.extend_from_slice(printed.bytes()),
                    _ => {}
                }
            }
            let text = String::from_utf8_lossy(&text);
            let of_text = labelled.captures_iter(&text).filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
            let numbers = of_text.filter(|text| text.bytes().any(|byte| byte.is_ascii_digit()));
            serials.extend(numbers);
        }
    }
    serials.retain(|serial| serial.len() >= SHORT_BYTES);
    serials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_across_pieces_and_only_as_words() {
        let mut redaction = Redaction::default();
        redaction.replace("/home/ada", "/home/user", false);
        redaction.replace("adas", "user", true);
        redaction.replace("356A38733432", "000000000001", true);
        let mut pieces: Vec<Vec<u8>> = ["in /ho", "me/ada/x, adas! Madas ", "serial 356a3873", "3432."]
            .map(|piece| piece.as_bytes().to_vec())
            .into();
        let mut borrowed: Vec<&mut Vec<u8>> = pieces.iter_mut().collect();
        redaction.pieces(&mut borrowed);
        let told: Vec<_> = pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
        assert_eq!(told, ["in /home/user", "/x, user! Madas ", "serial 000000000001", "."]);
    }
}
