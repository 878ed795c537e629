//! Reads one case: what is run.

use crate::documents::cases::for_each::INPUT;
use crate::documents::cases::load::file_beside;
use crate::documents::cases::read_expect::{ExpectKeys, read_expect};
use crate::documents::cases::{Case, CaseMishap, Choice, GivenContents, ToolTreatment, Treated};
use crate::documents::forms::{FLAG, HAND, PARAMETER, SCALAR, TEXTS};
use crate::documents::keys::{Keys, Shape, Way, Ways, keys};
use crate::documents::playbook::read_input::bytes_of;
use crate::documents::playbook::read_step::read_hands;
use crate::documents::reader::Reader;
use crate::documents::{Yaml, YamlKind};
use crate::words::{Code, Diagnostic, Id, Located, MADE_BYTES_MAX, ToolVersion, nearest};

/// What a case says of a file, or of a tool, in one word.
const MISSING: &str = "missing";
const MADE: &str = "made";
/// The choice to move no hand.
const ENTER: &str = "enter";

/// A number, or what becomes one in cases that several boards share.
pub(super) const NUMBER: Shape =
    Shape::Part("number", "", &Shape::Either(&[Shape::From(0), Shape::TextLike("^(0x[0-9a-fA-F]+|\\$\\{.*\\})$")]));
const CONTENTS_FORMS: Shape = Shape::Part(
    "contents",
    "",
    &Shape::Either(&[
        Shape::About(
            "missing: not there; made: made up although the run can do without it.",
            &Shape::Words(|| vec![MISSING, MADE]),
        ),
        Shape::Map(ContentsKeys::kind),
    ]),
);
/// The bench knows what can go wrong, and fills this in.
const MISHAPS: Shape = Shape::Part("mishap", "", &Shape::Words(Vec::new));

// `repeated` asks for the key with an underscore before any other is read.
keys! {
    CASE: CaseKeys = "a case", part("case");
    name: Shape::Text, "What the case shows, for people; no other case has it.", required();
    _for_each "for_each": Shape::Either(&[Shape::Only(INPUT), Shape::AnyMap]),
        "One case for each of these, in which ${name} is filled in: `input` for all inputs, or by name what it stands \
         for. A list of maps gives several names at once; each list is combined with each other one. ${file} is the \
         name of the file of ${input}.";
    simulate: TEXTS, "Starting states and faults of the virtual board; `recover list --verbose` names them.";
    mishap: Shape::Map(MishapKeys::kind),
        "One thing that goes wrong, at one step: a mishap of `recover test --faults`.";
    scene: Shape::Text, "Scripted tools in place of the virtual board: path of a scene beside or below this file.";
    board: Shape::AnyMap,
        "Settings of the virtual board in place of the playbook's own; `recover list --models` tells them.";
    files: Shape::Either(&[PARAMETER, Shape::Named(&CONTENTS_FORMS)]), "Inputs whose files are not simply made up.";
    set: Shape::Named(&SCALAR), "Values of the playbook's variables.";
    allow: TEXTS, "Irreversible steps that are agreed to beforehand.";
    chooses: Shape::Named(&Shape::Either(&[Shape::Only(ENTER), HAND, Shape::List(&HAND)])),
        "Steps that leave a choice (a prompt with until and sets), and the way that the person takes there: what the \
         hands do, or enter, as without it.";
    answers: Shape::Map(AnswersKeys::kind), "What the person answers to recover's own questions.";
    interactive: FLAG, "Does somebody answer? `no` is --non-interactive.";
    even_if_healthy: FLAG, "As --even-if-healthy.";
    only_what_differs: FLAG, "As --only-what-differs.";
    resume: FLAG, "The second run goes on from what the first has left, as --resume.", beside(&[&["again"]]);
    port: Shape::Text, "As --port.";
    serial: Shape::Text, "As --serial.";
    tools: Shape::Named(&Shape::Either(&[Shape::Only(MISSING), Shape::Map(TreatmentKeys::kind)])),
        "What is the matter with a tool.";
    expect: Shape::Map(ExpectKeys::kind), "What must come of it.", required(),
        when_missing(": what must come of the run", "the least is `expect: {outcome: recovered}`");
    again: Shape::Map(ExpectKeys::kind), "A second run on the board as the first has left it, with the faults gone.";
}

