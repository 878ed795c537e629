//! Reads what judges a tool's calls: statuses, faults, kinds of call, and rules on arguments.

use super::pattern::{pattern, patterns};
use super::read_tool::{PATTERN, PATTERNS, SYSTEMS, TEXTS, TIME, VARIABLES, per_system};
use super::tool::{
    ArgumentPlace, ArgumentRule, Command, FaultPattern, FuseArguments, MissingEvidence, RegionArguments, RegionBegin,
    StatusPattern, SuccessCount, Times,
};
use crate::documents::keys::{Field, Shape, Way, Ways, keys};
use crate::documents::reader::{Parts, Reader};
use crate::documents::tree::{Tree, TreeKind};
use crate::words::{Code, Diagnostic, FaultClass, Located, Stream, ThirdTime, UnknownFaultClass, nearest};

/// No call of a tool has more.
const ARGUMENTS_MAX: u32 = 100;

const CLASS: Shape = Shape::Part("class", "", &Shape::Words(FaultClass::words));
const EXIT_CODES: Shape = Shape::Part("exit_codes", "", &Shape::List(&Shape::AnyInteger));
const ARGUMENT: Shape = Shape::Part(
    "argument",
    "",
    &Shape::Either(&[
        Shape::About("So many arguments after the command's first word.", &Shape::Integer(1, ARGUMENTS_MAX)),
        Shape::About("Right after this word.", &Shape::Text),
    ]),
);

keys! {
    STATUS: StatusKeys = "a status", part("status");
    pattern: PATTERN, "Finds the number, in a group `code`.", required();
    commands: TEXTS, "Only for these commands; for all without it.";
    success: TEXTS, "Codes that mean success, as printed.";
    classes: Shape::Named(&CLASS), "The class of single codes.";
    otherwise: CLASS, "The class of all other codes.", required();
    refused_before: TEXTS, "Codes with which the board refuses before anything has changed.";
    meanings: VARIABLES, "What a code means, in words.";
}

keys! {
    FAULT: FaultKeys = "a fault", part("fault"), ways(Ways::AtLeastOneOf(&[Way::With(&["pattern", "class", "message"]), Way::With(&["common"])]));
    common: Shape::Text, "Alone in a fault of a tool: the group of `common_faults` whose faults stand here.";
    pattern: PATTERN,
        "Matches some line; a group `code` gives the fault its code; ^$ matches a call that printed nothing at all.",
        required_in_the_end();
    unless: PATTERN, "A line that this matches too is none of the fault.";
    class: CLASS, "What kind of fault it is: playbooks retry and restart by class.", required_in_the_end();
    code: Shape::Text, "The fault's code, where the line itself has none.";
    stream: Shape::Words(stream_words), "Only on this stream; on both without it.";
    message: Shape::Text, "A sentence for the person, without a full stop.", required_in_the_end();
    help: SYSTEMS, "What to do: one text, or one for each operating system.";
    commands: TEXTS, "Only for these commands; for all without it.";
    overrides_success: Shape::Boolean, "Decides even where the evidence of success is there.";
    lasting: Shape::Boolean,
        "The same call would end in it again, so it is not tried again, whatever the step's retry says.";
    third_time: Shape::Map(ThirdTimeKeys::kind), "What it means when a step has failed with it for the third time.";
    refused_before: Shape::Boolean,
        "The board refuses so before it does anything: where no progress was made, all is as it was.";
}

keys! {
    THIRD_TIME: ThirdTimeKeys = "`third_time`";
    class: CLASS, "What kind of fault it is then; the same without it.";
    message: Shape::Text, "A sentence for the person, without a full stop.", required();
    help: Shape::Text, "What to do.";
}

