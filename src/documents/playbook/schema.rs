//! The JSON schema of playbooks and families, with what its declared keys alone cannot say.

use serde_json::{Value, json};

use crate::documents::expression::Function;
use crate::documents::forms::{CLASS, PARAMETER};
use crate::documents::keys::{Keys, Shape};
use crate::documents::playbook::load::{PLAYBOOK, PlaybookKeys};
use crate::documents::playbook::read_run::ON_FAULT;
use crate::documents::playbook::read_step::{ABOUT_EXPRESSION, EXPRESSION_PART, RETRY, STEP};

pub fn schema() -> Value {
    let mut schema = crate::documents::schema::schema(PlaybookKeys::kind());
    let brings_groups = [PLAYBOOK.fault_groups.name, PLAYBOOK._uses.name, PLAYBOOK._parameters.name];
    schema["if"] = json!({"anyOf": brings_groups.map(|key| json!({"required": [key]}))});
    // It stands here and not among the parts that have names: none of them is about all that stands in steps.
    let steps = PLAYBOOK.steps.name;
    let itself = json!({"$ref": format!("#/else/properties/{steps}")});
    let of_procedures = json!({"description": "As in the steps.", "additionalProperties": itself});
    schema["else"]["properties"] = json!({steps: without_groups(&itself), PLAYBOOK.procedures.name: of_procedures});
    schema["$defs"][EXPRESSION_PART]["description"] = json!(about_expressions());
    schema
}

/// The functions too: editors show nothing else of them.
fn about_expressions() -> String {
    let functions = Function::ALL.map(|(_, function)| {
        let (call, gives) = function.described();
        format!("\n- {call}: {gives}")
    });
    format!("{ABOUT_EXPRESSION}\n\nFunctions:\n{}", functions.concat())
}

/// Wherever a class may stand in such steps, a word for one does. Names of the author's choice may be the same words.
fn without_groups(everywhere: &Value) -> Value {
    let word = crate::documents::schema::shape(&Shape::Either(&[CLASS, PARAMETER]));
    let classes = json!({
        "description": "A class of fault, or several: this document has no groups of them.",
        "if": {"type": ["string", "array"]},
        "then": {"anyOf": [word, {"type": "array", "items": word}]},
    });
    let mut properties = json!({RETRY.on.name: classes, ON_FAULT.class.name: classes});
    for of_author in [STEP.with, STEP.capture, STEP.stage, STEP.instead] {
        properties[of_author.name] = json!(true);
    }
    json!({
        "description": "In a document without groups of classes of fault.",
        "properties": properties,
        "additionalProperties": everywhere,
        "items": everywhere,
    })
}