keys! {
    AGREED: AgreedKeys = "`answers`";
    consent: TEXTS, "The irreversible steps that the person agrees to when asked.";
}

keys! {
    ANSWERS: AnswersKeys = "`answers`";
    consent: TEXTS,
        "The irreversible steps that the person agrees to when asked; without it, those that the file names.";
    which_board "which-board": FLAG,
        "Is the device that was there before anybody moved the board that is meant? no without it, and yes in a scene.";
    rewrite_healthy "rewrite-healthy": FLAG,
        "Is a board that runs its firmware when the run begins to be rewritten all the same? yes without it.";
}

keys! {
    MISHAP: MishapKeys = "`mishap`", missing_together("such as `mishap: {step: write, what: tool-hangs}`");
    step: Shape::Text, "The step; with :before or :after the readings of one that cannot be undone.", required();
    what: MISHAPS, "What goes wrong there; a run that is killed counts as interrupted.", required();
}

keys! {
    TREATMENT: TreatmentKeys = "what is the matter with a tool";
    version: SCALAR, "It says that it is of this version.", required();
}

keys! {
    CONTENTS: ContentsKeys = "a file", ways(Ways::OneOf(&[Way::With(&["text"]), Way::With(&["hex"]), Way::Alone("size"), Way::Alone("file")]));
    size: NUMBER, "Made up with so many bytes; beside text or hex, which it then begins with.";
    text: Shape::Text, "The file holds this text.";
    hex: Shape::Text, "Bytes: \"d1 00 20\".";
    file: Shape::Text, "Path beside or below this file.";
}

