//! What kind of call a list of arguments makes: one that can be undone, one that needs consent, or one that is never made.
//!
//! Only what the catalog knows as reversible is taken for it. The guards of the shipped catalog bind to the program, by its
//! file name and by what it says of itself, so that no other table, and no change of the shipped one, loosens them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::LazyLock;

use regex::Captures;

use super::load::shipped;
use super::pattern::Pattern;
use super::tool::{ArgumentRule, Catalog, Chip, Command, FuseArguments, Tool};
use crate::documents::container;
use crate::words::{AddressRange, UsbId, end_reached, nearest, parse_integer};

/// The files of a run, by the names that tools find them under.
pub trait CallFiles: std::fmt::Debug {
    /// In bytes; nothing where it is no file of the run.
    fn size(&self, name: &str) -> Option<u64>;
    fn bytes(&self, name: &str) -> Option<Vec<u8>>;
}

/// No files at all.
impl CallFiles for () {
    fn size(&self, _: &str) -> Option<u64> {
        None
    }

    fn bytes(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// A device that recover itself has chosen, by a name that says nothing of what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenNode {
    pub name: String,
    pub id: UsbId,
}

/// What is known of a call besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'a> {
    /// Program and leading arguments, as they go out.
    pub launcher: &'a [String],
    /// The shipped tools that the program says to be.
    pub says_to_be: &'a [String],
    /// What the playbook declares to be plain memory.
    pub memories: &'a [AddressRange],
    pub files: &'a dyn CallFiles,
    /// The only device that a group `node` may name.
    pub chosen: Option<&'a ChosenNode>,
}

impl<'a> CallFacts<'a> {
    /// Before anything is found: of the program only what it may be started with.
    pub fn of_program(launcher: &'a [String]) -> CallFacts<'a> {
        CallFacts { launcher, says_to_be: &[], memories: &[], files: &(), chosen: None }
    }
}

/// What a call may do to the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// No consent allows it: what it would do cannot be told beforehand.
    Never(Doubt),
    /// Whatever it does can be done again.
    Reversible,
    /// Not known to be reversible.
    NeedsConsent(Doubt),
}

/// Why a call is not known as one that can be undone: a sentence's end without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Doubt {
    pub why: String,
    /// What kind of doubt that is.
    pub reason: Reason,
    /// Which argument it is about, if it is one.
    pub argument: Option<usize>,
    /// What an author may have meant, or forgotten.
    pub remedy: Option<String>,
}

/// What a doubt is about, however its argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The call as a whole, or what stands within a file.
    Call,
    /// An option stands there twice.
    Twice,
    /// An option without its value.
    NoValue,
    /// No form of a harmless argument is this one.
    Form,
    /// It names no file of the run.
    NoFile,
    /// What is, or is not known to be, at this address.
    Memory(u64),
}

impl Doubt {
    fn of_call(why: impl Into<String>) -> Doubt {
        Doubt { why: why.into(), reason: Reason::Call, argument: None, remedy: None }
    }

    fn of_argument(index: usize, reason: Reason, why: impl Into<String>) -> Doubt {
        Doubt { why: why.into(), reason, argument: Some(index), remedy: None }
    }

    fn remedied(self, remedy: impl Into<String>) -> Doubt {
        Doubt { remedy: Some(remedy.into()), ..self }
    }
}

/// A call that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    pub kind: Kind,
    /// The arguments, without what may differ from call to call: lengths, limits, serial numbers.
    pub fixed: Vec<String>,
    /// A shipped tool's guard has looked at it.
    bound: bool,
}

impl Looked {
    /// What a shipped tool's guard says of the call, if one binds the program.
    pub fn bound_by_others(self) -> Option<Kind> {
        self.bound.then_some(self.kind)
    }
}

/// The shipped catalog, which no other one changes.
fn guards() -> &'static Catalog {
    static GUARDS: LazyLock<Catalog> = LazyLock::new(|| shipped().unwrap_or_default());
    &GUARDS
}

