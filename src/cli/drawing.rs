//! A board's face as lines of text, drawn from its playbook.

use crate::cli::style::{Look, Signs};
use crate::cli::wording::{clean, wrap};
use crate::documents::playbook::{Drawing, Spot, Switch};

/// Columns within the outline, where nothing needs more.
const INNER_MIN: usize = 25;
/// Rows within the outline.
const ROWS_MIN: usize = 3;

/// What lines are made of.
struct Ink {
    across: &'static str,
    down: &'static str,
    corners: [&'static str; 4],
    pin: &'static str,
    /// A pin that is connected.
    joined: &'static str,
    switch: &'static str,
}

const UNICODE: Ink =
    Ink {
        across: "─", down: "│", corners: ["┌", "┐", "└", "┘"], pin: "○", joined: "●", switch: "[■]"
    };
const ASCII: Ink = Ink { across: "-", down: "|", corners: ["+", "+", "+", "+"], pin: "o", joined: "@", switch: "[#]" };

/// The drawing, in at most `width` columns but for a long row of pins.
pub(super) fn drawing(drawing: &Drawing, look: &Look, width: usize) -> Vec<String> {
    let ink = if look.signs == Signs::Unicode { &UNICODE } else { &ASCII };
    let mut lines = Vec::new();
    if has_places(drawing) {
        lines.extend(drawing.seen_from.iter().flat_map(|from| wrap(&format!("Seen from {from}:"), width)));
        lines.extend(outline(drawing, ink));
    }
    lines.extend(placeless(drawing, ink));
    let joined_elsewhere = drawing.connect.iter().any(|pin| !drawing.pins.contains(pin));
    if let ([one, other], true) = (drawing.connect.as_slice(), joined_elsewhere) {
        lines.extend(wrap(&format!("{} are connected: {one} and {other}", ink.joined), width));
    }
    lines.extend(drawing.note.iter().flat_map(|note| wrap(note, width)));
    lines
}

/// Is anything known that has a place?
fn has_places(drawing: &Drawing) -> bool {
    let edges = &drawing.edges;
    [&edges.left, &edges.right, &edges.top, &edges.bottom].iter().any(|pins| !pins.is_empty())
        || drawing.usb.is_some()
        || drawing.led.is_some()
        || drawing.switches.iter().any(|switch| switch.at.is_some())
}

fn mark(drawing: &Drawing, pin: &str, ink: &Ink) -> &'static str {
    if drawing.connect.iter().any(|joined| joined == pin) { ink.joined } else { ink.pin }
}

fn switch_text(switch: &Switch, ink: &Ink) -> String {
    let set = switch.set.as_ref().map(|set| format!(": {}", clean(set))).unwrap_or_default();
    format!("{} {}{set}", ink.switch, clean(&switch.name))
}

/// What stands within the outline, by its place.
fn inside(drawing: &Drawing, ink: &Ink) -> Vec<(Spot, String)> {
    let switches = drawing.switches.iter().filter_map(|switch| Some((switch.at?, switch_text(switch, ink))));
    let usb = drawing.usb.map(|at| (at, "[USB]".to_owned()));
    let led = drawing.led.map(|at| (at, "(LED)".to_owned()));
    switches.chain(usb).chain(led).collect()
}

/// A row of three texts: at the left, in the middle, at the right.
fn row(texts: [&str; 3], width: usize) -> String {
    let [left, middle, right] = texts;
    let lengths = texts.map(|text| text.chars().count());
    let gap = usize::from(lengths[0] > 0 && lengths[1] > 0);
    let before = (width.saturating_sub(lengths[1]) / 2).saturating_sub(lengths[0]).max(gap);
    let used = lengths[0] + before + lengths[1] + lengths[2];
    format!("{left}{}{middle}{}{right}", " ".repeat(before), " ".repeat(width.saturating_sub(used)))
}

