//! What is tried, and what must hold of it whatever comes.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use recover::bench::{Flash, MemoryLayout};
use recover::cli::diagnostics::render;
use recover::cli::style::Look;
use recover::documents::cases::{self, InputFile};
use recover::documents::catalog::{self, Catalog};
use recover::documents::expression::{
    EvaluationError, Scope, evaluate, expand, expand_as_far_as_known, kind_of, parse_expression, parse_template,
};
use recover::documents::library::shipped_family;
use recover::documents::playbook::{self, Input, Playbook};
use recover::documents::scene;
use recover::output::{Expectations, Judge, LineEnd, LineSplitter, Piece, Presence};
use recover::words::{
    AddressRange, Diagnostic, FILE_BYTES_MAX, Id, MADE_BYTES_MAX, Place, Severity, Source, Stream, ToolEnd,
    ToolVersion, UsbId, Verdict, parse_integer, parse_time,
};

use crate::random::Random;
use crate::reading::{Reading, kind_of_value, scope};
use crate::{corpus, gate, grown};

pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Panics where something does not hold.
    pub(crate) run: fn(&[u8]),
}

pub(crate) const TARGETS: [Target; 10] = [
    Target { name: "playbook", seeds: playbooks, run: read_playbook },
    Target { name: "catalog", seeds: catalogs, run: read_catalog },
    Target { name: "cases", seeds: test_files, run: read_cases },
    Target { name: "scene", seeds: scenes, run: read_scene },
    Target { name: "expression", seeds: expressions, run: read_expression },
    Target { name: "layout", seeds: layouts, run: read_layout },
    Target { name: "lines", seeds: outputs, run: split_lines },
    Target { name: "verdict", seeds: calls, run: judge_call },
    Target { name: "words", seeds: words, run: read_words },
    Target { name: "gate", seeds: gate::seeds, run: gate::passes_nothing_irreversible },
];

fn shipped() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| catalog::shipped().expect("it loads"));
    &CATALOG
}

fn rt1062() -> &'static Playbook {
    static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(|| {
        let source = recover::documents::library::shipped_playbook("rt1062").expect("it is shipped");
        playbook::load(&source, &family).playbook.expect("it loads")
    });
    &PLAYBOOK
}

fn source(bytes: &[u8]) -> Arc<Source> {
    Arc::new(Source { name: "input".to_owned(), text: String::from_utf8_lossy(bytes).into_owned() })
}

fn family(path: &str) -> Result<Arc<Source>, String> {
    shipped_family(path).ok_or_else(|| "it is not there".to_owned())
}

/// Each fault says where it is, and can be shown.
fn are_sound(faults: &[Diagnostic]) {
    for fault in faults {
        assert!(!fault.message.is_empty(), "a fault without words: {fault:?}");
        match &fault.place {
            Some(Place { source, start, end, .. }) => {
                assert!(
                    start <= end && *end <= source.text.len(),
                    "out of the text: {start}..{end} ({})",
                    fault.message
                );
            }
            // It is about the whole document, and names it.
            None => assert!(fault.message.contains("input"), "without a place: {}", fault.message),
        }
    }
    let shown = render(faults, &Look::plain());
    assert_eq!(shown.is_empty(), faults.is_empty());
}

fn has_error(faults: &[Diagnostic]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}

fn playbooks() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("playbook");
    seeds.extend(grown::yaml("format: 1\nboard: x\nsteps: []", "variables"));
    seeds.extend(grown::expressions().into_iter().map(|text| {
        let text = String::from_utf8(text).unwrap();
        format!("format: 1\nboard: x\nvariables: {{count: {{default: 1, help: x}}}}\nsteps:\n  - {{id: a, check: \"{text}\", message: x}}\n")
            .into_bytes()
    }));
    seeds.extend(corpus::files("playbooks", ".yaml"));
    seeds.extend(corpus::files("tests/playbooks", ".yaml"));
    seeds
}