pub(super) fn read_case(reader: &mut Reader, yaml: &Yaml) -> Option<Case> {
    let parts = reader.parts(yaml, &CASE)?;
    let name = parts.get(CASE.name).and_then(|name| reader.text(name));
    let simulate = parts.get(CASE.simulate).map(|list| reader.one_or_more(list, "names")).unwrap_or_default();
    let simulate: Vec<Located<String>> = simulate.iter().filter_map(|item| reader.text(item)).collect();
    let scene = parts.get(CASE.scene).and_then(|path| file_beside(reader, path));
    if let (Some(_), Some(first)) = (&scene, simulate.first()) {
        let message = "`simulate` chooses how the virtual board starts, and a scene has none; keep one of the two";
        reader.report(Diagnostic::error(Code::Contradiction, &first.place, message));
    }
    reader.companions(&parts, |key, owner| format!("`{key}` belongs to a second run, {owner}, which is not here"));
    if let (Some(place), Some(_)) = (parts.key_place(CASE.resume), parts.get(CASE.only_what_differs)) {
        let message =
            "`resume` and `only_what_differs` exclude each other, as on the command line; keep one of the two";
        reader.report(Diagnostic::error(Code::Contradiction, place, message));
    }
    let mishap = parts.get(CASE.mishap).and_then(|mishap| read_mishap(reader, mishap));
    if let (Some(_), Some(place)) = (&scene, parts.key_place(CASE.mishap)) {
        let message =
            "a mishap happens on a virtual board, and a scene has none; what goes wrong in a scene stands in it";
        reader.report(Diagnostic::error(Code::Contradiction, place, message));
    }
    let board = parts.get(CASE.board).and_then(|map| reader.open_map(map, "settings of the virtual board"));
    let board = board.map(|map| map.all().to_vec()).unwrap_or_default();
    let files = parts.get(CASE.files).map(|map| reader.named(map, "files")).unwrap_or_default();
    let files = files.into_iter().filter_map(|(id, key, value)| {
        let name = Located { value: id, place: key.place.clone() };
        Some((name, read_contents(reader, value)?))
    });
    let files = files.collect();
    let set = parts.get(CASE.set).map(|map| reader.named(map, "variables")).unwrap_or_default();
    let set = set
        .into_iter()
        .filter_map(|(id, key, value)| Some((Located { value: id, place: key.place.clone() }, reader.text(value)?)));
    let set = set.collect();
    let allow = parts.get(CASE.allow).map(|list| reader.one_or_more(list, "steps")).unwrap_or_default();
    let allow = allow.iter().filter_map(|step| reader.parsed::<Id>(step)).collect();
    let chooses = parts.get(CASE.chooses).map(|map| read_choices(reader, map)).unwrap_or_default();
    let answers = parts.get(CASE.answers).and_then(|map| reader.parts(map, &ANSWERS));
    let agrees = answers.as_ref().and_then(|map| map.get(ANSWERS.consent)).map(|list| read_agreed(reader, list));
    let tools = parts.get(CASE.tools).and_then(|map| reader.open_map(map, "tools"));
    let tools = tools.map(|map| map.all()).unwrap_or_default().iter().filter_map(|(key, value)| {
        let tool = Located { value: key.text.clone(), place: key.place.clone() };
        Some(Treated { tool, treatment: read_treatment(reader, value)? })
    });
    let tools = tools.collect();
    let expect = parts.get(CASE.expect).and_then(|expect| read_expect(reader, expect));
    Some(Case {
        name: name?,
        simulate,
        mishap,
        scene,
        board,
        files,
        set,
        allow,
        agrees,
        chooses,
        it_is_the_board: answers
            .as_ref()
            .and_then(|map| map.get(ANSWERS.which_board))
            .and_then(|word| reader.flag(word)),
        even_if_healthy: parts
            .get(CASE.even_if_healthy)
            .and_then(|flag| reader.flag(flag))
            .is_some_and(|flag| flag.value),
        only_what_differs: parts
            .get(CASE.only_what_differs)
            .and_then(|flag| reader.flag(flag))
            .is_some_and(|flag| flag.value),
        resume: parts.get(CASE.resume).and_then(|flag| reader.flag(flag)).is_some_and(|flag| flag.value),
        leaves_healthy: answers
            .as_ref()
            .and_then(|map| map.get(ANSWERS.rewrite_healthy))
            .and_then(|word| reader.flag(word))
            .is_some_and(|word| !word.value),
        interactive: parts.get(CASE.interactive).and_then(|flag| reader.flag(flag)).is_none_or(|flag| flag.value),
        port: reader.plain_text(parts.get(CASE.port)),
        serial: reader.plain_text(parts.get(CASE.serial)),
        tools,
        expect: expect?,
        again: parts.get(CASE.again).and_then(|again| read_expect(reader, again)),
    })
}

/// What the person of every case answers, if the case does not say it itself: the steps that they agree to.
pub(super) fn read_answers(reader: &mut Reader, yaml: &Yaml) -> Vec<Located<Id>> {
    let answers = reader.parts(yaml, &AGREED);
    answers.and_then(|map| Some(read_agreed(reader, map.get(AGREED.consent)?))).unwrap_or_default()
}

fn read_agreed(reader: &mut Reader, list: &Yaml) -> Vec<Located<Id>> {
    let steps = reader.one_or_more(list, "steps");
    steps.iter().filter_map(|step| reader.parsed::<Id>(step)).collect()
}

/// By step either the word `enter`, or what the hands do.
fn read_choices(reader: &mut Reader, yaml: &Yaml) -> Vec<(Located<Id>, Choice)> {
    let Some(map) = reader.open_map(yaml, "steps and what the person chooses there") else { return Vec::new() };
    let mut choices = Vec::new();
    for (key, value) in map.all() {
        let step = match key.text.parse::<Id>() {
            Ok(step) => Located { value: step, place: key.place.clone() },
            Err(error) => {
                reader.report(Diagnostic::error(Code::BadName, &key.place, error.to_string()));
                continue;
            }
        };
        let choice = match &value.kind {
            YamlKind::Scalar { text, .. } if text == ENTER => Choice::Enter,
            _ => Choice::Hands(read_hands(reader, value)),
        };
        choices.push((step, choice));
    }
    choices
}

