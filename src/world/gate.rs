//! The gate before every start of a program: only what it lets through can be started.
//!
//! It looks at the arguments as they go out, whatever the playbook's text said. What the catalog does not know as reversible
//! passes only with consent for exactly these arguments; paths, and what the rules of the catalog refuse, never pass.

use std::ffi::OsString;
use std::ops::Deref;

use crate::documents::catalog::{CallFacts, CallFiles, Doubt, Excuses, Kind, Tool, look, may_open, rules};
use crate::words::AddressRange;
use crate::world::ToolCall;

/// A call that the gate has let through. There is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    call: ToolCall,
}

impl Deref for Cleared {
    type Target = ToolCall;

    fn deref(&self) -> &ToolCall {
        &self.call
    }
}

impl Cleared {
    /// With a further variable, which no argument depends on.
    #[must_use]
    pub(crate) fn with_variable(&self, name: &str, value: OsString) -> Cleared {
        let mut call = self.call.clone();
        call.environment.insert(name.to_owned(), value);
        Cleared { call }
    }

    /// The call that begins a session for this one: it does nothing until it is told to.
    pub(in crate::world) fn opening(&self) -> Option<Cleared> {
        let session = self.call.session.as_ref()?;
        let input = crate::world::ToolInput::Open;
        Some(Cleared { call: ToolCall { args: session.args.clone(), input, session: None, ..self.call.clone() } })
    }

    /// For tests of what lies behind the gate.
    #[cfg(test)]
    pub(crate) fn unseen(call: ToolCall) -> Cleared {
        Cleared { call }
    }
}

/// A person's word for one call, bound to exactly its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    args: Vec<String>,
}

impl Consent {
    pub fn to(call: &ToolCall) -> Consent {
        Consent { args: call.args.clone() }
    }
}

/// What somebody wants to start, and what is known of it.
#[derive(Debug)]
pub struct Wish<'a> {
    pub call: ToolCall,
    /// The table by which it is called.
    pub tool: &'a Tool,
    /// The shipped tools that the program says to be.
    pub says_to_be: &'a [String],
    pub memories: &'a [AddressRange],
    pub files: &'a dyn CallFiles,
    /// Words with folders in them that are meant: what the step has put into the tool's folder, and ports.
    pub paths: &'a [String],
    pub excuses: Excuses,
    pub consent: Option<Consent>,
}

/// Why the gate lets a call not through, in words for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the argument `{0}` names a file by a path, which could lie anywhere")]
    Path(String),
    #[error("the catalog does not allow this call: {0}")]
    Rule(String),
    #[error("this call may do something that cannot be undone, and nobody has agreed to it: {0}")]
    NoConsent(Doubt),
    #[error("the call in a session is not the one that was looked at")]
    OtherSession,
}

/// Lets the call through, or says why not.
pub fn clear(wish: Wish<'_>) -> Result<Cleared, Refused> {
    let Wish { call, tool, .. } = wish;
    let launcher: Vec<String> = call.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let facts =
        CallFacts { launcher: &launcher, says_to_be: wish.says_to_be, memories: wish.memories, files: wish.files };
    // Where the files lie that a catalog puts first is the catalog's matter, which whoever runs it has chosen.
    let own = call.args.get(tool.first_args.len()..).unwrap_or_default();
    if let Some(path) = own.iter().find_map(|arg| path_in(arg, wish.paths)) {
        return Err(Refused::Path(path));
    }
    for rule in rules(tool, &facts) {
        if rule.forbids(&call.args, wish.excuses) {
            return Err(Refused::Rule(rule.message.clone()));
        }
    }
    let kind = look(tool, &call.args, &facts).kind;
    if let Kind::Never(why) = kind {
        return Err(Refused::Rule(why.to_string()));
    }
    if let Kind::NeedsConsent(why) = kind {
        let agreed = wish.consent.is_some_and(|consent| consent.args == call.args);
        if !(wish.excuses.is_irreversible && agreed) {
            return Err(Refused::NoConsent(why));
        }
        // What cannot be undone has a process of its own.
        if call.session.is_some() {
            return Err(Refused::OtherSession);
        }
    }
    if let Some(session) = &call.session {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        if !call.args.ends_with(&words(&session.line)) {
            return Err(Refused::OtherSession);
        }
        let before = call.args.len() - words(&session.line).len();
        let probe: Vec<String> = call.args[..before].iter().cloned().chain(words(&session.probe)).collect();
        if let Kind::NeedsConsent(why) | Kind::Never(why) = look(tool, &probe, &facts).kind {
            return Err(Refused::NoConsent(why));
        }
        // What begins it goes out as well, before anything is looked at.
        let opening = session.args.strip_prefix(&call.args[..before]);
        if !opening.is_some_and(|opening| may_open(tool, opening, &facts)) {
            return Err(Refused::OtherSession);
        }
    }
    Ok(Cleared { call })
}