fn read_playbook(bytes: &[u8]) {
    let loaded = playbook::load(&source(bytes), &family);
    are_sound(&loaded.diagnostics);
    let Some(playbook) = loaded.playbook else {
        return assert!(has_error(&loaded.diagnostics), "refused without a word");
    };
    let faults = playbook::check(&playbook, shipped());
    are_sound(&faults);
    if has_error(&loaded.diagnostics) || has_error(&faults) {
        return;
    }
    // What is found sound promises no more than there is room for.
    for input in &playbook.inputs {
        let made = input.example_size.unwrap_or(0).max(input.min_size.unwrap_or(0));
        assert!(made <= MADE_BYTES_MAX, "an example of {made} bytes");
        assert!(input.max_size.unwrap_or(0) <= FILE_BYTES_MAX, "a file of {:?} bytes", input.max_size);
    }
}

fn catalogs() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("catalog");
    seeds.extend(grown::toml());
    let shipped = String::from_utf8(corpus::files(".", "vendor-tools.toml").remove(0)).unwrap();
    // Table by table, because the whole takes long to read.
    seeds.extend(shipped.split("\n\n").map(|table| table.as_bytes().to_vec()));
    seeds.push(shipped.into_bytes());
    seeds
}

fn read_catalog(bytes: &[u8]) {
    let own = source(bytes);
    for read in [catalog::load(&own), catalog::merge(&[catalog::shipped_source(), Arc::clone(&own)])] {
        match read {
            Ok(catalog) => {
                for fault in catalog.tools.iter().flat_map(|tool| &tool.faults).take(20) {
                    catalog::samples_of(fault);
                }
            }
            Err(faults) => {
                are_sound(&faults);
                assert!(has_error(&faults), "refused without a word");
            }
        }
        // Over the shipped one it takes a hundred times as long, and seconds where nothing is optimised.
        if cfg!(debug_assertions) || !own.text.len().is_multiple_of(16) {
            return;
        }
    }
}

fn test_files() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("cases");
    seeds.extend(grown::yaml("format: 1\ncases: [{name: x, expect: {outcome: recovered}}]", "unnoticed"));
    seeds.extend(corpus::files("playbooks", ".test.yaml"));
    seeds.extend(corpus::files("tests/test_files", ".yaml"));
    seeds
}

fn read_cases(bytes: &[u8]) {
    let input = |input: &Input| InputFile { name: input.name.to_string(), file: input.file_name().to_owned() };
    let loaded = cases::load(&source(bytes), &family, &|_| Some(rt1062().inputs.iter().map(input).collect()));
    are_sound(&loaded.diagnostics);
    match loaded.tests {
        Some(tests) => are_sound(&cases::check(&tests, rt1062())),
        None => assert!(has_error(&loaded.diagnostics), "refused without a word"),
    }
}

fn scenes() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("scene");
    seeds.extend(grown::yaml("format: 1\ntools: {}", "calls"));
    seeds.extend(corpus::files("tests/scenes", ".yaml"));
    seeds
}

fn read_scene(bytes: &[u8]) {
    let loaded = scene::load_scene(&source(bytes));
    are_sound(&loaded.diagnostics);
    let Some(read) = loaded.scene else {
        return assert!(has_error(&loaded.diagnostics), "refused without a word");
    };
    are_sound(&scene::check_scene(&read, shipped()));
    // A scene that is written down is the same scene.
    let written = scene::write_scene(&read, &[]);
    let again = scene::load_scene(&source(written.as_bytes()));
    let words: Vec<String> = again.diagnostics.iter().map(|fault| fault.message.clone()).collect();
    let again = again.scene.unwrap_or_else(|| panic!("what was written is refused: {words:?}\n{written}"));
    assert_eq!(scene::write_scene(&again, &[]), written, "what was written is another scene");
}