/// Which shipped tools a program may be by its name, in lower case.
fn by_program() -> &'static HashMap<String, Vec<usize>> {
    static BY_PROGRAM: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(|| {
        let mut tools: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, tool) in guards().tools.iter().enumerate() {
            for program in &tool.programs {
                tools.entry(program.to_ascii_lowercase()).or_default().push(index);
            }
        }
        tools
    });
    &BY_PROGRAM
}

/// The shipped tools that have one of these names, by their place among the shipped ones.
fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> impl Iterator<Item = usize> {
    names.into_iter().filter_map(|name| by_program().get(&name.to_ascii_lowercase())).flatten().copied()
}

/// The shipped tools whose guards bind a program, by the words it is started with and by what it says of itself.
fn bound(facts: &CallFacts<'_>, own: &Tool) -> Vec<&'static Tool> {
    // A path may have blanks in it; what follows it may be a command of its own.
    let program = facts.launcher.first().map(String::as_str);
    let further = facts.launcher.iter().skip(1).chain(&own.first_args);
    let further = further.flat_map(|word| word.split(char::is_whitespace));
    let named: BTreeSet<usize> = named(program.into_iter().chain(further).flat_map(names_in)).collect();
    let binds = |(index, tool): &(usize, &Tool)| {
        facts.says_to_be.contains(&tool.name) || tool.name == own.name || named.contains(index)
    };
    guards().tools.iter().enumerate().filter(binds).map(|(_, tool)| tool).collect()
}

/// What a word that starts a program may call it: a file, a file without its ending, or the last part of a module.
fn names_in(word: &str) -> [&str; 3] {
    let file = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let stem = file.strip_suffix(".exe").or_else(|| file.strip_suffix(".EXE")).unwrap_or(file);
    let module = word.rsplit('.').next().unwrap_or(word);
    [file, stem, module]
}

/// The names of the shipped tools that a program's answer to the question for its version shows it to be.
pub fn says_to_be(lines: &[String]) -> Vec<String> {
    let is = |tool: &&Tool| tool.banner.as_ref().is_some_and(|banner| lines.iter().any(|line| banner.is_match(line)));
    guards().tools.iter().filter(is).map(|tool| tool.name.clone()).collect()
}

/// The shipped tools that a program is by the name of its file, whatever it was found under.
pub fn named_as(file: &str) -> Vec<String> {
    let named: BTreeSet<usize> = named(names_in(file)).collect();
    named.into_iter().filter_map(|index| guards().tools.get(index)).map(|tool| tool.name.clone()).collect()
}

/// May a step put a file at this path of the tool's private folder? All tables that bind the program must say so.
pub fn may_stage(own: &Tool, path: &str, facts: &CallFacts<'_>) -> bool {
    let allows = |tool: &Tool| tool.stages.iter().any(|pattern| whole(pattern, path).is_some());
    allows(own) && bound(facts, own).into_iter().all(allows)
}

/// May an interpreter import these modules for calls of the tool?
pub fn may_import(own: &Tool, imports: &[String], facts: &CallFacts<'_>) -> bool {
    let imports_them = |tool: &Tool| tool.warm.as_ref().is_some_and(|warm| warm.imports == imports);
    imports_them(own) && bound(facts, own).into_iter().all(imports_them)
}

/// May a playbook name this file of the tool's own folder?
pub fn may_name(own: &Tool, path: &str, facts: &CallFacts<'_>) -> bool {
    let allows = |tool: &Tool| tool.files.iter().any(|pattern| whole(pattern, path).is_some());
    allows(own) && bound(facts, own).into_iter().all(allows)
}

/// The rules on arguments that hold for a call: the tool's own, and those that bind its program.
pub fn rules<'t>(own: &'t Tool, facts: &CallFacts<'_>) -> Vec<&'t ArgumentRule> {
    let mut rules: Vec<&ArgumentRule> = own.rules.iter().collect();
    for guard in bound(facts, own) {
        rules.extend(guard.rules.iter().filter(|rule| !own.rules.contains(rule)));
    }
    rules
}

/// `args` stand behind the launcher, the tool's own first ones among them.
pub fn look(own: &Tool, args: &[String], facts: &CallFacts<'_>) -> Looked {
    let guards = bound(facts, own);
    let bound = !guards.is_empty();
    let mut fixed = Vec::new();
    for tool in if bound { guards } else { vec![own] } {
        let looked = look_as(tool, args, facts);
        if looked.kind != Kind::Reversible {
            return Looked { bound, ..looked };
        }
        fixed.extend(looked.fixed);
    }
    Looked { kind: Kind::Reversible, fixed, bound }
}

/// What the values of a call's options say, each with the place of its argument.
#[derive(Debug, Default)]
pub struct OptionValues {
    pub ids: Vec<(usize, UsbId)>,
    /// For how long the tool itself waits, in milliseconds.
    pub limits_ms: Vec<(usize, u64)>,
    /// Words with which the board goes away after the call.
    pub leaves: Vec<(usize, String)>,
}

/// As far as the tool's table knows the options.
pub fn option_values(tool: &Tool, args: &[String]) -> OptionValues {
    let mut found = OptionValues::default();
    for (index, pair) in args.windows(2).enumerate() {
        let Some(Some(pattern)) = tool.options.get(&pair[0]) else { continue };
        let Some(groups) = whole(pattern, &pair[1]) else { continue };
        let group = |name: &str| groups.name(name).map(|group| group.as_str());
        found.ids.extend(group("id").and_then(usb_id).map(|id| (index + 1, id)));
        found.leaves.extend(group(LEAVES).map(|word| (index + 1, word.to_owned())));
        found.limits_ms.extend(group(LIMIT_MS).and_then(number).map(|limit| (index + 1, limit)));
    }
    found
}

/// The group of an option's value that makes the board go away.
const LEAVES: &str = "leaves";
/// The group of an option's value that is a limit of the tool's own, in milliseconds.
const LIMIT_MS: &str = "limit_ms";

/// Why a line is not typed where the tool lets one choose from a menu: `lines` are what it has printed since the last line.
pub fn never_chosen(own: &Tool, facts: &CallFacts<'_>, lines: &VecDeque<String>, typed: &str) -> Option<String> {
    let mut menus = bound(facts, own).into_iter().map(|tool| &tool.menu).chain([&own.menu]).flatten().peekable();
    menus.peek()?;
    // What a program may take for a number, even where it is written oddly.
    let number = typed.trim().trim_start_matches(['+', '-']);
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_numeric() || c == '_');
    if !is_number {
        return None;
    }
    let plain = |text: &str| text.trim_start_matches('0').to_owned();
    for menu in menus {
        let label = |line: &String| {
            let groups = menu.entry.captures(line)?;
            let same = plain(groups.name("number")?.as_str()) == plain(number);
            same.then(|| groups.name("label").map_or("", |label| label.as_str()).trim().to_owned())
        };
        // A line of the board's may look like one of the menu, so all of this number count.
        let labels: Vec<String> = lines.iter().filter_map(label).collect();
        let harmless = |label: &String| menu.harmless.iter().any(|pattern| whole(pattern, label).is_some());
        if labels.is_empty() {
            return Some(format!("line {number}"));
        }
        if let Some(label) = labels.into_iter().find(|label| !harmless(label)) {
            return Some(label);
        }
    }
    None
}

