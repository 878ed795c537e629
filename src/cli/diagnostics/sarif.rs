//! Diagnostics as SARIF, which services that look at code take.
//!
//! Source of the form: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 2020.

use serde_json::{Value, json};

use crate::words::{Code, Diagnostic, Place};

/// One report of all of them, with the explanation of each of their codes.
pub(in crate::cli) fn sarif(diagnostics: &[Diagnostic]) -> String {
    let is_struck = |code: &&Code| diagnostics.iter().any(|diagnostic| diagnostic.code == **code);
    let rules: Vec<Value> = Code::ALL.iter().filter(is_struck).map(|code| rule(*code)).collect();
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "recover", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{report:#}\n")
}

fn rule(code: Code) -> Value {
    let explanation = code.explanation();
    let help = format!("{}\n\nWrong:\n{}\n\nRight:\n{}", explanation.about, explanation.wrong, explanation.right);
    json!({
        "id": code.word(),
        "shortDescription": {"text": explanation.about},
        "help": {"text": help},
    })
}

fn result(diagnostic: &Diagnostic) -> Value {
    let text = match &diagnostic.hint {
        Some(hint) => format!("{}; {hint}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let level = diagnostic.severity.word();
    let mut result = json!({"ruleId": diagnostic.code.word(), "level": level, "message": {"text": text}});
    if let Some(place) = &diagnostic.place {
        result["locations"] = json!([location(place)]);
        let calls: Vec<Value> = place.calls().map(called_at).collect();
        if !calls.is_empty() {
            result["relatedLocations"] = json!(calls);
        }
    }
    result
}

fn called_at(place: &Place) -> Value {
    let mut location = location(place);
    location["message"] = json!({"text": "called here"});
    location
}

fn location(place: &Place) -> Value {
    let (start, end) = (place.position(), place.end_position());
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&place.source.name)},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }})
}

/// A path as a reference to it.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