fn expressions() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("expression");
    seeds.extend(grown::expressions());
    // Each expression that somebody has written.
    for document in [corpus::files("playbooks", ".yaml"), corpus::files("tests/playbooks", ".yaml")].concat() {
        let text = String::from_utf8_lossy(&document).into_owned();
        let templates = text.match_indices("${").filter_map(|(start, _)| text[start + 2..].split('}').next());
        let conditions = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").split_once(": "));
        let conditions = conditions.filter(|(key, _)| ["check", "when", "holds"].contains(key)).map(|(_, value)| value);
        seeds.extend(templates.chain(conditions).map(|text| text.as_bytes().to_vec()));
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

fn read_expression(bytes: &[u8]) {
    let source = source(bytes);
    let text = source.text.as_str();
    let place = Place::new(Arc::clone(&source), 0, text.len());
    let scope: &Scope = scope();
    match parse_expression(text, &place) {
        Ok(expression) => {
            parse_expression(&expression.text, &place).expect("the text of an expression is one");
            match kind_of(&expression, scope) {
                Ok(kind) => match evaluate(&expression, &Reading) {
                    Ok(value) => assert_eq!(kind_of_value(&value), kind, "of {}", expression.text),
                    Err(error) => assert_ne!(error, EvaluationError::WrongKind, "of {}", expression.text),
                },
                Err(faults) => {
                    are_sound(&faults);
                    assert!(has_error(&faults), "refused without a word");
                    // Nothing that checks would let it come so far, but it must not fall either.
                    let _value = evaluate(&expression, &Reading);
                }
            }
        }
        Err(fault) => are_sound(&[fault]),
    }
    match parse_template(text, &place) {
        Ok(template) => {
            expand_as_far_as_known(&template, &Reading);
            let _text = expand(&template, &Reading);
        }
        Err(faults) => {
            are_sound(&faults);
            assert!(has_error(&faults), "refused without a word");
        }
    }
}

fn layouts() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("layout");
    seeds.extend(grown::layouts());
    seeds
}

fn read_layout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(layout) = MemoryLayout::from_str(&text) else { return };
    assert!(!layout.segments.is_empty());
    for segment in &layout.segments {
        assert!(segment.start < segment.end && segment.page_bytes > 0, "{segment:?}");
        for address in [segment.start, segment.start + (segment.end - segment.start) / 2, segment.end - 1] {
            let page = segment.page_start(address);
            assert!((segment.start..=address).contains(&page) && address - page < segment.page_bytes);
        }
    }
    let first = layout.start();
    let mut flash = Flash::new(layout);
    flash.erase_page(first);
    flash.erase_page(u64::MAX);
    flash.erase_all();
}

fn outputs() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("lines");
    seeds.extend(grown::outputs());
    seeds.extend(corpus::files("tests/transcripts", ".txt"));
    seeds
}

/// In chunks of these sizes, one after another.
fn split(bytes: &[u8], chunk: &mut dyn FnMut() -> usize) -> Vec<Piece> {
    let mut splitter = LineSplitter::default();
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(chunk().clamp(1, rest.len()));
        match splitter.plain_lines(now) {
            Some(plain) => {
                pieces.extend(splitter.push(plain.before));
                let lines = plain.text.lines();
                pieces.extend(lines.map(|line| Piece { text: line.to_owned(), end: LineEnd::Newline }));
                pieces.extend(splitter.push(plain.behind));
            }
            None => pieces.extend(splitter.push(now)),
        }
        assert!(splitter.tail().len() <= LineSplitter::LENGTH_MAX);
        rest = later;
    }
    pieces.extend(splitter.finish());
    pieces
}