keys! {
    COMMAND: CommandKeys = "a command", part("command");
    name: Shape::Text, "What this kind of call is called.", required();
    with: TEXTS, "All of these are among the arguments.";
    without: TEXTS, "None of these is among the arguments.";
    with_matching: PATTERNS, "Each of these matches some argument.";
    reversible: Shape::Boolean, "All that it does can be done again. Every other call belongs in an irreversible step.";
    words: PATTERNS, "The forms of the words that are no options, in order.";
    further_words: PATTERNS, "Words that may follow these.";
    needs: TEXTS, "Options without which it is not known what the call is about.";
    layout_rows: PATTERNS, "The forms of the lines of the file that is written, where the file says what goes where.";
    fuse: Shape::Map(FuseKeys::kind), "Which arguments say what fuse is read or burnt.";
    changes_board: Shape::Boolean,
        "It changes the board: it is never cut short lightly, and needs evidence of its success.";
    never_cut: Shape::Text,
        "What it would break to cut it short, as a sentence without a full stop: that takes a third Ctrl-C.";
    success: PATTERNS, "Each must match a line; a call without all of them has not succeeded.";
    success_counts: Shape::List(&Shape::Map(SuccessCountKeys::kind)),
        "Lines that must come a number of times, beside `success`.";
    progress_complete: Shape::Boolean, "Every progress that began must have reached its full size.";
    success_from_step: Shape::Boolean, "The tool never says what it did: the step must `expect` something.";
    success_exit_codes: EXIT_CODES, "Exit codes of a plain success; [0] without it.";
    warning_exit_codes: EXIT_CODES, "Exit codes that, with the evidence, are a success worth a warning.";
    erases: Shape::Map(RangeKeys::kind), "Which arguments say what is erased.";
    writes: Shape::Map(FileRangeKeys::kind), "Which arguments say what is written.";
    reads: Shape::Map(FileRangeKeys::kind), "Which arguments say what is read back from the board.";
    timeout: TIME, "Limit of such a call, where the step gives none.";
    silence: TIME, "Longest silence before the tool counts as hung.";
    missing_evidence: Shape::Map(MissingEvidenceKeys::kind),
        "What it means when neither the evidence nor a known fault is there.";
    progress_shows_changes: Shape::Boolean,
        "It shows progress from its first change on: a call without any has touched nothing.";
}

keys! {
    FUSE: FuseKeys = "`fuse`";
    word: ARGUMENT, "The word of fuses.", required();
    bits: ARGUMENT, "The bits to burn, as hexadecimal digits; without it the word is only read.";
    value: PATTERN, "How the tool prints what it has read: playbooks capture the value by this pattern.";
}

keys! {
    SUCCESS_COUNT: SuccessCountKeys = "a count", ways(Ways::OneOf(&[Way::With(&["equals"]), Way::With(&["at_least"]), Way::With(&["equals_arguments"])]));
    pattern: PATTERN, "The lines that are counted.", required();
    equals: Shape::From(1), "Exactly so many.";
    at_least: Shape::From(1), "So many or more.";
    equals_arguments: PATTERN, "Exactly as often as this matches within the arguments.";
    after_progress: Shape::Boolean, "Only lines after a complete progress count, one for each.";
}

keys! {
    RANGE: RangeKeys = "a range";
    address: ARGUMENT, "Where it begins.", required();
    length: ARGUMENT, "How many bytes it has.", required();
}

keys! {
    FILE_RANGE: FileRangeKeys = "the range of a file", ways(Ways::OneOf(&[Way::With(&["address"]), Way::With(&["partition"])]));
    address: ARGUMENT, "Where it begins.";
    partition: ARGUMENT, "Or the tool's own name or number of that part of the memory.";
    file: ARGUMENT, "The file that is written, or that the tool makes of it.", required();
    length: ARGUMENT, "How many bytes are read, where an argument of its own says so.";
}

keys! {
    MISSING_EVIDENCE: MissingEvidenceKeys = "`missing_evidence`";
    class: CLASS, "What kind of fault it is.", required();
    message: Shape::Text, "A sentence for the person, without a full stop.", required();
}

keys! {
    RULE: RuleKeys = "a rule", part("rule"), ways(Ways::AtLeastOneOf(&[Way::With(&["with"]), Way::With(&["line"])]));
    with: PATTERNS, "Applies when every one of these matches some whole argument.";
    without: PATTERNS, "Applies when none of these matches any argument.";
    line: PATTERN, "Applies when this matches all arguments, joined by single blanks.";
    unless_timeout: Shape::Boolean, "Allowed when the step gives a timeout of its own.";
    unless_irreversible: Shape::Boolean, "Allowed in a step marked irreversible.";
    message: Shape::Text, "What is wrong.", required();
    hint: Shape::Text, "What to write instead.";
}