fn look_as<'t>(tool: &'t Tool, args: &[String], facts: &CallFacts<'t>) -> Looked {
    let undecided = |kind| Looked { kind, fixed: args.to_vec(), bound: false };
    let Some(command) = tool.command(args) else {
        let why = format!("the catalog does not know this call of {} as one that can be undone", tool.name);
        let doubt = Doubt::of_call(why);
        return undecided(Kind::NeedsConsent(match misspelt(tool, args) {
            Some((index, word)) => Doubt { argument: Some(index), ..doubt }.remedied(format!("did you mean `{word}`?")),
            None => doubt,
        }));
    };
    let form = || Form { tool, command, chosen: facts.chosen, found: Found::default(), fixed: Vec::new() };
    if !command.reversible {
        // What is agreed to must be known to the last word.
        if let Some(doubt) = (!command.words.is_empty()).then(|| form().read(args).err()).flatten() {
            return undecided(Kind::Never(doubt));
        }
        let why =
            format!("the catalog does not name `{}` of {} as something that can be undone", command.name, tool.name);
        return undecided(Kind::NeedsConsent(Doubt::of_call(why)));
    }
    if tool.options.is_empty() && command.words.is_empty() {
        // The kind decides alone, and the addresses say where.
        let regions = [&command.erases, &command.writes].into_iter().flatten();
        let addresses = regions.filter_map(|region| args.get(command.argument(region.address()?, args)?).cloned());
        let fixed = [command.name.clone()].into_iter().chain(addresses).collect();
        return Looked { kind: Kind::Reversible, fixed, bound: false };
    }
    let mut form = form();
    let kind = match form.read(args).and_then(|()| form.holds(facts)) {
        Ok(()) => Kind::Reversible,
        Err(doubt) => Kind::NeedsConsent(doubt),
    };
    Looked { kind, fixed: form.fixed, bound: false }
}

