//! A picture of a terminal, drawn from what a run prints in colours.

use std::fmt::Write;

const COLUMN_PX: f64 = 8.4;
const ROW_PX: usize = 19;
const MARGIN_PX: usize = 16;

/// An SVG of these lines, in light or dark as its reader likes.
pub(crate) fn picture(title: &str, lines: &[String], columns: usize) -> String {
    let width = (columns as f64 * COLUMN_PX) as usize + 2 * MARGIN_PX;
    let height = lines.len() * ROW_PX + 2 * MARGIN_PX;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n\
         <style>\n\
         text {{ font: 14px ui-monospace, Menlo, Consolas, monospace; white-space: pre; fill: #24292f }}\n\
         rect {{ fill: #f6f8fa; stroke: #d0d7de }}\n\
         .bold {{ font-weight: bold }} .dim {{ fill: #6e7781 }} .red {{ fill: #cf222e }} .green {{ fill: #116329 }}\n\
         .yellow {{ fill: #7d4e00 }} .magenta {{ fill: #8250df }} .cyan {{ fill: #1b7c83 }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #e6edf3 }} rect {{ fill: #0d1117; stroke: #30363d }}\n\
         .dim {{ fill: #8b949e }} .red {{ fill: #ff7b72 }} .green {{ fill: #7ee787 }} .yellow {{ fill: #e3b341 }}\n\
         .magenta {{ fill: #d2a8ff }} .cyan {{ fill: #79c0ff }}\n\
         }}\n\
         </style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        escaped(title),
        width - 1,
        height - 1
    );
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN_PX + row * ROW_PX + 14;
        let _ = writeln!(svg, "<text x=\"{MARGIN_PX}\" y=\"{y}\" xml:space=\"preserve\">{}</text>", spans(line));
    }
    svg + "</svg>\n"
}

/// The text with its colours as spans; each escape sequence changes what follows.
fn spans(line: &str) -> String {
    let (mut out, mut classes) = (String::new(), Vec::new());
    for (index, part) in line.split("\u{1b}[").enumerate() {
        let text = match (index, part.split_once('m')) {
            (0, _) | (_, None) => part,
            (_, Some((codes, text))) => {
                for code in codes.split(';') {
                    match class(code) {
                        Some(class) => classes.push(class),
                        None => classes.clear(),
                    }
                }
                text
            }
        };
        match (text, classes.is_empty()) {
            ("", _) => {}
            (text, true) => out.push_str(&escaped(text)),
            (text, false) => {
                let _ = write!(out, "<tspan class=\"{}\">{}</tspan>", classes.join(" "), escaped(text));
            }
        }
    }
    out
}

fn class(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "bold",
        "2" => "dim",
        "31" => "red",
        "32" => "green",
        "33" => "yellow",
        "35" => "magenta",
        "36" => "cyan",
        "0" => return None,
        other => panic!("the picture does not know the code {other}"),
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