const TABLES: &str = "a list of tables";

pub(super) fn statuses(reader: &mut Reader, tree: Option<&Tree>) -> Vec<StatusPattern> {
    reader.items(tree, TABLES).iter().filter_map(|tree| status(reader, tree)).collect()
}

/// Reads the kinds of call, and holds both them and the statuses to one another.
pub(super) fn commands(
    reader: &mut Reader,
    tree: Option<&Tree>,
    status_trees: Option<&Tree>,
    statuses: &[StatusPattern],
) -> Vec<Command> {
    let trees = reader.items(tree, TABLES);
    let commands: Vec<Command> = trees.iter().filter_map(|tree| command(reader, tree, statuses)).collect();
    if let Some(Tree { kind: TreeKind::List(trees), .. }) = status_trees {
        for names in trees.iter().filter_map(|tree| tree.get(STATUS.commands.name)) {
            let names = reader.texts(Some(names));
            report_unknown_commands(reader, &names, &commands);
        }
    }
    commands
}

/// A tool that is `like` another takes over its faults, and may put its own before them.
pub(super) fn faults_known(reader: &mut Reader, lists: [Option<&Tree>; 2], commands: &[Command]) -> Vec<FaultPattern> {
    let mut found = Vec::new();
    for list in lists {
        found.extend(reader.items(list, TABLES).iter().filter_map(|tree| fault(reader, tree, commands)));
    }
    found
}

pub(super) fn rules(reader: &mut Reader, tree: Option<&Tree>) -> Vec<ArgumentRule> {
    reader.items(tree, TABLES).iter().filter_map(|tree| rule(reader, tree)).collect()
}

fn status(reader: &mut Reader, tree: &Tree) -> Option<StatusPattern> {
    let parts = reader.parts(tree, &STATUS)?;
    let mut classes = std::collections::BTreeMap::new();
    for (code, word) in reader.text_map(parts.get(STATUS.classes)) {
        if let Some(class) = class_of(reader, &word) {
            classes.insert(code.text, class);
        }
    }
    let otherwise = class(reader, parts.get(STATUS.otherwise));
    Some(StatusPattern {
        pattern: pattern(reader, parts.get(STATUS.pattern), &["code"])?,
        // Held against the commands once these are read.
        commands: reader.plain_texts(parts.get(STATUS.commands)),
        success: reader.plain_texts(parts.get(STATUS.success)),
        classes,
        otherwise: otherwise?,
        refused_before: reader.plain_texts(parts.get(STATUS.refused_before)),
        meanings: reader.plain_text_map(parts.get(STATUS.meanings)),
    })
}

fn fault(reader: &mut Reader, tree: &Tree, commands: &[Command]) -> Option<FaultPattern> {
    let parts = reader.parts(tree, &FAULT)?;
    if let Some(common) = parts.get(FAULT.common) {
        let message = "`common` stands alone, and only in a tool's own list of faults";
        reader.report(Diagnostic::error(Code::KeyOutOfPlace, &common.place, message));
    }
    let pattern_read = pattern(reader, parts.get(FAULT.pattern), &[]);
    let class = class(reader, parts.get(FAULT.class));
    let only_for = reader.texts(parts.get(FAULT.commands));
    report_unknown_commands(reader, &only_for, commands);
    let message = reader.plain_text(parts.get(FAULT.message)).unwrap_or_default();
    let fault = FaultPattern {
        place: tree.place.clone(),
        unless: pattern(reader, parts.get(FAULT.unless), &[]),
        code: reader.plain_text(parts.get(FAULT.code)),
        stream: parts.get(FAULT.stream).and_then(|stream| stream_of(reader, stream)),
        message,
        help: per_system(reader, parts.get(FAULT.help), Reader::plain_text),
        commands: only_for.into_iter().map(|name| name.value).collect(),
        overrides_success: reader.is_yes(parts.get(FAULT.overrides_success)),
        lasting: reader.is_yes(parts.get(FAULT.lasting)),
        third_time: parts.get(FAULT.third_time).and_then(|third| third_time(reader, third)),
        refused_before: reader.is_yes(parts.get(FAULT.refused_before)),
        pattern: pattern_read?,
        class: class?,
    };
    Some(fault)
}