/// An argument that is almost the word of a kind of call; in a long list only the first ones are compared.
fn misspelt<'t>(tool: &'t Tool, args: &[String]) -> Option<(usize, &'t str)> {
    const COMPARED_MAX: usize = 100;
    let words = || tool.commands.iter().flat_map(|command| &command.with).map(String::as_str);
    let almost = |(index, arg): (usize, &String)| Some((index, nearest(arg, words())?));
    // Options are too short to be almost each other.
    args.iter().enumerate().filter(|(_, arg)| !arg.starts_with('-')).take(COMPARED_MAX).find_map(almost)
}

/// Other formats put so many bytes at most before it.
const PREFIX_BYTES_MAX: usize = 64;
/// Groups whose text may differ between calls of one kind.
const FREE: [&str; 3] = ["length", "free", "node"];

/// What the named groups have found.
#[derive(Debug, Default)]
struct Found {
    id: Option<UsbId>,
    address: Option<(usize, u64)>,
    length: Option<u64>,
    file: Option<(usize, String)>,
}

/// One list of arguments, held against the only forms in which a call is known.
struct Form<'t> {
    tool: &'t Tool,
    command: &'t Command,
    chosen: Option<&'t ChosenNode>,
    found: Found,
    fixed: Vec<String>,
}

impl Form<'_> {
    fn read(&mut self, args: &[String]) -> Result<(), Doubt> {
        let Form { tool, command, .. } = *self;
        let mut used: Vec<&str> = Vec::new();
        let (mut rest, mut words) = (args.iter().enumerate(), Vec::new());
        let mut options_over = false;
        while let Some((index, arg)) = rest.next() {
            let option = tool.options.get(arg).filter(|_| !options_over);
            match option {
                Some(value) => {
                    if used.contains(&arg.as_str()) {
                        let why = format!("`{arg}` stands there twice, and tools do not agree on which counts");
                        return Err(Doubt::of_argument(index, Reason::Twice, why));
                    }
                    used.push(arg);
                    self.fixed.push(arg.clone());
                    if let Some(pattern) = value {
                        let missing = || Doubt::of_argument(index, Reason::NoValue, format!("`{arg}` has no value"));
                        let (at, value) = rest.next().ok_or_else(missing)?;
                        let known = self.takes(pattern, at, value);
                        known.ok_or_else(|| not_harmless(at, &format!("{arg} {value}"), &tool.name))?;
                    }
                }
                None if arg == "--" && !options_over => {
                    options_over = true;
                    self.fixed.push(arg.clone());
                }
                None if !options_over && tool.anywhere.iter().any(|pattern| whole(pattern, arg).is_some()) => {}
                None if arg.starts_with('-') && !options_over => return Err(not_harmless(index, arg, &tool.name)),
                None => {
                    options_over |= tool.words_end_options;
                    words.push((index, arg));
                }
            }
        }
        let works: Vec<&&str> = used.iter().filter(|option| tool.one_of.iter().any(|one| one == *option)).collect();
        if let [one, other, ..] = works.as_slice() {
            let why = format!("`{one}` and `{other}` are two kinds of work, and tools do not agree on which counts");
            return Err(Doubt::of_call(why));
        }
        if let Some(missing) = command.needs.iter().find(|needed| !used.contains(&needed.as_str())) {
            let why = format!("`{missing}` is missing, so it is not known what the call is about");
            return Err(Doubt::of_call(why));
        }
        let known = command.words.len() + command.further_words.len();
        if words.len() < command.words.len() || words.len() > known {
            let why = format!("`{}` of {} is not known with {} words", command.name, tool.name, words.len());
            return Err(Doubt::of_call(why));
        }
        for (pattern, (index, word)) in command.words.iter().chain(&command.further_words).zip(words) {
            self.takes(pattern, index, word)
                .ok_or_else(|| not_harmless(index, word, &format!("{} of {}", command.name, tool.name)))?;
        }
        Ok(())
    }

    /// Notes what the groups of a pattern find in the whole argument.
    fn takes(&mut self, pattern: &Pattern, index: usize, arg: &str) -> Option<()> {
        let groups = whole(pattern, arg)?;
        let group = |name: &str| groups.name(name).map(|group| group.as_str());
        if let Some(id) = group("id") {
            self.found.id = Some(usb_id(id)?);
        }
        if let Some(node) = group("node") {
            self.found.id = Some(self.chosen.filter(|chosen| chosen.name == node)?.id);
        }
        if let Some(address) = group("address") {
            self.found.address = Some((index, number(address)?));
        }
        if let Some(length) = group("length") {
            self.found.length = Some(number(length)?);
        }
        if let Some(file) = group("file") {
            self.found.file = Some((index, file.to_owned()));
        }
        let mut fixed = arg.to_owned();
        let mut spans: Vec<_> = FREE.iter().filter_map(|name| groups.name(name)).map(|group| group.range()).collect();
        spans.sort_by_key(|span| std::cmp::Reverse(span.start));
        for span in spans {
            fixed.replace_range(span, "…");
        }
        self.fixed.push(fixed);
        Some(())
    }

    /// Files must be files of the run, and what is changed must be plain memory.
    fn holds(&self, facts: &CallFacts<'_>) -> Result<(), Doubt> {
        let Found { id, address, length, file } = &self.found;
        if self.command.reads.is_some() {
            return Ok(());
        }
        let size = match file {
            Some((index, name)) => {
                let unknown = || Doubt::of_argument(*index, Reason::NoFile, format!("`{name}` is no file of this run"));
                Some(facts.files.size(name).ok_or_else(unknown)?)
            }
            None => None,
        };
        let memory = Memory { tool: self.tool, id: *id, declared: facts.memories };
        self.pairs_hold(&memory, facts)?;
        let by_address = self.command.writes.as_ref().is_some_and(|writes| writes.address().is_some());
        if by_address && address.is_none() {
            return Err(Doubt::of_call("the call does not say where in the memory it writes"));
        }
        if let Some((index, begin)) = address {
            // A length may be meant for reading only.
            let bytes = length.unwrap_or(0).max(size.unwrap_or(0)).max(1);
            memory.holds(*begin, bytes).map_err(|doubt| Doubt { argument: Some(*index), ..doubt })?;
        }
        match file {
            Some((index, name)) => {
                let inside = self.holds_inside(&memory, name, facts);
                inside.map_err(|doubt| Doubt { argument: Some(*index), ..doubt })
            }
            None => Ok(()),
        }
    }

    /// Files and addresses that stand in one argument.
    fn pairs_hold(&self, memory: &Memory<'_>, facts: &CallFacts<'_>) -> Result<(), Doubt> {
        let Some(pairs) = &self.tool.pairs else { return Ok(()) };
        for groups in self.fixed.iter().flat_map(|arg| pairs.captures_iter(arg)) {
            let group = |name: &str| groups.name(name).map_or("", |group| group.as_str());
            let not_read = || Doubt::of_call(format!("`{}` is no address", group("address")));
            let begin = number(group("address")).ok_or_else(not_read)?;
            memory.holds(begin, facts.files.size(group("file")).unwrap_or(1).max(1))?;
        }
        Ok(())
    }

    /// What the file itself says of where its parts go.
    fn holds_inside(&self, memory: &Memory<'_>, name: &str, facts: &CallFacts<'_>) -> Result<(), Doubt> {
        let contents = || {
            let unread = || Doubt::of_call(format!("`{name}` cannot be read"));
            facts.files.bytes(name).ok_or_else(unread)
        };
        if !self.command.layout_rows.is_empty() {
            return known_rows(&self.command.layout_rows, &contents()?);
        }
        let Some(magic) = self.tool.brings_addresses.as_ref().filter(|_| self.found.address.is_none()) else {
            return Ok(());
        };
        let contents = contents()?;
        let at = contents.windows(magic.len()).take(PREFIX_BYTES_MAX).position(|bytes| bytes == magic.as_bytes());
        match at {
            Some(0) => {
                let elements = container::elements(&contents, magic);
                for element in elements.map_err(|error| Doubt::of_call(error.to_string()))? {
                    memory.holds(u64::from(element.address), u64::from(element.size).max(1))?;
                }
                Ok(())
            }
            None if self.found.id.is_some_and(|id| !knows_chip(id)) => Ok(()),
            Some(_) | None => {
                let why = format!("`{name}` does not say from its first byte on where its parts go, nor does the call");
                Err(Doubt::of_call(why).remedied("give the call an address"))
            }
        }
    }
}