/// Lets a program be asked for its version: what the catalog's table asks with must be no call of another kind.
pub(in crate::world) fn clear_question(call: ToolCall, tool: &Tool) -> Result<Cleared, Refused> {
    let launcher: Vec<String> = call.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let facts = CallFacts::of_program(&launcher);
    match look(tool, &call.args, &facts).bound_by_others() {
        Some(Kind::NeedsConsent(why) | Kind::Never(why)) => Err(Refused::NoConsent(why)),
        Some(Kind::Reversible) | None => Ok(Cleared { call }),
    }
}

/// The first word with a folder in it that is none of those that are meant.
fn path_in(arg: &str, meant: &[String]) -> Option<String> {
    let is_path = |word: &&str| {
        let drive = matches!(word.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        word.contains(['/', '\\']) || word.starts_with('~') || *word == ".." || (drive && word.len() > 2)
    };
    let words = arg.split(|c: char| c.is_whitespace() || "=,;\"'".contains(c));
    words.filter(is_path).find(|word| !meant.iter().any(|path| path == word)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the RT1062 makes them, by the shipped table, and with another beginning of the session.
    #[test]
    #[cfg(unix)]
    fn a_session_begins_as_the_shipped_catalog_says_and_no_otherwise() {
        let catalog = crate::documents::catalog::shipped().unwrap();
        let tool = catalog.tools.iter().find(|tool| tool.session.is_some()).unwrap();
        let session = tool.session.as_ref().unwrap();
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wish = |opening: &[String]| {
            let call = ToolCall {
                launcher: vec![tool.programs[0].clone().into()],
                args: words("-- get-property 1"),
                environment: std::collections::BTreeMap::new(),
                environment_remove: Vec::new(),
                folder: std::path::PathBuf::new(),
                terminal: false,
                input: crate::world::ToolInput::Nothing,
                session: Some(crate::world::SessionCall {
                    args: words("--").into_iter().chain(opening.iter().cloned()).collect(),
                    line: "get-property 1".to_owned(),
                    probe: session.probe.clone(),
                    begins: session.begins.clone(),
                    goes_on: session.goes_on.clone(),
                    probe_ends: session.probe_ends.clone(),
                    last: false,
                }),
            };
            let excuses = Excuses { has_timeout: false, is_irreversible: false };
            clear(Wish { call, tool, says_to_be: &[], memories: &[], files: &(), paths: &[], excuses, consent: None })
        };
        let shipped = session.args.on(crate::documents::catalog::OperatingSystem::current());
        assert!(wish(shipped).is_ok());
        for other in ["reset", "batch commands.txt", "efuse-program-once 6 00000010"] {
            assert_eq!(wish(&words(other)), Err(Refused::OtherSession), "{other}");
        }
    }

    #[test]
    fn a_word_with_a_folder_in_it_is_found_wherever_it_stands() {
        let meant = ["../build/a.bin".to_owned(), "/dev/ttyUSB0".to_owned()];
        for harmless in
            ["a.bin", "-s", "0x08000000:leave", "1-1.2", "../build/a.bin 0x80000000", "/dev/ttyUSB0,115200", "..."]
        {
            assert_eq!(path_in(harmless, &meant), None, "{harmless}");
        }
        for path in [
            "/etc/passwd",
            "../a",
            "..",
            "~",
            "~root",
            "a/b",
            "a\\b",
            "C:\\x",
            "C:x",
            "../build/a.bin ../b",
            "k=/etc/x",
        ] {
            assert!(path_in(path, &meant).is_some(), "{path}");
        }
    }
}