fn third_time(reader: &mut Reader, tree: &Tree) -> Option<ThirdTime> {
    let parts = reader.parts(tree, &THIRD_TIME)?;
    Some(ThirdTime {
        class: class(reader, parts.get(THIRD_TIME.class)),
        message: reader.plain_text(parts.get(THIRD_TIME.message)).unwrap_or_default(),
        help: reader.plain_text(parts.get(THIRD_TIME.help)),
    })
}

fn command(reader: &mut Reader, tree: &Tree, statuses: &[StatusPattern]) -> Option<Command> {
    let parts = reader.parts(tree, &COMMAND)?;
    let region = |reader: &mut Reader, key| {
        parts.get(key).and_then(|tree| {
            let parts = reader.parts(tree, &FILE_RANGE)?;
            region_arguments(reader, &parts)
        })
    };
    let command = Command {
        name: reader.plain_text(parts.get(COMMAND.name)).unwrap_or_default(),
        with: reader.plain_texts(parts.get(COMMAND.with)),
        without: reader.plain_texts(parts.get(COMMAND.without)),
        with_matching: patterns(reader, parts.get(COMMAND.with_matching)),
        reversible: reader.is_yes(parts.get(COMMAND.reversible)),
        words: patterns(reader, parts.get(COMMAND.words)),
        further_words: patterns(reader, parts.get(COMMAND.further_words)),
        needs: reader.plain_texts(parts.get(COMMAND.needs)),
        layout_rows: patterns(reader, parts.get(COMMAND.layout_rows)),
        fuse: parts.get(COMMAND.fuse).and_then(|fuse| fuse_arguments(reader, fuse)),
        changes_board: reader.is_yes(parts.get(COMMAND.changes_board)),
        never_cut: reader.plain_text(parts.get(COMMAND.never_cut)),
        success: patterns(reader, parts.get(COMMAND.success)),
        success_counts: success_counts(reader, parts.get(COMMAND.success_counts)),
        progress_complete: reader.is_yes(parts.get(COMMAND.progress_complete)),
        success_from_step: reader.is_yes(parts.get(COMMAND.success_from_step)),
        success_exit_codes: exit_codes(reader, parts.get(COMMAND.success_exit_codes)).unwrap_or_else(|| vec![0]),
        warning_exit_codes: exit_codes(reader, parts.get(COMMAND.warning_exit_codes)).unwrap_or_default(),
        erases: parts.get(COMMAND.erases).and_then(|erases| erased(reader, erases)),
        writes: region(reader, COMMAND.writes).inspect(|writes| {
            if let (Some(_), Some(tree)) = (&writes.length, parts.get(COMMAND.writes)) {
                let message = "a file is written as long as it is: `length` belongs to `reads`";
                reader.report(Diagnostic::error(Code::KeyOutOfPlace, &tree.place, message));
            }
        }),
        reads: region(reader, COMMAND.reads),
        timeout: parts.get(COMMAND.timeout).and_then(|time| reader.time(time)),
        silence: parts.get(COMMAND.silence).and_then(|time| reader.time(time)),
        missing_evidence: parts.get(COMMAND.missing_evidence).and_then(|tree| missing_evidence(reader, tree)),
        progress_shows_changes: reader.is_yes(parts.get(COMMAND.progress_shows_changes)),
    };
    let by_status = |status: &StatusPattern| {
        !status.success.is_empty() && (status.commands.is_empty() || status.commands.contains(&command.name))
    };
    let never_succeeds = command.success_exit_codes.is_empty();
    let told_by_lines = parts.has(COMMAND.success) || parts.has(COMMAND.success_counts);
    let told = told_by_lines || command.success_from_step || never_succeeds || statuses.iter().any(by_status);
    if command.never_cut.is_some() && !command.changes_board {
        let message = format!("`{}` does not change the board, so cutting it short breaks nothing", command.name);
        let hint = "add `changes_board = true`, or leave `never_cut` out";
        reader.report(Diagnostic::error(Code::Contradiction, &tree.place, message).hint(hint));
    }
    if command.changes_board && !told {
        let message = format!("`{}` changes the board, but nothing tells its success", command.name);
        let hint = "give `success` patterns, a status with `success` codes, or `success_exit_codes = []`";
        reader.report(Diagnostic::error(Code::NoEvidence, &tree.place, message).hint(hint));
    }
    Some(command)
}