fn not_harmless(index: usize, what: &str, of: &str) -> Doubt {
    let doubt = Doubt::of_argument(index, Reason::Form, format!("recover does not know `{what}` of {of} as harmless"));
    doubt.remedied("look for a slip in it; what is meant so belongs in a step marked `irreversible`")
}

/// Every line of a file that says what goes where.
fn known_rows(rows: &[Pattern], contents: &[u8]) -> Result<(), Doubt> {
    let text = std::str::from_utf8(contents).map_err(|_| Doubt::of_call("the layout is no text"))?;
    let known = |line: &&str| line.trim().is_empty() || rows.iter().any(|pattern| whole(pattern, line).is_some());
    match text.lines().find(|line| !known(line)) {
        None => Ok(()),
        Some(line) => {
            let why = format!("the layout has the line `{}`, which is not known to be harmless", line.trim());
            Err(Doubt::of_call(why))
        }
    }
}

/// Where a call may change something that can be written again.
struct Memory<'a> {
    tool: &'a Tool,
    id: Option<UsbId>,
    declared: &'a [AddressRange],
}

impl Memory<'_> {
    fn holds(&self, begin: u64, bytes: u64) -> Result<(), Doubt> {
        let end = begin.saturating_add(bytes);
        let shown = match bytes {
            1 => format!("{begin:#010x}"),
            _ => format!("{begin:#010x} to {:#010x}", end - 1),
        };
        let doubt = |why: String| Doubt { reason: Reason::Memory(begin), ..Doubt::of_call(why) };
        if let Some((_, what)) = special(begin, end) {
            return Err(doubt(format!("{shown} holds {what}")));
        }
        let known: Vec<&AddressRange> = chips_of(self.tool, self.id).flat_map(|chip| &chip.plain).collect();
        if !known.is_empty() && !covered(begin, end, &known) {
            return Err(doubt(format!("{shown} is not known as plain memory of this chip")));
        }
        let declared: Vec<&AddressRange> = self.declared.iter().collect();
        match (declared.is_empty(), known.is_empty()) {
            (true, true) => {
                let why = format!("the catalog does not know this chip, so nothing says that {shown} is plain memory");
                Err(doubt(why).remedied(DECLARE))
            }
            (false, _) if !covered(begin, end, &declared) => {
                let why = format!("{shown} is outside of the `memories` that the playbook declares");
                Err(doubt(why))
            }
            (_, _) => Ok(()),
        }
    }
}

