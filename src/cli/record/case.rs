//! The test file of a recording: one case, which expects what came of the run.

use crate::documents::scene::{GivenFile, Scene, quoted};
use crate::engine::Outcome;

/// What came of the run.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) exit_code: u8,
    pub(super) class: Option<String>,
}

pub(super) fn test_file(stem: &str, scene_name: &str, date: &str, scene: &Scene, ended: &Ended) -> String {
    let mut lines = vec![
        "format: 1".to_owned(),
        format!("playbook: {}", quoted(&format!("{stem}.yaml"))),
        "cases:".to_owned(),
        format!("  - name: recorded {date}"),
        format!("    scene: {}", quoted(scene_name)),
    ];
    let file = |given: &GivenFile| match given {
        GivenFile::Size(size) => format!("{{size: {size}}}"),
        GivenFile::NotGiven => "missing".to_owned(),
    };
    let files: Vec<String> = scene.files.iter().map(|(name, given)| format!("{name}: {}", file(given))).collect();
    if !files.is_empty() {
        lines.push(format!("    files: {{{}}}", files.join(", ")));
    }
    let values: Vec<String> = scene.set.iter().map(|(name, value)| format!("{name}: {}", quoted(value))).collect();
    if !values.is_empty() {
        lines.push(format!("    set: {{{}}}", values.join(", ")));
    }
    if !scene.allow.is_empty() {
        let steps: Vec<&str> = scene.allow.iter().map(crate::words::Id::as_str).collect();
        lines.push(format!("    allow: [{}]", steps.join(", ")));
    }
    if scene.nobody {
        lines.push("    interactive: false".to_owned());
    }
    for (key, value) in [("port", &scene.port), ("serial", &scene.serial)] {
        lines.extend(value.as_ref().map(|value| format!("    {key}: {}", quoted(value))));
    }
    let outcome = serde_json::to_value(ended.outcome).ok().and_then(|word| word.as_str().map(str::to_owned));
    let mut expected = vec![format!("outcome: {}", outcome.unwrap_or_default())];
    expected.push(format!("exit_code: {}", ended.exit_code));
    expected.extend(ended.class.as_ref().map(|class| format!("class: {class}")));
    lines.push(format!("    expect: {{{}}}", expected.join(", ")));
    lines.join("\n") + "\n"
}
