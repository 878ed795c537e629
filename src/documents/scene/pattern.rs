//! Arguments of a call held against those a scene declares.

use std::fmt;

/// What may stand at one place of the arguments.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgumentPattern {
    /// One argument; `*` stands for any text, `\` takes the next sign as it is.
    One(String),
    /// Any number of arguments.
    Any,
}

impl ArgumentPattern {
    /// `...` stands for any number of arguments.
    pub fn read(text: &str) -> ArgumentPattern {
        if text == "..." { ArgumentPattern::Any } else { ArgumentPattern::One(text.to_owned()) }
    }

    /// The pattern that exactly this argument fits.
    pub fn exactly(argument: &str) -> ArgumentPattern {
        let mut text = argument.replace('\\', "\\\\").replace('*', "\\*");
        if text == "..." {
            text.insert(0, '\\');
        }
        ArgumentPattern::One(text)
    }
}

impl fmt::Display for ArgumentPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentPattern::One(text) => f.write_str(text),
            ArgumentPattern::Any => f.write_str("..."),
        }
    }
}

/// The first thing in which arguments differ from what was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How many arguments would have to be other ones, added or left out.
    pub count: usize,
    /// In words, without a full stop.
    pub first: String,
}

pub fn fits(patterns: &[ArgumentPattern], args: &[String]) -> bool {
    costs(patterns, args)[0][0] == 0
}

/// None when they fit.
pub fn difference(patterns: &[ArgumentPattern], args: &[String]) -> Option<Difference> {
    let costs = costs(patterns, args);
    let count = costs[0][0];
    let (mut at, mut arg) = (0, 0);
    loop {
        let here = costs[at][arg];
        if here == 0 {
            return None;
        }
        let first = match (patterns.get(at), args.get(arg)) {
            (Some(ArgumentPattern::Any), _) if costs[at + 1][arg] == here => {
                at += 1;
                continue;
            }
            (Some(ArgumentPattern::Any), Some(_)) => {
                arg += 1;
                continue;
            }
            (Some(ArgumentPattern::One(text)), Some(given))
                if text_fits(text, given) && costs[at + 1][arg + 1] == here =>
            {
                (at, arg) = (at + 1, arg + 1);
                continue;
            }
            (Some(pattern), Some(given)) if costs[at + 1][arg + 1] + 1 == here => {
                format!("argument {} is `{given}`, and the scene has `{pattern}`", arg + 1)
            }
            (_, Some(given)) if costs[at][arg + 1] + 1 == here => {
                format!("argument {} is `{given}`, which the scene does not have", arg + 1)
            }
            (Some(pattern), _) => format!("`{pattern}` is missing, which the scene has as argument {}", at + 1),
            (None, _) => format!("there are {} arguments more than in the scene", args.len() - arg),
        };
        return Some(Difference { count, first });
    }
}

/// For each rest of the patterns and each rest of the arguments, in how many arguments the two differ at least.
fn costs(patterns: &[ArgumentPattern], args: &[String]) -> Vec<Vec<usize>> {
    let mut costs = vec![vec![0; args.len() + 1]; patterns.len() + 1];
    for at in (0..=patterns.len()).rev() {
        for arg in (0..=args.len()).rev() {
            costs[at][arg] = match (patterns.get(at), args.get(arg)) {
                (None, None) => 0,
                (None, Some(_)) => costs[at][arg + 1] + 1,
                (Some(ArgumentPattern::Any), None) => costs[at + 1][arg],
                (Some(ArgumentPattern::Any), Some(_)) => costs[at + 1][arg].min(costs[at][arg + 1]),
                (Some(ArgumentPattern::One(_)), None) => costs[at + 1][arg] + 1,
                (Some(ArgumentPattern::One(text)), Some(given)) => {
                    let other = usize::from(!text_fits(text, given));
                    (costs[at + 1][arg + 1] + other).min(costs[at + 1][arg] + 1).min(costs[at][arg + 1] + 1)
                }
            };
        }
    }
    costs
}

/// Does the whole text fit? `*` stands for any text, `\` takes the next sign as it is.
pub fn text_fits(pattern: &str, text: &str) -> bool {
    // Where the last `*` stands, and how far into the text it reaches.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut seen) = (0, 0);
    loop {
        let sign = pattern[at..].chars().next();
        if sign == Some('*') {
            star = Some((at + 1, seen));
            at += 1;
            continue;
        }
        let escaped = if sign == Some('\\') { pattern[at + 1..].chars().next() } else { None };
        let wanted = escaped.or(sign);
        let given = text[seen..].chars().next();
        match (wanted, given) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {
                at += wanted.len_utf8() + usize::from(escaped.is_some());
                seen += given.len_utf8();
            }
            _ => {
                let Some((after, reached)) = star else { return false };
                let Some(skipped) = text[reached..].chars().next() else { return false };
                let reached = reached + skipped.len_utf8();
                star = Some((after, reached));
                (at, seen) = (after, reached);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(words: &[&str]) -> Vec<ArgumentPattern> {
        words.iter().map(|word| ArgumentPattern::read(word)).collect()
    }

    fn args(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_star_stands_for_any_text_and_three_dots_for_any_arguments() {
        for (declared, given, expected) in [
            (vec!["-D", "a.bin"], vec!["-D", "a.bin"], true),
            (vec!["-D", "*.bin"], vec!["-D", "a.bin"], true),
            (vec!["-D", "*.bin"], vec!["-D", "a.hex"], false),
            (vec!["*:leave"], vec!["0x0:mass:leave"], true),
            (vec!["a*b*c"], vec!["axbxbxc"], true),
            (vec!["...", "-D", "a"], vec!["x", "y", "-D", "a"], true),
            (vec!["...", "-D", "a"], vec!["-D", "a"], true),
            (vec!["-D", "..."], vec!["-U", "a"], false),
            (vec!["\\*"], vec!["x"], false),
            (vec!["\\*"], vec!["*"], true),
            (vec!["\\..."], vec!["..."], true),
            (vec![], vec![], true),
            (vec![], vec!["x"], false),
            (vec!["*"], vec![""], true),
        ] {
            assert_eq!(fits(&patterns(&declared), &args(&given)), expected, "{declared:?} {given:?}");
        }
    }

    #[test]
    fn what_was_given_exactly_fits_and_nothing_else() {
        for text in ["a", "*", "...", "\\", "a\\*b", "ü*"] {
            let exact = vec![ArgumentPattern::exactly(text)];
            assert!(fits(&exact, &args(&[text])), "{text}");
            assert!(!fits(&exact, &args(&["ax"])), "{text}");
        }
    }

    #[test]
    fn the_first_difference_is_told() {
        let told = |declared: &[&str], given: &[&str]| difference(&patterns(declared), &args(given));
        assert_eq!(told(&["-a", "0"], &["-a", "0"]), None);
        let other = told(&["-a", "0", "-D", "x"], &["-a", "1", "-D", "x"]).unwrap();
        assert_eq!((other.count, other.first.as_str()), (1, "argument 2 is `1`, and the scene has `0`"));
        let more = told(&["-a", "0"], &["-w", "-a", "0"]).unwrap();
        assert_eq!((more.count, more.first.as_str()), (1, "argument 1 is `-w`, which the scene does not have"));
        let less = told(&["...", "-R"], &["-a", "0"]).unwrap();
        assert_eq!(less.first, "argument 2 is `0`, and the scene has `-R`");
        let missing = told(&["-a", "-R"], &["-a"]).unwrap();
        assert_eq!(missing.first, "`-R` is missing, which the scene has as argument 2");
    }
}