const DECLARE: &str = "say what the board's plain memory is, as in `memories: {flash: 0x08000000+0x100000}`";

fn number(text: &str) -> Option<u64> {
    u64::try_from(parse_integer(text).ok()?).ok()
}

/// Fuses, option bytes and registers that these addresses meet, whatever anybody declares.
pub fn special(begin: u64, end: u64) -> Option<(&'static AddressRange, &'static str)> {
    let meets = |(range, _): &(&AddressRange, &str)| u64::from(range.start) < end && begin < range.end();
    guards().special_memories.iter().map(|(range, what)| (range, what.as_str())).find(meets)
}

/// Does the catalog know the chip behind these ids? What a playbook declares of others is for the person to judge.
pub fn knows_chip(id: UsbId) -> bool {
    guards().chips.iter().any(|chip| chip.ids.contains(&id))
}

fn chips_of(tool: &Tool, id: Option<UsbId>) -> impl Iterator<Item = &'static Chip> {
    let tool = tool.name.clone();
    guards().chips.iter().filter(move |chip| match id {
        Some(id) => chip.ids.contains(&id),
        None => chip.tools.contains(&tool),
    })
}

/// Is every address from `begin` to before `end` in one of the ranges?
fn covered(begin: u64, end: u64, ranges: &[&AddressRange]) -> bool {
    let ranges = ranges.iter().map(|range| (u64::from(range.start), range.end()));
    end_reached(begin, &ranges) >= end
}