fn split_lines(bytes: &[u8]) {
    let whole = split(bytes, &mut || usize::MAX);
    for piece in &whole {
        assert!(piece.text.len() <= LineSplitter::LENGTH_MAX);
        let kept = piece.text.chars().find(|character| matches!(character, '\n' | '\r' | '\0' | '\u{1b}'));
        assert_eq!(kept, None, "in {:?}", piece.text);
    }
    let mut random = Random::new(u64::try_from(bytes.len()).unwrap());
    assert_eq!(split(bytes, &mut || 1), whole, "byte by byte");
    assert_eq!(split(bytes, &mut || random.below(10_000)), whole, "in other chunks");
}

fn calls() -> Vec<Vec<u8>> {
    let mut seeds = corpus::found("verdict");
    seeds.extend(corpus::files("tests/transcripts", ".txt"));
    seeds
}

/// Reads the form of `tests/transcripts`, as far as there is anything of it.
fn judge_call(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let command = text.lines().find_map(|line| line.strip_prefix("$ ")).unwrap_or_default();
    let mut argv = command.split_whitespace().map(str::to_owned);
    let program = argv.next().unwrap_or_default();
    let args: Vec<String> = argv.collect();
    let tools = &shipped().tools;
    let named = tools.iter().find(|tool| tool.name == program || tool.programs.contains(&program));
    let tool = named.unwrap_or(&tools[bytes.len() % tools.len()]);
    let command = tool.command(&args);
    let end = match text.lines().find_map(|line| line.strip_prefix("--- exit ")).map(str::parse) {
        Some(Ok(code)) => ToolEnd::Exited(code),
        Some(Err(_)) => ToolEnd::TimedOut(Duration::from_secs(60)),
        None => ToolEnd::Exited(0),
    };
    let expectations = Expectations { arguments: &args, ..Expectations::default() };
    let judged = |presence: Presence, chunk: usize| {
        let mut judge = Judge::new(tool, command, expectations);
        let mut stream = Stream::Stdout;
        let mut printed = false;
        for piece in split(bytes, &mut || chunk) {
            match piece.text.strip_prefix("--- ") {
                Some("stderr") => stream = Stream::Stderr,
                Some(_) => {}
                None if piece.text.starts_with("$ ") => {}
                None => {
                    printed |= !piece.text.trim().is_empty();
                    judge.piece(stream, &piece.text);
                }
            }
        }
        let judgement = judge.judge(&end, presence);
        let again = judge.judge(&end, presence);
        assert_eq!(format!("{judgement:?}"), format!("{again:?}"), "asked twice");
        (judgement, printed)
    };
    for presence in [Presence::Unknown, Presence::Present, Presence::Denied, Presence::Returned, Presence::Absent] {
        let (judgement, printed) = judged(presence, usize::MAX);
        match &judgement.verdict {
            Verdict::Fault(fault) => assert!(!fault.message.is_empty(), "a fault without words"),
            Verdict::Succeeded | Verdict::SucceededWithWarning(_) => {
                let changes = command.is_none_or(|command| command.changes_board);
                assert!(printed || !changes, "{} changed a board without a word of it", tool.name);
                assert!(matches!(end, ToolEnd::Exited(_)), "a success that we have ended ourselves");
            }
        }
        if presence == Presence::Unknown {
            assert_eq!(format!("{:?}", judged(presence, 7).0), format!("{judgement:?}"), "in other chunks");
        }
    }
}

fn words() -> Vec<Vec<u8>> {
    corpus::found("words")
}

/// What has a form for reading has the same one for writing.
fn read_words(bytes: &[u8]) {
    fn same<T: FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str)
    where
        T::Err: std::fmt::Debug + std::fmt::Display,
    {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string().parse::<T>().expect("what it writes it reads"), value),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    for line in String::from_utf8_lossy(bytes).lines().take(1_000) {
        same::<UsbId>(line);
        same::<Id>(line);
        same::<AddressRange>(line);
        same::<ToolVersion>(line);
        let _number = parse_integer(line);
        if let Ok(time) = parse_time(line) {
            recover::words::describe_time(time);
        }
        scene::text_fits(line, "the quick brown fox");
    }
}
