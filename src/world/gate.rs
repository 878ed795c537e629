//! The gate before every start of a program: only what it lets through can be started.
//!
//! It looks at the arguments as they go out, whatever the playbook's text said. What the catalog does not know as reversible
//! passes only with consent for exactly these arguments; paths, and what the rules of the catalog refuse, never pass.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Deref;
use std::path::{MAIN_SEPARATOR_STR, Path};

use crate::documents::catalog::{
    CallFacts, CallFiles, ChosenNode, Doubt, Excuses, Kind, Tool, look, may_import, rules,
};
use crate::words::AddressRange;
use crate::world::process::WARM_SCRIPT;
use crate::world::{ToolCall, ToolInput, WarmStart};

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

    /// The interpreter for this call, which does nothing until it is told to.
    #[cfg(any(target_os = "linux", test))]
    pub(in crate::world) fn interpreter(&self) -> Option<Cleared> {
        let warm = self.call.warm.as_ref()?;
        Some(interpreter(warm, self.call.environment.clone(), self.call.environment_remove.clone()))
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
    /// The device that is chosen by its node.
    pub chosen: Option<&'a ChosenNode>,
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
    #[error("the catalog does not allow this call to be made by an interpreter that is there already")]
    NotWarm,
}

/// Lets the call through, or says why not.
pub fn clear(wish: Wish<'_>) -> Result<Cleared, Refused> {
    let Wish { call, tool, .. } = wish;
    let launcher: Vec<String> = call.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let facts = CallFacts {
        launcher: &launcher,
        says_to_be: wish.says_to_be,
        memories: wish.memories,
        files: wish.files,
        chosen: wish.chosen,
    };
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
        // What cannot be undone is done by a process that nothing was done in before.
        if call.warm.is_some() {
            return Err(Refused::NotWarm);
        }
    }
    if call.warm.as_ref().is_some_and(|warm| !may_import(tool, &warm.imports, &facts)) {
        return Err(Refused::NotWarm);
    }
    Ok(Cleared { call })
}

/// Lets the interpreter for calls of a tool be started before them: it runs a script of our own, which imports what the
/// catalog names and then waits. `call` is any call of the tool; its arguments are not used.
pub fn clear_interpreter(call: ToolCall, tool: &Tool, says_to_be: &[String]) -> Result<Cleared, Refused> {
    let launcher: Vec<String> = call.launcher.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let facts = CallFacts { says_to_be, ..CallFacts::of_program(&launcher) };
    match call.warm {
        Some(warm) if may_import(tool, &warm.imports, &facts) => {
            Ok(interpreter(&warm, call.environment, call.environment_remove))
        }
        _ => Err(Refused::NotWarm),
    }
}

/// In a folder that nobody puts anything into.
fn interpreter(warm: &WarmStart, environment: BTreeMap<String, OsString>, environment_remove: Vec<String>) -> Cleared {
    let script = ["-c", WARM_SCRIPT].map(str::to_owned);
    Cleared {
        call: ToolCall {
            launcher: warm.interpreter.clone(),
            args: script.into_iter().chain(warm.imports.iter().cloned()).collect(),
            environment,
            environment_remove,
            folder: MAIN_SEPARATOR_STR.into(),
            terminal: false,
            input: ToolInput::Open,
            warm: None,
        },
    }
}

/// Lets the program be called that the person has named to move in place of their hands: its one argument is a word of ours.
pub(in crate::world) fn clear_hands(program: &Path, word: &str, variables: BTreeMap<String, OsString>) -> Cleared {
    Cleared {
        call: ToolCall {
            launcher: vec![program.into()],
            args: vec![word.to_owned()],
            environment: variables,
            environment_remove: Vec::new(),
            folder: std::env::current_dir().unwrap_or_else(|_| MAIN_SEPARATOR_STR.into()),
            terminal: false,
            input: ToolInput::Nothing,
            warm: None,
        },
    }
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

    /// By the shipped table: what it imports, and never for what cannot be undone.
    #[test]
    fn an_interpreter_imports_what_the_shipped_catalog_says_and_makes_no_irreversible_call() {
        let catalog = crate::documents::catalog::shipped().unwrap();
        let tool = catalog.tools.iter().find(|tool| tool.warm.is_some()).unwrap();
        let shipped = &tool.warm.as_ref().unwrap().imports;
        let call = |args: &str, imports: &[String]| ToolCall {
            launcher: vec![tool.programs[0].clone().into()],
            args: args.split(' ').map(str::to_owned).collect(),
            environment: BTreeMap::new(),
            environment_remove: Vec::new(),
            folder: std::path::PathBuf::new(),
            terminal: false,
            input: ToolInput::Nothing,
            warm: Some(WarmStart { interpreter: vec!["/usr/bin/python3".into()], imports: imports.to_vec() }),
        };
        let wish = |args: &str, imports: &[String]| {
            let call = call(args, imports);
            let excuses = Excuses { has_timeout: true, is_irreversible: true };
            let consent = Some(Consent::to(&call));
            clear(Wish {
                call,
                tool,
                says_to_be: &[],
                memories: &[],
                files: &(),
                paths: &[],
                excuses,
                consent,
                chosen: None,
            })
        };
        let other = ["antigravity".to_owned()];
        assert!(wish("-- get-property 1", shipped).is_ok());
        assert_eq!(wish("-- get-property 1", &other), Err(Refused::NotWarm));
        assert_eq!(wish("-- efuse-program-once 6 00000010", shipped), Err(Refused::NotWarm));
        let cleared = clear_interpreter(call("", shipped), tool, &[]).unwrap();
        assert_eq!(Some(&cleared), wish("-- get-property 1", shipped).unwrap().interpreter().as_ref());
        assert_eq!(clear_interpreter(call("", &other), tool, &[]), Err(Refused::NotWarm));
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
