//! What another program answers that moves in place of a person's hands, one JSON object a line.

use crate::documents::playbook::HandMove;

/// The answer to one prompt, by its number, whose moves have all been made, or not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum HandsAnswer {
    Done {
        /// `prompt` of the event that asked.
        done: u64,
    },
    Failed {
        /// `prompt` of the event that asked.
        failed: u64,
        /// What the person is told.
        why: String,
        /// The move at which it failed.
        #[serde(default)]
        hand: Option<HandMove>,
    },
}

impl HandsAnswer {
    pub fn prompt(&self) -> u64 {
        match self {
            HandsAnswer::Done { done } => *done,
            HandsAnswer::Failed { failed, .. } => *failed,
        }
    }
}

/// Nothing where the line is no such object.
pub(super) fn read_answer(line: &str) -> Option<HandsAnswer> {
    serde_json::from_str(line).ok()
}

/// For whoever writes such a program.
pub fn hands_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(HandsAnswer).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Answers that recover reads with --hands json".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_prompt_and_nothing_that_is_not_known() {
        assert_eq!(read_answer(r#"{"done": 7}"#), Some(HandsAnswer::Done { done: 7 }));
        let failed = |hand| Some(HandsAnswer::Failed { failed: 7, why: "stuck".to_owned(), hand });
        assert_eq!(read_answer(r#"{"failed": 7, "why": "stuck"}"#), failed(None));
        let at_jumper = read_answer(r#"{"failed": 7, "why": "stuck", "hand": "fit-jumper"}"#);
        assert_eq!(at_jumper, failed(Some(HandMove::FitJumper)));
        for no_answer in [
            "done",
            "",
            "{}",
            "7",
            r#"{"done": "7"}"#,
            r#"{"done": -1}"#,
            r#"{"done": true}"#,
            r#"{"failed": 7}"#,
            r#"{"done": 7, "failed": 7, "why": "both"}"#,
            r#"{"done": 7, "consent": "boot-fuse"}"#,
            r#"{"failed": 7, "why": "stuck", "hand": "wave"}"#,
        ] {
            assert_eq!(read_answer(no_answer), None, "{no_answer}");
        }
    }
}