fn read_mishap(reader: &mut Reader, yaml: &Yaml) -> Option<CaseMishap> {
    let parts = reader.parts(yaml, &MISHAP)?;
    let (step, what) = (parts.get(MISHAP.step)?, parts.get(MISHAP.what)?);
    Some(CaseMishap { step: reader.text(step)?, what: reader.text(what)? })
}

/// What follows the beginning.
const FILLING: u8 = 0xa5;

/// A word, or a map with exactly one of the keys; `size` may stand beside `text` and `hex`.
fn read_contents(reader: &mut Reader, yaml: &Yaml) -> Option<GivenContents> {
    if let YamlKind::Scalar { text, .. } = &yaml.kind {
        return match text.as_str() {
            MISSING => Some(GivenContents::Missing),
            MADE => Some(GivenContents::Made),
            other => {
                let diagnostic =
                    Diagnostic::error(Code::UnknownWord, &yaml.place, format!("`{other}` says nothing about a file"));
                let near = nearest(other, [MISSING, MADE]);
                reader.report(
                    diagnostic.hint(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            "write `missing`, `made`, `{size: 4096}`, `{text: …}`, `{hex: \"d1 00\"}` or `{file: …}`"
                                .to_owned()
                        }
                    }),
                );
                None
            }
        };
    }
    let parts = reader.parts(yaml, &CONTENTS)?;
    let size = parts.get(CONTENTS.size).map(|size| (size, reader.size(size, MADE_BYTES_MAX)));
    let others = parts.given(&[CONTENTS.file, CONTENTS.text, CONTENTS.hex]);
    let bytes = match (others.as_slice(), size) {
        ([], Some((_, size))) => return size.map(GivenContents::Size),
        ([(key, _, value)], None) if *key == CONTENTS.file => {
            return file_beside(reader, value).map(|file| GivenContents::File(file.value));
        }
        ([(key, _, value)], size) if *key != CONTENTS.file => {
            let mut bytes = match *key == CONTENTS.text {
                true => reader.text(value)?.value.into_bytes(),
                false => read_bytes(reader, value)?,
            };
            if let Some((place, size)) = size {
                let size = size?;
                if size < bytes.len() as u64 {
                    let message = format!("a file that begins so has at least {} bytes", bytes.len());
                    reader.report(Diagnostic::error(Code::Contradiction, &place.place, message));
                    return None;
                }
                bytes.resize(usize::try_from(size).ok()?, FILLING);
            }
            bytes
        }
        _ => {
            let diagnostic = Diagnostic::error(
                Code::ExclusiveKeys,
                parts.place(),
                "exactly one of `size`, `text`, `hex`, `file` is needed here",
            );
            reader.report(
                diagnostic.hint("only `text` and `hex` may have a `size` beside them: so long is the whole file"),
            );
            return None;
        }
    };
    Some(GivenContents::Bytes(bytes))
}

fn read_bytes(reader: &mut Reader, value: &Yaml) -> Option<Vec<u8>> {
    let text = reader.text(value)?;
    let bytes = bytes_of(&text.value);
    if bytes.is_none() {
        let diagnostic =
            Diagnostic::error(Code::BadBytes, &text.place, format!("`{}` is not a row of bytes", text.value));
        reader.report(diagnostic.hint("two hexadecimal digits a byte: `\"d1 00 20\"`"));
    }
    bytes
}

fn read_treatment(reader: &mut Reader, yaml: &Yaml) -> Option<ToolTreatment> {
    if let YamlKind::Scalar { text, .. } = &yaml.kind
        && text == MISSING
    {
        return Some(ToolTreatment::Missing);
    }
    let parts = reader.parts(yaml, &TREATMENT)?;
    reader.parsed::<ToolVersion>(parts.get(TREATMENT.version)?).map(|version| ToolTreatment::Version(version.value))
}
