//! A board's face as shapes with places, drawn from its playbook: the page makes an SVG of them. No markup: what a name says
//! stays a text.
//!
//! The same facts in the same order as the drawing of the terminal, `drawing.rs`.

use serde::Serialize;

use crate::cli::open::shown::Shown;
use crate::documents::playbook::{Drawing, Spot, Switch};

/// All in the SVG's own units.
const ROW: f32 = 34.0;
const LETTER: f32 = 11.0;
const PIN: f32 = 9.0;
const MARGIN: f32 = 16.0;
const GAP: f32 = 12.0;
/// Within the outline, where nothing needs more.
const INNER_MIN: f32 = 260.0;
const ROWS_MIN: usize = 4;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Picture {
    width: f32,
    height: f32,
    shapes: Vec<Shape>,
    /// The same in words, for whoever does not see it.
    words: Shown,
    /// What else helps to find them.
    note: Option<Shown>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "shape")]
enum Shape {
    Board {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
    Pin {
        x: f32,
        y: f32,
        joined: bool,
    },
    /// Between two pins that are connected.
    Wire {
        path: String,
    },
    /// A switch, a socket or an LED.
    Part {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        kind: PartKind,
    },
    Text {
        x: f32,
        y: f32,
        anchor: Anchor,
        text: Shown,
        strong: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum PartKind {
    Switch,
    Socket,
    Led,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Anchor {
    Start,
    Middle,
    End,
}

pub(super) fn picture(drawing: &Drawing) -> Picture {
    let mut canvas = Canvas { shapes: Vec::new(), joined: Vec::new(), width: 0.0, height: 0.0 };
    let mut below = MARGIN;
    if has_places(drawing) {
        below = canvas.board(drawing);
    }
    canvas.placeless(drawing, below);
    canvas.wire();
    Picture {
        width: canvas.width + MARGIN,
        height: canvas.height + MARGIN,
        shapes: canvas.shapes,
        words: Shown::from(words(drawing)),
        note: drawing.note.as_ref().map(Shown::from),
    }
}

/// Is anything known that has a place?
fn has_places(drawing: &Drawing) -> bool {
    let edges = &drawing.edges;
    [&edges.left, &edges.right, &edges.top, &edges.bottom].iter().any(|pins| !pins.is_empty())
        || drawing.usb.is_some()
        || drawing.led.is_some()
        || drawing.switches.iter().any(|switch| switch.at.is_some())
}

fn words(drawing: &Drawing) -> String {
    let mut told = Vec::new();
    told.extend(drawing.seen_from.as_ref().map(|from| format!("Seen from {from}.")));
    let edges = &drawing.edges;
    for (place, pins) in [
        ("left edge, from the top", &edges.left),
        ("right edge, from the top", &edges.right),
        ("upper edge, from the left", &edges.top),
        ("lower edge, from the left", &edges.bottom),
        ("pins whose place is not known", &drawing.pins),
    ] {
        told.extend((!pins.is_empty()).then(|| format!("{place}: {}.", pins.join(", "))));
    }
    told.extend(drawing.switches.iter().map(|switch| format!("Switch {}.", switch_text(switch))));
    if let [one, other] = drawing.connect.as_slice() {
        told.push(format!("Connected: {one} and {other}."));
    }
    told.join(" ")
}

fn switch_text(switch: &Switch) -> String {
    let set = switch.set.as_ref().map(|set| format!(": {set}")).unwrap_or_default();
    format!("{}{set}", switch.name)
}

struct Canvas {
    shapes: Vec<Shape>,
    /// Where pins are that are connected.
    joined: Vec<(f32, f32)>,
    width: f32,
    height: f32,
}

#[expect(clippy::cast_precision_loss, reason = "a few letters and pins")]
fn times(number: usize, unit: f32) -> f32 {
    number as f32 * unit
}

fn length(text: &str) -> f32 {
    times(text.chars().count(), LETTER)
}

impl Canvas {
    fn reach(&mut self, x: f32, y: f32) {
        self.width = self.width.max(x);
        self.height = self.height.max(y);
    }

    fn text(&mut self, (x, y): (f32, f32), anchor: Anchor, text: &str, strong: bool) {
        let right = match anchor {
            Anchor::Start => x + length(text),
            Anchor::Middle => x + length(text) / 2.0,
            Anchor::End => x,
        };
        self.reach(right, y + ROW / 4.0);
        self.shapes.push(Shape::Text { x, y, anchor, text: Shown::from(text), strong });
    }

    /// A pin, with its name in this direction from it.
    fn pin(&mut self, drawing: &Drawing, name: &str, (x, y): (f32, f32), anchor: Anchor) {
        let joined = drawing.connect.iter().any(|joined| joined == name);
        if joined {
            self.joined.push((x, y));
        }
        self.reach(x + PIN, y + PIN);
        self.shapes.push(Shape::Pin { x, y, joined });
        let at = match anchor {
            Anchor::Start => (x + PIN + GAP, y),
            Anchor::Middle => (x, y - PIN - GAP),
            Anchor::End => (x - PIN - GAP, y),
        };
        self.text(at, anchor, name, joined);
    }

    fn part(&mut self, kind: PartKind, text: &str, (x, y): (f32, f32), anchor: Anchor) {
        let (width, height) = match kind {
            PartKind::Switch => (26.0, 20.0),
            PartKind::Socket => (34.0, 20.0),
            PartKind::Led => (16.0, 16.0),
        };
        let whole = width + GAP / 2.0 + length(text);
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - whole / 2.0,
            Anchor::End => x - whole,
        };
        self.reach(left + width, y + height / 2.0);
        self.shapes.push(Shape::Part { x: left, y: y - height / 2.0, width, height, kind });
        self.text((left + width + GAP / 2.0, y), Anchor::Start, text, kind == PartKind::Switch);
    }

    /// The outline with everything that has a place; answers with where it ends.
    fn board(&mut self, drawing: &Drawing) -> f32 {
        let edges = &drawing.edges;
        let longest = |pins: &[String]| pins.iter().map(|pin| length(pin)).fold(0.0, f32::max);
        let beside = |pins: &[String]| if pins.is_empty() { 0.0 } else { longest(pins) + PIN + GAP };
        let rows = ROWS_MIN.max(edges.left.len()).max(edges.right.len());
        let column = |pins: &[String]| longest(pins) + 2.0 * GAP;
        let across = |pins: &[String]| times(pins.len(), column(pins));
        let inside = inside(drawing);
        let width_of = |(_, kind, text): &(Spot, PartKind, String)| {
            length(text) + if *kind == PartKind::Led { 16.0 } else { 34.0 } + 2.0 * GAP
        };
        let parts = inside.iter().map(width_of).fold(0.0, |sum: f32, width| sum.max(width)) * 2.0;
        let inner = INNER_MIN.max(across(&edges.top)).max(across(&edges.bottom)).max(parts);
        let left = MARGIN + beside(&edges.left);
        let mut top = MARGIN;
        if let Some(from) = &drawing.seen_from {
            self.text((left, top + ROW / 2.0), Anchor::Start, &format!("seen from {from}"), false);
            top += ROW;
        }
        if !edges.top.is_empty() {
            top += ROW;
        }
        let height = times(rows, ROW);
        self.shapes.push(Shape::Board { x: left, y: top, width: inner, height });
        self.reach(left + inner, top + height);
        let row = |index: usize| top + times(index, ROW) + ROW / 2.0;
        for (index, pin) in edges.left.iter().enumerate() {
            self.pin(drawing, pin, (left, row(index)), Anchor::End);
        }
        for (index, pin) in edges.right.iter().enumerate() {
            self.pin(drawing, pin, (left + inner, row(index)), Anchor::Start);
        }
        for (pins, y) in [(&edges.top, top), (&edges.bottom, top + height)] {
            let first = left + (inner - across(pins)) / 2.0 + column(pins) / 2.0;
            for (index, pin) in pins.iter().enumerate() {
                self.pin(drawing, pin, (first + times(index, column(pins)), y), Anchor::Middle);
            }
        }
        for (spot, kind, text) in &inside {
            let (x, anchor) = match spot {
                Spot::TopLeft | Spot::Left | Spot::BottomLeft => (left + PIN + GAP, Anchor::Start),
                Spot::Top | Spot::Bottom => (left + inner / 2.0, Anchor::Middle),
                Spot::TopRight | Spot::Right | Spot::BottomRight => (left + inner - PIN - GAP, Anchor::End),
            };
            let y = match spot {
                Spot::TopLeft | Spot::Top | Spot::TopRight => row(0),
                Spot::Left | Spot::Right => top + height / 2.0,
                Spot::BottomLeft | Spot::Bottom | Spot::BottomRight => row(rows - 1),
            };
            self.part(*kind, text, (x, y), anchor);
        }
        top + height + MARGIN
    }

    /// Those of which only the names are known: a wire between the two that are connected, then the others.
    fn placeless(&mut self, drawing: &Drawing, top: f32) {
        let (joined, others): (Vec<&String>, Vec<&String>) =
            drawing.pins.iter().partition(|pin| drawing.connect.contains(pin));
        let mut x = MARGIN;
        let mut y = top + ROW / 2.0;
        match joined.as_slice() {
            [one, other] => {
                x += length(one) + GAP + PIN;
                self.pin(drawing, one, (x, y), Anchor::End);
                x += 150.0;
                self.pin(drawing, other, (x, y), Anchor::Start);
                y += ROW;
            }
            pins => {
                for pin in pins {
                    self.pin(drawing, pin, (MARGIN + PIN, y), Anchor::Start);
                    y += ROW;
                }
            }
        }
        for pin in others {
            self.pin(drawing, pin, (MARGIN + PIN, y), Anchor::Start);
            y += ROW;
        }
        for switch in drawing.switches.iter().filter(|switch| switch.at.is_none()) {
            self.part(PartKind::Switch, &switch_text(switch), (MARGIN, y), Anchor::Start);
            y += ROW;
        }
    }

    /// Hangs a little, so that it is seen to be no edge.
    fn wire(&mut self) {
        if let &[(from_x, from_y), (to_x, to_y)] = self.joined.as_slice() {
            let sag = if (from_y - to_y).abs() < 1.0 { 26.0 } else { 40.0 };
            let (x, y) = ((from_x + to_x) / 2.0, f32::max(from_y, to_y) + sag);
            self.reach(x, y);
            self.shapes.push(Shape::Wire { path: format!("M{from_x} {from_y} Q{x} {y} {to_x} {to_y}") });
        }
    }
}

/// What stands within the outline, by its place.
fn inside(drawing: &Drawing) -> Vec<(Spot, PartKind, String)> {
    let switches = drawing.switches.iter();
    let switches = switches.filter_map(|switch| Some((switch.at?, PartKind::Switch, switch_text(switch))));
    let usb = drawing.usb.map(|at| (at, PartKind::Socket, "USB".to_owned()));
    let led = drawing.led.map(|at| (at, PartKind::Led, "LED".to_owned()));
    switches.chain(usb).chain(led).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::Edges;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn texts(picture: &Picture) -> Vec<&str> {
        picture
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Text { text, .. } => Some(text.as_str()),
                Shape::Board { .. } | Shape::Pin { .. } | Shape::Wire { .. } | Shape::Part { .. } => None,
            })
            .collect()
    }

    #[test]
    fn pins_without_a_place_are_joined_by_a_wire() {
        let of = Drawing { pins: names("BOOT 3.3V RST"), connect: names("BOOT 3.3V"), ..Drawing::default() };
        let drawn = picture(&of);
        assert_eq!(texts(&drawn), ["BOOT", "3.3V", "RST"]);
        let joined = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Pin { joined: true, .. })).count();
        let wires = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Wire { .. })).count();
        assert_eq!((joined, wires), (2, 1));
        assert!(!drawn.shapes.iter().any(|shape| matches!(shape, Shape::Board { .. })));
    }

    #[test]
    fn everything_lies_within_the_picture() {
        let of = Drawing {
            seen_from: Some("above".to_owned()),
            edges: Edges {
                left: names("P0 SBL"),
                right: names("3.3V GND VIN P9 P10"),
                top: names("TX RX"),
                bottom: names("BOOT0"),
            },
            usb: Some(Spot::Bottom),
            led: Some(Spot::TopRight),
            switches: vec![Switch {
                name: "recovery".to_owned(),
                at: Some(Spot::BottomLeft),
                set: Some("on".to_owned()),
            }],
            connect: names("SBL 3.3V"),
            ..Drawing::default()
        };
        let drawn = picture(&of);
        for shape in &drawn.shapes {
            let (left, top, right, bottom) = match shape {
                Shape::Board { x, y, width, height } | Shape::Part { x, y, width, height, .. } => {
                    (*x, *y, x + width, y + height)
                }
                Shape::Pin { x, y, .. } => (x - PIN, y - PIN, x + PIN, y + PIN),
                Shape::Text { x, y, anchor: Anchor::End, text, .. } => (x - length(text.as_str()), *y, *x, *y),
                Shape::Text { x, y, anchor: Anchor::Start, text, .. } => (*x, *y, x + length(text.as_str()), *y),
                Shape::Text { x, y, anchor: Anchor::Middle, text, .. } => {
                    (x - length(text.as_str()) / 2.0, *y, x + length(text.as_str()) / 2.0, *y)
                }
                Shape::Wire { .. } => continue,
            };
            assert!(
                left >= 0.0 && top >= 0.0 && right <= drawn.width && bottom <= drawn.height,
                "{shape:?} in {drawn:?}"
            );
        }
        assert!(drawn.words.as_str().ends_with("Switch recovery: on. Connected: SBL and 3.3V."), "{:?}", drawn.words);
    }
}
