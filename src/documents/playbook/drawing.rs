//! Where on a board its pins, switches and sockets are: data, of which a text or a picture is made.
//!
//! What is not known is left out. A pin whose place is not known still has its name.

use crate::documents::forms::words;
use crate::documents::keys::{Field, Shape, Way, Ways, keys};
use crate::documents::reader::{Parts, Reader};
use crate::documents::{Yaml, YamlKind};
use crate::words::{Code, Diagnostic, Located, meant_or_known};

/// Of one edge, or of those whose place is not known; no board has more.
const PINS_MAX: usize = 32;
const SWITCHES_MAX: usize = 4;
/// What is printed beside a pin is short; a drawing of longer names would not fit a terminal.
const NAME_LETTERS_MAX: usize = 12;

/// One name in place of a list too.
const PINS: Shape = Shape::Part("pins", "", &Shape::Either(&[Shape::Text, Shape::SomeList(&Shape::Text)]));
const SPOT: Shape = Shape::Words(|| words(&Spot::ALL));

keys! {
    DRAWING: DrawingKeys = "`drawing`", part("drawing"),
        about("Where on the board a person finds what the prompts name. What is not known is left out."),
        ways(Ways::AtLeastOneOf(&[Way::With(&["edges"]), Way::With(&["pins"]), Way::With(&["switches"])]));
    seen_from: Shape::Text, "From where the board is drawn: the camera's side, with the USB socket below.";
    edges: Shape::Map(EdgesKeys::kind), "The pins along the edges, by the names that are printed beside them.";
    pins: PINS, "Names of pins whose place on the board is not known.";
    usb: SPOT, "Where its USB socket is.";
    led: SPOT, "Where its LED is.";
    switches: Shape::SomeList(&Shape::Map(SwitchKeys::kind)), "Switches and buttons.";
    connect: PINS, "Two of the pins: they are connected to bring the chip into its ROM.";
    note: Shape::Text, "What else helps to find them.";
}

keys! {
    EDGES: EdgesKeys = "`edges`", ways(Ways::NotEmpty);
    left: PINS, "From top to bottom.";
    right: PINS, "From top to bottom.";
    top: PINS, "From left to right.";
    bottom: PINS, "From left to right.";
}

keys! {
    SWITCH: SwitchKeys = "a switch";
    name: Shape::Text, "As it is called, or printed on the board.", required();
    at: SPOT, "Where it is, if that is known.";
    set: Shape::Text, "What the person does to it: \"on\", \"off\" (in quotes, for YAML reads them as yes and no), hold it down.";
}

/// A place on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spot {
    Top,
    Bottom,
    Left,
    Right,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

impl Spot {
    const ALL: [(&'static str, Spot); 8] = [
        ("top", Spot::Top),
        ("bottom", Spot::Bottom),
        ("left", Spot::Left),
        ("right", Spot::Right),
        ("top-left", Spot::TopLeft),
        ("top-right", Spot::TopRight),
        ("bottom-left", Spot::BottomLeft),
        ("bottom-right", Spot::BottomRight),
    ];
}

/// What is known of a board's face.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Drawing {
    pub seen_from: Option<String>,
    pub edges: Edges,
    pub pins: Vec<String>,
    pub usb: Option<Spot>,
    pub led: Option<Spot>,
    pub switches: Vec<Switch>,
    /// Two pins of these, or none.
    pub connect: Vec<String>,
    pub note: Option<String>,
}

/// Pins in their order: down, or from left to right.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Edges {
    pub left: Vec<String>,
    pub right: Vec<String>,
    pub top: Vec<String>,
    pub bottom: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Switch {
    pub name: String,
    pub at: Option<Spot>,
    pub set: Option<String>,
}

pub(super) fn read_drawing(reader: &mut Reader, yaml: &Yaml) -> Option<Drawing> {
    let parts = reader.parts(yaml, &DRAWING)?;
    let edges = parts.get(DRAWING.edges).and_then(|edges| reader.parts(edges, &EDGES));
    let mut of_edge = |edge: Field<EdgesKeys>| -> Vec<Located<String>> {
        edges.as_ref().and_then(|edges| edges.get(edge)).map(|list| pins(reader, list)).unwrap_or_default()
    };
    let (left, right) = (of_edge(EDGES.left), of_edge(EDGES.right));
    let (top, bottom) = (of_edge(EDGES.top), of_edge(EDGES.bottom));
    let placeless = parts.get(DRAWING.pins).map(|list| pins(reader, list)).unwrap_or_default();
    let connect = parts.get(DRAWING.connect).map(|list| pins(reader, list)).unwrap_or_default();
    let drawn: Vec<&str> =
        [&left, &right, &top, &bottom, &placeless].into_iter().flatten().map(|pin| pin.value.as_str()).collect();
    check_connected(reader, &connect, &drawn);
    check_placeless(reader, &placeless, &drawn);
    let mut spot = |key| parts.get(key).and_then(|spot| read_spot(reader, spot));
    let (usb, led) = (spot(DRAWING.usb), spot(DRAWING.led));
    let switches = parts.get(DRAWING.switches).map(|list| reader.list(list, "switches")).unwrap_or_default();
    parts.get(DRAWING.switches).into_iter().for_each(|list| not_empty(reader, list));
    if switches.len() > SWITCHES_MAX {
        let message = format!("{} switches are more than are drawn: at most {SWITCHES_MAX}", switches.len());
        reader.report(Diagnostic::error(Code::TooMuch, &yaml.place, message));
    }
    let switches = switches.iter().filter_map(|switch| read_switch(reader, switch)).collect();
    if parts.given(&[DRAWING.edges, DRAWING.pins, DRAWING.switches]).is_empty() {
        let diagnostic = Diagnostic::error(Code::MissingKey, parts.place(), "there is nothing to draw here");
        reader.report(diagnostic.hint("give it one of edges, pins, switches"));
    }
    let names = |pins: Vec<Located<String>>| pins.into_iter().map(|pin| pin.value).collect();
    Some(Drawing {
        seen_from: text(reader, &parts, DRAWING.seen_from),
        edges: Edges { left: names(left), right: names(right), top: names(top), bottom: names(bottom) },
        pins: names(placeless),
        usb,
        led,
        switches,
        connect: names(connect),
        note: text(reader, &parts, DRAWING.note),
    })
}

