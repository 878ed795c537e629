//! Reads what judges a tool's calls: statuses, faults, kinds of call, and rules on arguments.

use std::collections::BTreeMap;

use super::reader::{Diagnostics, Reader};
use super::tool::{
    ArgumentPlace, ArgumentRule, Command, FaultPattern, FuseArguments, MissingEvidence, RegionArguments, RegionBegin,
    StatusPattern, SuccessCount, Times,
};
use super::tree::{Table, Value};
use crate::words::{Diagnostic, FaultClass, Located, Place, Stream, ThirdTime, nearest};

/// No call of a tool has more.
const ARGUMENTS_MAX: i64 = 100;

pub(super) fn statuses(reader: &Reader<'_>) -> Vec<StatusPattern> {
    reader.tables("statuses").into_iter().filter_map(|(table, place)| status(table, place, reader)).collect()
}

/// Reads the kinds of call, and holds both them and the statuses to one another.
pub(super) fn commands(reader: &Reader<'_>, statuses: &[StatusPattern]) -> Vec<Command> {
    if !reader.has("commands") {
        reader.missing("commands");
    }
    let commands: Vec<Command> =
        reader.tables("commands").into_iter().map(|(table, place)| command(table, place, statuses, reader)).collect();
    for (table, place) in reader.tables("statuses") {
        let status = Reader::new(table, place, reader.diagnostics);
        report_unknown_commands(&status.texts("commands"), &commands, reader.diagnostics);
    }
    commands
}

pub(super) fn faults_known(reader: &Reader<'_>, commands: &[Command]) -> Vec<FaultPattern> {
    // A tool that is `like` another takes over its faults, and may put its own before them.
    let lists = [reader.tables("first_faults"), reader.tables("faults")];
    lists.into_iter().flatten().filter_map(|(table, place)| fault(table, place, commands, reader)).collect()
}

pub(super) fn rules(reader: &Reader<'_>) -> Vec<ArgumentRule> {
    reader.tables("rules").into_iter().map(|(table, place)| rule(table, place, reader)).collect()
}

fn status(table: &Table, place: &Place, outer: &Reader<'_>) -> Option<StatusPattern> {
    let reader = Reader::new(table, place, outer.diagnostics);
    let pattern = reader.required_pattern("pattern", &["code"]);
    let classes: BTreeMap<String, FaultClass> = reader
        .text_map("classes")
        .into_iter()
        .filter_map(|(code, word)| Some((code.value, class(&word, outer.diagnostics)?)))
        .collect();
    let otherwise = required_class(&reader, "otherwise");
    // Held against the commands once these are read.
    let commands = reader.plain_texts("commands");
    let success = reader.plain_texts("success");
    let refused_before = reader.plain_texts("refused_before");
    let meanings = reader.plain_text_map("meanings");
    reader.finish();
    let otherwise = otherwise?;
    Some(StatusPattern { pattern: pattern?, commands, success, classes, otherwise, refused_before, meanings })
}

fn fault(table: &Table, place: &Place, commands: &[Command], outer: &Reader<'_>) -> Option<FaultPattern> {
    let reader = Reader::new(table, place, outer.diagnostics);
    if let Some(node) = reader.node("common") {
        let message = "`common` stands alone, and only in a tool's own list of faults";
        reader.diagnostics.report(Diagnostic::error(&node.place, message));
    }
    let pattern = reader.required_pattern("pattern", &[]);
    let unless = reader.pattern("unless", &[]);
    let class = required_class(&reader, "class");
    let code = reader.text("code").map(|code| code.value);
    let only_for = reader.texts("commands");
    report_unknown_commands(&only_for, commands, outer.diagnostics);
    let stream = reader.text("stream").and_then(|text| stream_of(&text, outer.diagnostics));
    let message = reader.required_text("message");
    let help = reader.per_system("help", |reader, key| reader.text(key).map(|text| text.value));
    let overrides_success = reader.flag("overrides_success");
    let lasting = reader.flag("lasting");
    let third_time = third_time(&reader);
    let refused_before = reader.flag("refused_before");
    reader.finish();
    Some(FaultPattern {
        place: place.clone(),
        pattern: pattern?,
        unless,
        class: class?,
        code,
        stream,
        message,
        help,
        commands: only_for.into_iter().map(|name| name.value).collect(),
        overrides_success,
        lasting,
        third_time,
        refused_before,
    })
}

