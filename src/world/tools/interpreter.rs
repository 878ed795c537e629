//! Which interpreter of Python runs a tool, as the tool's own launcher names it.
//!
//! A launcher that leaves it to the environment (`/usr/bin/env python3`) names none: what it finds is not known before.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Take};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Two lines are looked at; no path that a system can run is longer.
const HEAD_BYTES_MAX: u64 = 8 * 1024;

/// The interpreter and its options; nothing where the launcher names none.
pub(super) fn interpreter_of(launcher: &[OsString]) -> Option<Vec<OsString>> {
    match launcher {
        [program] => named_in(&head(Path::new(program))?),
        // `-m MODULE` ends the options.
        [interpreter @ .., option, _] if option == "-m" => {
            let (program, options) = interpreter.split_first()?;
            let known = is_python(program.as_bytes()) && options.iter().all(|option| is_option(option.as_bytes()));
            known.then(|| interpreter.to_vec())
        }
        _ => None,
    }
}

fn head(program: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut file: Take<File> = File::open(program).ok()?.take(HEAD_BYTES_MAX);
    file.read_to_end(&mut head).ok()?;
    Some(head)
}

/// `#!/path/python OPTIONS`, or where that would be too long for the system, what installers write instead:
///
/// ```text
/// #!/bin/sh
/// '''exec' "/path/python" "$0" "$@"
/// ```
fn named_in(head: &[u8]) -> Option<Vec<OsString>> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?.strip_prefix(b"#!")?.trim_ascii();
    let (program, options) = match first.iter().position(|byte| matches!(byte, b' ' | b'\t')) {
        Some(end) => (&first[..end], first[end..].trim_ascii()),
        None => (first, &b""[..]),
    };
    if program == b"/bin/sh" && options.is_empty() {
        let rest = lines.next()?.strip_prefix(b"'''exec' ")?;
        let (path, rest) = match rest.first()? {
            quote @ (b'"' | b'\'') => {
                let end = rest[1..].iter().position(|byte| byte == quote)? + 1;
                (&rest[1..end], &rest[end + 1..])
            }
            _ => rest.split_at(rest.iter().position(|byte| *byte == b' ')?),
        };
        let means_itself = !path.iter().any(|byte| b"$`\\\"'*?[~".contains(byte));
        let known = means_itself && rest.trim_ascii() == b"\"$0\" \"$@\"" && is_python(path);
        return known.then(|| vec![OsStr::from_bytes(path).to_owned()]);
    }
    if !is_python(program) || !(options.is_empty() || is_option(options)) {
        return None;
    }
    let words = [program, options].into_iter().filter(|word| !word.is_empty());
    Some(words.map(|word| OsStr::from_bytes(word).to_owned()).collect())
}

/// An absolute path of a file such as `python`, `python3` or `python3.11`.
fn is_python(path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    let version = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_prefix("python"));
    path.is_absolute() && version.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// Options that say how it runs, and not what.
fn is_option(word: &[u8]) -> bool {
    word.strip_prefix(b"-").is_some_and(|letters| !letters.is_empty() && letters.iter().all(|c| b"uIEsSPB".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<String> {
        let words = named_in(text.as_bytes())?;
        Some(words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn the_launcher_names_its_interpreter() {
        assert_eq!(named("#!/opt/a/bin/python\nimport x\n").as_deref(), Some("/opt/a/bin/python"));
        assert_eq!(named("#! /usr/bin/python3.11 -sP\n").as_deref(), Some("/usr/bin/python3.11|-sP"));
        let long = |path: &str| format!("#!/bin/sh\n'''exec' {path} \"$0\" \"$@\"\n' '''\n");
        for path in ["\"/a b/bin/python3\"", "'/a b/bin/python3'"] {
            assert_eq!(named(&long(path)).as_deref(), Some("/a b/bin/python3"));
        }
        assert_eq!(named(&long("/a/bin/python3")).as_deref(), Some("/a/bin/python3"));
        for other in [
            "#!/usr/bin/env python3\n",
            "#!/usr/bin/env -S python3 -u\n",
            "#!python3\n",
            "#!/bin/bash\n",
            "#!/usr/bin/python3 -c\n",
            "#!/usr/bin/python3 -X utf8\n",
            "#!/usr/bin/pythonish\n",
            "\u{7f}ELF",
            "",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
        for path in ["\"$(dirname \"$0\")/python3\"", "'/a'/'python3'", "\"$HOME/python3\"", "python3"] {
            assert_eq!(named(&long(path)), None, "{path}");
        }
    }

    #[test]
    fn a_module_is_run_by_the_program_before_it() {
        let of =
            |words: &[&str]| interpreter_of(&words.iter().map(Into::into).collect::<Vec<_>>()).map(|words| words.len());
        assert_eq!(of(&["/usr/bin/python3", "-u", "-m", "a.b"]), Some(2));
        assert_eq!(of(&["/usr/bin/wine", "-m", "a.b"]), None);
        assert_eq!(of(&["/usr/bin/python3", "-c", "-m", "a.b"]), None);
        assert_eq!(of(&["python3", "-m", "a.b"]), None);
        assert_eq!(of(&["/nowhere/at/all"]), None);
    }
}
