//! A recording as a scene.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::documents::scene::{Act, Deed, Printed, Scene, SceneCall, SceneTool, Times};
use crate::words::{Located, Place, Source};
use crate::world::Recorded;

/// With more lines than this, output stays in the pieces in which it came.
const LINES_MAX: usize = 15_000;

/// Devices, person and calls; what the run was given is for the caller to add. `launchers` says how each tool was started.
pub(super) fn scene_of(recorded: Recorded, launchers: &BTreeMap<String, Vec<OsString>>) -> Scene {
    let mut scene =
        Scene { devices: recorded.devices, changes: recorded.changes, person: recorded.person, ..Scene::default() };
    for (name, launcher) in launchers {
        let answer = recorded.versions.get(launcher).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        scene.tools.push(SceneTool {
            name: nowhere(name.clone()),
            version: nowhere(answer.unwrap_or_default()),
            flavour: None,
            files: Vec::new(),
        });
    }
    scene.calls = recorded
        .calls
        .into_iter()
        .map(|call| SceneCall {
            tool: nowhere(call.tool),
            args: call.args,
            times: Times::InOrder(1),
            optional: false,
            acts: call.acts,
            end: call.end,
            afterwards: call.afterwards,
        })
        .collect();
    scene
}

/// Output as people read and change it: one act for each line, and text wherever it is text.
pub(super) fn in_lines(scene: &mut Scene) {
    let printed = |act: &Act| match &act.deed {
        Deed::Print(_, printed) => printed.bytes().iter().filter(|byte| **byte == b'\n').count() + 1,
        _ => 1,
    };
    let lines: usize = scene.calls.iter().flat_map(|call| &call.acts).map(printed).sum();
    for call in &mut scene.calls {
        let acts = std::mem::take(&mut call.acts);
        call.acts = acts.into_iter().flat_map(|act| shown(act, lines <= LINES_MAX)).collect();
    }
}

fn shown(act: Act, in_lines: bool) -> Vec<Act> {
    let Act { after_ms, deed: Deed::Print(stream, printed) } = act else { return vec![act] };
    let pieces: Vec<Printed> = match printed {
        Printed::Bytes(bytes) if in_lines => bytes.split_inclusive(|byte| *byte == b'\n').flat_map(texts).collect(),
        Printed::Bytes(bytes) => texts(&bytes),
        text => vec![text],
    };
    let act =
        |(index, piece)| Act { after_ms: if index == 0 { after_ms } else { 0 }, deed: Deed::Print(stream, piece) };
    pieces.into_iter().enumerate().map(act).collect()
}

/// Text where it is UTF-8, bytes where it is not.
fn texts(bytes: &[u8]) -> Vec<Printed> {
    let mut pieces = Vec::new();
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            pieces.push(Printed::Text(chunk.valid().to_owned()));
        }
        match (pieces.last_mut(), chunk.invalid()) {
            (_, []) => {}
            (Some(Printed::Bytes(last)), invalid) => last.extend_from_slice(invalid),
            (_, invalid) => pieces.push(Printed::Bytes(invalid.to_owned())),
        }
    }
    pieces
}

/// Of no document yet.
fn nowhere<T>(value: T) -> Located<T> {
    let source = Source { name: "the recording".to_owned(), text: String::new() };
    Located { value, place: Place::new(std::sync::Arc::new(source), 0, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Stream;

    #[test]
    fn output_becomes_lines_of_text_and_bytes() {
        let printed = Printed::Bytes(b"a\rb\nc\xff\xfed\n".to_vec());
        let acts = shown(Act { after_ms: 7, deed: Deed::Print(Stream::Stderr, printed) }, true);
        let told: Vec<_> = acts
            .iter()
            .map(|act| match &act.deed {
                Deed::Print(Stream::Stderr, printed) => (act.after_ms, printed.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        let text = |text: &str| Printed::Text(text.to_owned());
        let expected = [(7, text("a\rb\n")), (0, text("c")), (0, Printed::Bytes(vec![0xff, 0xfe])), (0, text("d\n"))];
        assert_eq!(told, expected);
    }
}