/// Exit codes; `None` when the key is absent.
fn exit_codes(reader: &mut Reader, tree: Option<&Tree>) -> Option<Vec<i32>> {
    let mut codes = Vec::new();
    for tree in reader.items(Some(tree?), "a list of exit codes") {
        let code = match tree.kind {
            TreeKind::Integer(number) => i32::try_from(number).ok(),
            _ => None,
        };
        if code.is_none() {
            reader.wrong_kind(tree, "an exit code");
        }
        codes.extend(code);
    }
    Some(codes)
}

/// How many of something there must be: at least one.
fn count(reader: &mut Reader, tree: &Tree) -> Option<usize> {
    let count = match tree.kind {
        TreeKind::Integer(number) => usize::try_from(number).ok().filter(|count| *count > 0),
        _ => None,
    };
    if count.is_none() {
        reader.wrong_kind(tree, "a whole number above zero");
    }
    count
}

fn success_counts(reader: &mut Reader, tree: Option<&Tree>) -> Vec<SuccessCount> {
    reader.items(tree, TABLES).iter().filter_map(|tree| success_count(reader, tree)).collect()
}

fn success_count(reader: &mut Reader, tree: &Tree) -> Option<SuccessCount> {
    let parts = reader.parts(tree, &SUCCESS_COUNT)?;
    let counted = pattern(reader, parts.get(SUCCESS_COUNT.pattern), &[]);
    let given = [
        parts.get(SUCCESS_COUNT.equals).and_then(|tree| count(reader, tree)).map(Times::Exactly),
        parts.get(SUCCESS_COUNT.at_least).and_then(|tree| count(reader, tree)).map(Times::AtLeast),
        pattern(reader, parts.get(SUCCESS_COUNT.equals_arguments), &[]).map(Times::AsInArguments),
    ];
    let ways = [SUCCESS_COUNT.equals, SUCCESS_COUNT.at_least, SUCCESS_COUNT.equals_arguments];
    if parts.given(&ways).len() != 1 {
        let message = "a count needs one of `equals`, `at_least` and `equals_arguments`";
        reader.report(Diagnostic::error(Code::ExclusiveKeys, &tree.place, message));
    }
    let after_progress = reader.is_yes(parts.get(SUCCESS_COUNT.after_progress));
    Some(SuccessCount { pattern: counted?, times: given.into_iter().flatten().next()?, after_progress })
}

fn erased(reader: &mut Reader, tree: &Tree) -> Option<RegionArguments> {
    let parts = reader.parts(tree, &RANGE)?;
    let begin = argument_place(reader, &parts, RANGE.address).map(RegionBegin::Address);
    let extent = argument_place(reader, &parts, RANGE.length);
    Some(RegionArguments { begin: begin?, extent: extent?, length: None })
}

fn region_arguments(reader: &mut Reader, parts: &Parts<'_, FileRangeKeys>) -> Option<RegionArguments> {
    let begin = match (parts.has(FILE_RANGE.address), parts.has(FILE_RANGE.partition)) {
        (true, true) => {
            let message = "a region begins at an `address` or is a `partition`, not both";
            reader.report(Diagnostic::error(Code::ExclusiveKeys, parts.whole(), message));
            None
        }
        (false, true) => argument_place(reader, parts, FILE_RANGE.partition).map(RegionBegin::Partition),
        (true, false) => argument_place(reader, parts, FILE_RANGE.address).map(RegionBegin::Address),
        (false, false) => {
            reader.report(Diagnostic::error(Code::MissingKey, parts.whole(), "the key `address` is missing"));
            None
        }
    };
    let extent = argument_place(reader, parts, FILE_RANGE.file);
    let length = parts.has(FILE_RANGE.length).then(|| argument_place(reader, parts, FILE_RANGE.length)).flatten();
    Some(RegionArguments { begin: begin?, extent: extent?, length })
}