fn outline(drawing: &Drawing, ink: &Ink) -> Vec<String> {
    let edges = &drawing.edges;
    let inside = inside(drawing, ink);
    let at = |spots: &[Spot]| {
        let texts: Vec<&str> =
            inside.iter().filter(|(spot, _)| spots.contains(spot)).map(|(_, text)| text.as_str()).collect();
        texts.join(" ")
    };
    let rows = [
        [at(&[Spot::TopLeft]), at(&[Spot::Top]), at(&[Spot::TopRight])],
        [at(&[Spot::Left]), String::new(), at(&[Spot::Right])],
        [at(&[Spot::BottomLeft]), at(&[Spot::Bottom]), at(&[Spot::BottomRight])],
    ];
    let count = ROWS_MIN.max(edges.left.len()).max(edges.right.len());
    let of_edge = |pins: &[String]| {
        pins.iter().map(|pin| format!("{} {}", mark(drawing, pin, ink), clean(pin))).collect::<Vec<_>>().join("  ")
    };
    let (top, bottom) = (of_edge(&edges.top), of_edge(&edges.bottom));
    let letters = |text: &String| text.chars().count();
    let inner = rows
        .iter()
        .map(|row| row.iter().map(letters).sum::<usize>() + 2)
        .chain([letters(&top), letters(&bottom), INNER_MIN])
        .max()
        .unwrap_or(INNER_MIN);
    let margin = edges.left.iter().map(letters).max().map_or(0, |longest| longest + 1);
    let indent = " ".repeat(margin);
    let border = |left: &str, right: &str| format!("{indent}{left}{}{right}", ink.across.repeat(inner));
    let mut lines = Vec::new();
    if !top.is_empty() {
        lines.push(format!("{indent} {}", row(["", &top, ""], inner)).trim_end().to_owned());
    }
    lines.push(border(ink.corners[0], ink.corners[1]));
    for index in 0..count {
        let texts = match index {
            0 => &rows[0],
            last if last + 1 == count => &rows[2],
            middle if middle == count / 2 => &rows[1],
            _ => &[const { String::new() }; 3],
        };
        let [left, middle, right] = texts.each_ref().map(String::as_str);
        let left_pin = edges.left.get(index);
        let before = left_pin.map(|pin| format!("{:>width$} ", clean(pin), width = margin.saturating_sub(1)));
        let edge = |pin: Option<&String>| pin.map_or(ink.down, |pin| mark(drawing, pin, ink));
        let behind = edges.right.get(index).map(|pin| format!(" {}", clean(pin))).unwrap_or_default();
        lines.push(format!(
            "{}{}{}{}{behind}",
            before.unwrap_or_else(|| indent.clone()),
            edge(left_pin),
            row([left, middle, right], inner),
            edge(edges.right.get(index))
        ));
    }
    lines.push(border(ink.corners[2], ink.corners[3]));
    if !bottom.is_empty() {
        lines.push(format!("{indent} {}", row(["", &bottom, ""], inner)).trim_end().to_owned());
    }
    lines
}

/// Those of which only the names are known: a wire between the two that are connected, then the others.
fn placeless(drawing: &Drawing, ink: &Ink) -> Vec<String> {
    let is_joined = |pin: &&String| drawing.connect.contains(pin);
    let joined: Vec<&String> = drawing.pins.iter().filter(is_joined).collect();
    let mut parts = Vec::new();
    match joined.as_slice() {
        [one, other] => {
            let wire = ink.across.repeat(8);
            parts.push(format!("{} {}{wire}{} {}", clean(one), ink.joined, ink.joined, clean(other)));
        }
        pins => parts.extend(pins.iter().map(|pin| format!("{} {}", ink.joined, clean(pin)))),
    }
    let others = drawing.pins.iter().filter(|pin| !is_joined(pin));
    parts.extend(others.map(|pin| format!("{} {}", ink.pin, clean(pin))));
    let mut lines = if parts.is_empty() { Vec::new() } else { vec![parts.join("    ")] };
    let switches = drawing.switches.iter().filter(|switch| switch.at.is_none());
    lines.extend(switches.map(|switch| switch_text(switch, ink)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::Edges;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn drawn(of: &Drawing, signs: Signs) -> String {
        drawing(of, &Look { signs, ..Look::plain() }, 70).join("\n")
    }

    #[test]
    fn only_what_is_known_is_drawn() {
        let of = Drawing {
            pins: names("BOOT 3.3V RST"),
            connect: names("BOOT 3.3V"),
            note: Some("Look for these names.".to_owned()),
            ..Drawing::default()
        };
        assert_eq!(drawn(&of, Signs::Unicode), "BOOT ●────────● 3.3V    ○ RST\nLook for these names.");
        assert_eq!(drawn(&of, Signs::Ascii), "BOOT @--------@ 3.3V    o RST\nLook for these names.");
    }

    #[test]
    fn what_has_a_place_stands_there() {
        let of = Drawing {
            seen_from: Some("above".to_owned()),
            edges: Edges { left: names("P0 SBL"), right: names("3.3V GND VIN P9"), ..Edges::default() },
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
        assert_eq!(
            drawn(&of, Signs::Ascii),
            "\
Seen from above:
    +-------------------------+
 P0 o                    (LED)@ 3.3V
SBL @                         o GND
    |                         o VIN
    |[#] recovery: on [USB]   o P9
    +-------------------------+
@ are connected: SBL and 3.3V"
        );
    }

    #[test]
    fn pins_above_and_below_stand_over_the_edge() {
        let of = Drawing {
            edges: Edges { top: names("TX RX"), bottom: names("BOOT0"), ..Edges::default() },
            ..Drawing::default()
        };
        assert_eq!(
            drawn(&of, Signs::Unicode),
            "        ○ TX  ○ RX
┌─────────────────────────┐
│                         │
│                         │
│                         │
└─────────────────────────┘
          ○ BOOT0"
        );
    }
}