fn third_time(reader: &Reader<'_>) -> Option<ThirdTime> {
    let (table, place) = reader.table("third_time")?;
    let inner = Reader::new(table, place, reader.diagnostics);
    let class = inner.text("class").and_then(|word| class(&word, reader.diagnostics));
    let message = inner.required_text("message");
    let help = inner.text("help").map(|text| text.value);
    inner.finish();
    Some(ThirdTime { class, message, help })
}

fn command(table: &Table, place: &Place, statuses: &[StatusPattern], outer: &Reader<'_>) -> Command {
    let reader = Reader::new(table, place, outer.diagnostics);
    let command = Command {
        name: reader.required_text("name"),
        with: reader.plain_texts("with"),
        without: reader.plain_texts("without"),
        with_matching: reader.patterns("with_matching"),
        reversible: reader.flag("reversible"),
        words: reader.patterns("words"),
        further_words: reader.patterns("further_words"),
        needs: reader.plain_texts("needs"),
        layout_rows: reader.patterns("layout_rows"),
        fuse: fuse_arguments(&reader),
        changes_board: reader.flag("changes_board"),
        never_cut: reader.text("never_cut").map(|text| text.value),
        success: reader.patterns("success"),
        success_counts: success_counts(&reader),
        progress_complete: reader.flag("progress_complete"),
        success_from_step: reader.flag("success_from_step"),
        success_exit_codes: reader.exit_codes("success_exit_codes").unwrap_or_else(|| vec![0]),
        warning_exit_codes: reader.exit_codes("warning_exit_codes").unwrap_or_default(),
        erases: region_arguments(&reader, "erases", "length"),
        writes: region_arguments(&reader, "writes", "file"),
        reads: region_arguments(&reader, "reads", "file"),
        timeout: reader.time("timeout"),
        silence: reader.time("silence"),
        missing_evidence: missing_evidence(&reader),
        progress_shows_changes: reader.flag("progress_shows_changes"),
    };
    let by_status = |status: &StatusPattern| {
        !status.success.is_empty() && (status.commands.is_empty() || status.commands.contains(&command.name))
    };
    let never_succeeds = command.success_exit_codes.is_empty();
    let told_by_lines = reader.has("success") || reader.has("success_counts");
    let told = told_by_lines || command.success_from_step || never_succeeds || statuses.iter().any(by_status);
    if command.never_cut.is_some() && !command.changes_board {
        let message = format!("`{}` does not change the board, so cutting it short breaks nothing", command.name);
        outer
            .diagnostics
            .report(Diagnostic::error(place, message).hint("add `changes_board = true`, or leave `never_cut` out"));
    }
    if command.changes_board && !told {
        let message = format!("`{}` changes the board, but nothing tells its success", command.name);
        let hint = "give `success` patterns, a status with `success` codes, or `success_exit_codes = []`";
        outer.diagnostics.report(Diagnostic::error(place, message).hint(hint));
    }
    reader.finish();
    command
}

fn success_counts(outer: &Reader<'_>) -> Vec<SuccessCount> {
    let read = |(table, place)| {
        let reader = Reader::new(table, place, outer.diagnostics);
        let pattern = reader.required_pattern("pattern", &[]);
        let given = [
            reader.count("equals").map(Times::Exactly),
            reader.count("at_least").map(Times::AtLeast),
            reader.pattern("equals_arguments", &[]).map(Times::AsInArguments),
        ];
        let after_progress = reader.flag("after_progress");
        if ["equals", "at_least", "equals_arguments"].iter().filter(|key| reader.has(key)).count() != 1 {
            let message = "a count needs one of `equals`, `at_least` and `equals_arguments`";
            outer.diagnostics.report(Diagnostic::error(place, message));
        }
        reader.finish();
        Some(SuccessCount { pattern: pattern?, times: given.into_iter().flatten().next()?, after_progress })
    };
    outer.tables("success_counts").into_iter().filter_map(read).collect()
}

