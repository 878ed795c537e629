//! How the text for people looks: colours by role, signs with a stand-in in ASCII, and how wide it may be.
//!
//! What is said is decided elsewhere; nothing here must be needed to understand it.

use std::sync::OnceLock;

use console::{Style, Term};

use crate::cli::harmless::{own_colours, replaced};
use crate::documents::catalog::OperatingSystem;

/// What a piece of text is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Title,
    Command,
    Success,
    Warning,
    Failure,
    /// Something the person does with their hands.
    Person,
    /// Something that can never be undone.
    Irreversible,
    Quiet,
}

impl Role {
    fn style(self) -> Style {
        let style = Style::new().force_styling(true);
        match self {
            Role::Title => style.bold(),
            Role::Command => style.cyan(),
            Role::Success => style.green().bold(),
            Role::Warning => style.yellow(),
            Role::Failure => style.red().bold(),
            Role::Person => style.magenta().bold(),
            Role::Irreversible => style.white().on_red().bold(),
            Role::Quiet => style.dim(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    Unicode,
    Ascii,
}

/// A sign in front of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Done,
    Failed,
    Attention,
    Again,
    Skipped,
    /// Between two facts on one line.
    Dot,
    BoxTop,
    BoxSide,
    BoxBottom,
}

/// Everything about the place the text goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns that the text may fill.
    pub width: usize,
    pub colours: Colours,
    pub signs: Signs,
}

impl Look {
    const WIDTH_DEFAULT: usize = 80;
    /// No text has a line as long as this.
    const WIDTH_UNLIMITED: usize = 1_000_000;
    const WIDTH_MIN: usize = 40;
    /// Longer lines are hard to read.
    const WIDTH_MAX: usize = 100;

    /// For files, pipes and tests.
    pub fn plain() -> Look {
        Look { width: Look::WIDTH_DEFAULT, colours: Colours::Off, signs: Signs::Unicode }
    }

    /// For this terminal, or for the file or pipe in its place.
    pub fn of(term: &Term) -> Look {
        let by_itself = || term.is_term() && term.features().colors_supported() && !no_colour_wanted();
        let colours = match COLOUR.get().copied().unwrap_or_default() {
            ColourChoice::Always => Colours::On,
            ColourChoice::Auto if by_itself() => Colours::On,
            ColourChoice::Auto | ColourChoice::Never => Colours::Off,
        };
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let signs = if speaks_unicode(OperatingSystem::current(), variable) { Signs::Unicode } else { Signs::Ascii };
        Look { width: width_of(term), colours, signs }
    }

    pub fn paint(&self, role: Role, text: &str) -> String {
        match self.colours {
            Colours::On => own_colours(&role.style().apply_to(replaced(text)).to_string()),
            Colours::Off => text.to_owned(),
        }
    }

    pub fn sign(&self, sign: Sign) -> &'static str {
        let (unicode, ascii) = match sign {
            Sign::Done => ("✓", "ok"),
            Sign::Failed => ("✗", "x"),
            Sign::Attention => ("!", "!"),
            Sign::Again => ("↻", ">"),
            Sign::Skipped => ("–", "-"),
            Sign::Dot => ("·", "-"),
            Sign::BoxTop => ("┌", "+"),
            Sign::BoxSide => ("│", "|"),
            Sign::BoxBottom => ("└", "+"),
        };
        match self.signs {
            Signs::Unicode => unicode,
            Signs::Ascii => ascii,
        }
    }
}

/// What `--color` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

static COLOUR: OnceLock<ColourChoice> = OnceLock::new();

/// For the whole program, before anything is shown.
pub fn choose_colour(choice: ColourChoice) {
    // Nobody chooses twice.
    let _chosen_before = COLOUR.set(choice);
}

/// The width to fill, asked anew because people resize windows. A file or a pipe has none: what reads it breaks lines itself,
/// or looks for texts that a break would cut. COLUMNS gives it one.
pub fn width_of(term: &Term) -> usize {
    let columns = match term.size_checked() {
        Some((_, columns)) => usize::from(columns),
        None => match std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok()) {
            Some(columns) => columns,
            None => return Look::WIDTH_UNLIMITED,
        },
    };
    // The last column stays free: some terminals wrap as soon as it is filled.
    columns.saturating_sub(1).clamp(Look::WIDTH_MIN, Look::WIDTH_MAX)
}

/// `console` honours NO_COLOR for its own decision only, and CLICOLOR_FORCE must not win against it.
fn no_colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// `console` looks at LANG alone; the locale's other variables win against it. On Windows the old console's fonts lack the
/// signs, and other terminals say who they are: Windows Terminal, the ones of editors, ConEmu and those like it.
fn speaks_unicode(system: OperatingSystem, variable: impl Fn(&str) -> Option<String>) -> bool {
    match system {
        OperatingSystem::Windows => {
            ["WT_SESSION", "TERM_PROGRAM"].into_iter().any(|name| variable(name).is_some())
                || variable("ConEmuANSI").is_some_and(|value| value == "ON")
        }
        OperatingSystem::Linux | OperatingSystem::Macos => {
            let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
            let locale = locale.unwrap_or_default().to_ascii_uppercase();
            locale.contains("UTF-8") || locale.contains("UTF8")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_that_the_terminal_can_show() {
        let speaks = |system, set: &[(&str, &str)]| {
            speaks_unicode(system, |name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let (linux, macos, windows) = (OperatingSystem::Linux, OperatingSystem::Macos, OperatingSystem::Windows);
        for (system, set, unicode) in [
            (linux, &[("LANG", "de_DE.UTF-8")][..], true),
            (macos, &[("LC_CTYPE", "UTF-8")], true),
            (linux, &[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], false),
            (linux, &[("WT_SESSION", "x")], false),
            (windows, &[("LANG", "de_DE.UTF-8")], false),
            (windows, &[("WT_SESSION", "x")], true),
            (windows, &[("TERM_PROGRAM", "vscode")], true),
            (windows, &[("ConEmuANSI", "ON")], true),
            (windows, &[("ConEmuANSI", "OFF")], false),
        ] {
            assert_eq!(speaks(system, set), unicode, "{system:?} {set:?}");
        }
    }

    #[test]
    fn colours_are_off_when_told() {
        assert_eq!(Look::plain().paint(Role::Failure, "no"), "no");
        let coloured = Look { colours: Colours::On, ..Look::plain() };
        assert!(coloured.paint(Role::Failure, "no").starts_with('\u{1b}'));
    }
}