fn fuse_arguments(reader: &mut Reader, tree: &Tree) -> Option<FuseArguments> {
    let parts = reader.parts(tree, &FUSE)?;
    let word = argument_place(reader, &parts, FUSE.word);
    let bits = argument_place(reader, &parts, FUSE.bits);
    let value = pattern(reader, parts.get(FUSE.value), &[]);
    Some(FuseArguments { word: word?, bits, value })
}

fn argument_place<K>(reader: &mut Reader, parts: &Parts<'_, K>, key: Field<K>) -> Option<ArgumentPlace> {
    let tree = parts.get(key)?;
    match &tree.kind {
        TreeKind::Scalar { text, .. } => Some(ArgumentPlace::AfterWord(text.clone())),
        TreeKind::Integer(count) if (1..=i64::from(ARGUMENTS_MAX)).contains(count) => {
            usize::try_from(*count).ok().map(ArgumentPlace::AfterCommand)
        }
        _ => {
            let wanted = "how many arguments after the command's word, or the word before the argument";
            reader.wrong_kind(tree, wanted);
            None
        }
    }
}

fn missing_evidence(reader: &mut Reader, tree: &Tree) -> Option<MissingEvidence> {
    let parts = reader.parts(tree, &MISSING_EVIDENCE)?;
    let message = reader.plain_text(parts.get(MISSING_EVIDENCE.message)).unwrap_or_default();
    Some(MissingEvidence { class: class(reader, parts.get(MISSING_EVIDENCE.class))?, message })
}

fn rule(reader: &mut Reader, tree: &Tree) -> Option<ArgumentRule> {
    let parts = reader.parts(tree, &RULE)?;
    if !parts.has(RULE.with) && !parts.has(RULE.line) {
        reader.report(Diagnostic::error(Code::MissingKey, &tree.place, "the key `with` is missing"));
    }
    Some(ArgumentRule {
        with: patterns(reader, parts.get(RULE.with)),
        without: patterns(reader, parts.get(RULE.without)),
        line: pattern(reader, parts.get(RULE.line), &[]),
        unless_timeout: reader.is_yes(parts.get(RULE.unless_timeout)),
        unless_irreversible: reader.is_yes(parts.get(RULE.unless_irreversible)),
        message: reader.plain_text(parts.get(RULE.message)).unwrap_or_default(),
        hint: reader.plain_text(parts.get(RULE.hint)),
    })
}

fn class(reader: &mut Reader, tree: Option<&Tree>) -> Option<FaultClass> {
    let word = reader.text(tree?)?;
    class_of(reader, &word)
}

fn class_of(reader: &mut Reader, word: &Located<String>) -> Option<FaultClass> {
    word.value
        .parse()
        .map_err(|error: UnknownFaultClass| {
            let diagnostic = Diagnostic::error(Code::UnknownWord, &word.place, error.to_string());
            let known = FaultClass::words();
            reader.report(match nearest(&word.value, known.iter().copied()) {
                Some(nearest) => diagnostic.hint(format!("did you mean `{nearest}`?")),
                None => diagnostic.hint(format!("the classes are {}", known.join(", "))),
            });
        })
        .ok()
}

fn stream_words() -> Vec<&'static str> {
    STREAMS.map(|(word, _)| word).to_vec()
}

const STREAMS: [(&str, Stream); 2] = [("stdout", Stream::Stdout), ("stderr", Stream::Stderr)];

fn stream_of(reader: &mut Reader, tree: &Tree) -> Option<Stream> {
    let word = reader.text(tree)?;
    let found = STREAMS.into_iter().find(|(known, _)| *known == word.value);
    if found.is_none() {
        let message = format!("expected `stdout` or `stderr`, found `{}`", word.value);
        reader.report(Diagnostic::error(Code::UnknownWord, &word.place, message));
    }
    found.map(|(_, stream)| stream)
}

fn report_unknown_commands(reader: &mut Reader, names: &[Located<String>], commands: &[Command]) {
    for name in names {
        if commands.iter().any(|command| command.name == name.value) {
            continue;
        }
        let diagnostic =
            Diagnostic::error(Code::UnknownName, &name.place, format!("this tool has no command `{}`", name.value));
        reader.report(match nearest(&name.value, commands.iter().map(|command| command.name.as_str())) {
            Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
            None => diagnostic,
        });
    }
}