fn region_arguments(reader: &Reader<'_>, key: &'static str, extent: &'static str) -> Option<RegionArguments> {
    let (table, place) = reader.table(key)?;
    let inner = Reader::new(table, place, reader.diagnostics);
    // What is told by its length begins at an address.
    let partition = if extent == "file" { inner.node("partition") } else { None };
    let begin = match (inner.has("address"), partition.is_some()) {
        (true, true) => {
            let message = "a region begins at an `address` or is a `partition`, not both";
            reader.diagnostics.report(Diagnostic::error(place, message));
            None
        }
        (false, true) => argument_place(&inner, "partition").map(RegionBegin::Partition),
        _ => argument_place(&inner, "address").map(RegionBegin::Address),
    };
    let extent = argument_place(&inner, extent);
    inner.finish();
    Some(RegionArguments { begin: begin?, extent: extent? })
}

fn fuse_arguments(reader: &Reader<'_>) -> Option<FuseArguments> {
    let (table, place) = reader.table("fuse")?;
    let inner = Reader::new(table, place, reader.diagnostics);
    let word = argument_place(&inner, "word");
    let bits = inner.node("bits").and_then(|_| argument_place(&inner, "bits"));
    let value = inner.pattern("value", &[]);
    inner.finish();
    Some(FuseArguments { word: word?, bits, value })
}

fn argument_place(reader: &Reader<'_>, key: &'static str) -> Option<ArgumentPlace> {
    let Some(node) = reader.node(key) else {
        reader.missing(key);
        return None;
    };
    match &node.value {
        Value::Text(word) => Some(ArgumentPlace::AfterWord(word.clone())),
        Value::Integer(count) if (1..=ARGUMENTS_MAX).contains(count) => {
            usize::try_from(*count).ok().map(ArgumentPlace::AfterCommand)
        }
        _ => {
            reader.wrong(node, "how many arguments after the command's word, or the word before the argument");
            None
        }
    }
}

fn missing_evidence(reader: &Reader<'_>) -> Option<MissingEvidence> {
    let (table, place) = reader.table("missing_evidence")?;
    let inner = Reader::new(table, place, reader.diagnostics);
    let class = required_class(&inner, "class");
    let message = inner.required_text("message");
    inner.finish();
    Some(MissingEvidence { class: class?, message })
}

fn rule(table: &Table, place: &Place, outer: &Reader<'_>) -> ArgumentRule {
    let reader = Reader::new(table, place, outer.diagnostics);
    if !reader.has("with") && !reader.has("line") {
        reader.missing("with");
    }
    let rule = ArgumentRule {
        with: reader.patterns("with"),
        without: reader.patterns("without"),
        line: reader.pattern("line", &[]),
        unless_timeout: reader.flag("unless_timeout"),
        unless_irreversible: reader.flag("unless_irreversible"),
        message: reader.required_text("message"),
        hint: reader.text("hint").map(|hint| hint.value),
    };
    reader.finish();
    rule
}

fn required_class(reader: &Reader<'_>, key: &'static str) -> Option<FaultClass> {
    if !reader.has(key) {
        reader.missing(key);
    }
    reader.text(key).and_then(|word| class(&word, reader.diagnostics))
}

fn class(word: &Located<String>, diagnostics: &Diagnostics) -> Option<FaultClass> {
    word.value
        .parse()
        .map_err(|error: crate::words::UnknownFaultClass| {
            let diagnostic = Diagnostic::error(&word.place, error.to_string());
            let known = FaultClass::ALL.map(FaultClass::word);
            diagnostics.report(match nearest(&word.value, known) {
                Some(nearest) => diagnostic.hint(format!("did you mean `{nearest}`?")),
                None => diagnostic.hint(format!("the classes are {}", known.join(", "))),
            });
        })
        .ok()
}

fn stream_of(word: &Located<String>, diagnostics: &Diagnostics) -> Option<Stream> {
    match word.value.as_str() {
        "stdout" => Some(Stream::Stdout),
        "stderr" => Some(Stream::Stderr),
        _ => {
            diagnostics.report(Diagnostic::error(
                &word.place,
                format!("expected `stdout` or `stderr`, found `{}`", word.value),
            ));
            None
        }
    }
}

fn report_unknown_commands(names: &[Located<String>], commands: &[Command], diagnostics: &Diagnostics) {
    for name in names {
        if commands.iter().any(|command| command.name == name.value) {
            continue;
        }
        let diagnostic = Diagnostic::error(&name.place, format!("this tool has no command `{}`", name.value));
        diagnostics.report(match nearest(&name.value, commands.iter().map(|command| command.name.as_str())) {
            Some(word) => diagnostic.hint(format!("did you mean `{word}`?")),
            None => diagnostic,
        });
    }
}