/// As tools take it: `0483:df11`, `0x15A2,0x0073`.
fn usb_id(text: &str) -> Option<UsbId> {
    let (vendor, product) = text.split_once([':', ','])?;
    let digits = |part: &str| part.trim_start_matches("0x").trim_start_matches("0X").to_owned();
    format!("{:0>4}:{:0>4}", digits(vendor), digits(product)).parse().ok()
}

/// The groups of a pattern that matches all of a text.
fn whole<'t>(pattern: &Pattern, text: &'t str) -> Option<Captures<'t>> {
    let groups = pattern.captures(text)?;
    groups.get(0).is_some_and(|all| all.range() == (0..text.len())).then_some(groups)
}

/// Which fuse word a call reads or burns, and with which bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuse {
    pub word: u64,
    /// None where it is only read.
    pub bits: Option<u64>,
}

/// The fuse word that these arguments are about, and how the tool prints what it has read of it.
///
/// A shipped tool's own table counts, whatever another one says of the same program.
pub fn fuse_of<'t>(own: &'t Tool, args: &[String], facts: &CallFacts<'_>) -> Option<(Fuse, Option<&'t Pattern>)> {
    let of = |tool: &'t Tool| {
        let command = tool.command(args)?;
        let arguments = command.fuse.as_ref()?;
        Some((word_of_fuses(command, arguments, args)?, arguments.value.as_ref()))
    };
    bound(facts, own).into_iter().find_map(of).or_else(|| of(own))
}

fn word_of_fuses(command: &Command, arguments: &FuseArguments, args: &[String]) -> Option<Fuse> {
    let text = |place| command.argument(place, args).and_then(|index| args.get(index));
    let word = text(&arguments.word)?;
    // Some tools take such a number for an octal one.
    if word.len() > 1 && word.starts_with('0') && !word[1..].starts_with(['x', 'X']) {
        return None;
    }
    let bits = match &arguments.bits {
        // As the tools take them: hexadecimal digits without a prefix.
        Some(place) => Some(u64::from_str_radix(text(place)?, 16).ok()?),
        None => None,
    };
    Some(Fuse { word: number(word)?, bits })
}