fn text(reader: &mut Reader, parts: &Parts<'_, DrawingKeys>, key: Field<DrawingKeys>) -> Option<String> {
    parts.get(key).and_then(|text| reader.name_of_lines(text))
}

fn pins(reader: &mut Reader, yaml: &Yaml) -> Vec<Located<String>> {
    let items = reader.one_or_more(yaml, "names of pins");
    not_empty(reader, yaml);
    if items.len() > PINS_MAX {
        let message = format!("{} pins are more than are drawn: at most {PINS_MAX}", items.len());
        reader.report(Diagnostic::error(Code::TooMuch, &yaml.place, message));
    }
    items.iter().filter_map(|item| short_name(reader, item)).collect()
}

/// A list that names nothing was meant to name something.
fn not_empty(reader: &mut Reader, yaml: &Yaml) {
    if matches!(&yaml.kind, YamlKind::List(items) if items.is_empty()) {
        let diagnostic = Diagnostic::error(Code::EmptyList, &yaml.place, "at least one name is needed here");
        reader.report(diagnostic.hint("leave the key out where nothing is known"));
    }
}

fn short_name(reader: &mut Reader, yaml: &Yaml) -> Option<Located<String>> {
    let name = reader.name(yaml)?;
    if name.value.is_empty() || name.value.chars().count() > NAME_LETTERS_MAX {
        let message = format!("a name on a drawing has 1 to {NAME_LETTERS_MAX} letters");
        reader.report(Diagnostic::error(Code::BadName, &name.place, message));
        return None;
    }
    Some(name)
}

fn check_connected(reader: &mut Reader, connect: &[Located<String>], drawn: &[&str]) {
    for pin in connect.iter().filter(|pin| !drawn.contains(&pin.value.as_str())) {
        let diagnostic = Diagnostic::error(Code::UnknownName, &pin.place, format!("no pin `{}` is drawn", pin.value));
        reader.report(diagnostic.hint(meant_or_known(&pin.value, drawn.iter().copied())));
    }
    if let [first, rest @ ..] = connect
        && rest.len() != 1
    {
        let message = format!("a wire connects two pins, and {} are named", connect.len());
        reader.report(Diagnostic::error(Code::Contradiction, &first.place, message));
    }
    if let [first, second] = connect
        && first.value == second.value
    {
        let message = format!("a wire connects two pins, and `{}` is one", second.value);
        reader.report(Diagnostic::error(Code::Contradiction, &second.place, message));
    }
}

/// Along the edges a name may come several times, as that of the ground does; of a pin without a place the second name says nothing.
fn check_placeless(reader: &mut Reader, placeless: &[Located<String>], drawn: &[&str]) {
    for (index, pin) in placeless.iter().enumerate() {
        let earlier = drawn.len() - placeless.len() + index;
        if drawn[..earlier].contains(&pin.value.as_str()) {
            let message = format!("the pin `{}` is drawn already", pin.value);
            let diagnostic = Diagnostic::error(Code::DuplicateName, &pin.place, message);
            reader.report(diagnostic.hint("`pins` has those whose place is not known, each once"));
        }
    }
}

fn read_switch(reader: &mut Reader, yaml: &Yaml) -> Option<Switch> {
    let parts = reader.parts(yaml, &SWITCH)?;
    Some(Switch {
        name: short_name(reader, parts.get(SWITCH.name)?)?.value,
        at: parts.get(SWITCH.at).and_then(|spot| read_spot(reader, spot)),
        set: parts.get(SWITCH.set).and_then(|text| reader.name_of_lines(text)),
    })
}

fn read_spot(reader: &mut Reader, yaml: &Yaml) -> Option<Spot> {
    reader.one_of(yaml, &Spot::ALL, |word| format!("`{word}` is no place on a board")).map(|spot| spot.value)
}
