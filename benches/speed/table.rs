//! The table: what, its aim, what was measured, and whether that is met.

use std::fmt::Write as _;
use std::path::Path;

use crate::spread::Spread;

/// Where the table stands.
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- speed: begin -->";
const END: &str = "<!-- speed: end -->";

/// Why an aim is missed, by how the row begins; shown only where it is.
const REASONS: [(&str, &str); 9] = [
    ("– : what the flash", "for each packet the tool and the simulated board take longer than the flash"),
    ("– a board that holds everything", "for each packet the tool and the simulated board take longer than the flash"),
    ("RT1062", "the board is off the bus for 1.5 s, and what burns the fuse starts in 0.4 s"),
    ("HID device", "starting the tool is part of it, see below"),
    ("USB device", "starting the tool is part of it, see below"),
    ("200 steps", "four threads watch each process"),
    ("Waiting for a device: resident", "umockdev's library is part of it"),
    ("output read and logged", "one thread reads, judges and logs"),
    ("– processor time", "the bus is looked at once a second"),
];

/// What is aimed at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
    None,
}

#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<[String; 4]>,
    notes: Vec<String>,
    remarks: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Table {
    machine: String,
    rows: Vec<[String; 4]>,
    notes: Vec<String>,
    remarks: Vec<String>,
}

impl Rows {
    /// The median decides.
    pub(crate) fn add(&mut self, what: &str, aim: Aim, spread: &Spread, unit: &str, places: usize) {
        self.add_value(what, aim, spread.median(), unit, &format!("{}{unit}", spread.shown(places)));
    }

    /// `shown` is what stands in the table, `value` what is compared.
    pub(crate) fn add_value(&mut self, what: &str, aim: Aim, value: f64, unit: &str, shown: &str) {
        self.add_judged(what, &aim.shown(unit), aim.met(value), shown);
    }

    /// Where more than one value decides.
    pub(crate) fn add_judged(&mut self, what: &str, aim: &str, met: Option<bool>, shown: &str) {
        let verdict = match met {
            Some(true) => "met",
            Some(false) => match REASONS.iter().find(|(begin, _)| what.contains(begin)) {
                Some((_, reason)) => &format!("**missed**: {reason}"),
                None => "**missed**",
            },
            None => "–",
        };
        eprintln!("  {what}: {shown} (aim {aim}: {verdict})");
        self.rows.push([what.to_owned(), aim.to_owned(), shown.to_owned(), verdict.to_owned()]);
    }

    pub(crate) fn left_out(&mut self, what: &str, reason: &str) {
        eprintln!("  {what}: not measured: {reason}");
        self.rows.push([what.to_owned(), "–".to_owned(), "not measured".to_owned(), reason.to_owned()]);
    }

    /// Stands below the table.
    pub(crate) fn note(&mut self, text: String) {
        eprintln!("  {text}");
        self.notes.push(text);
    }

    /// Is printed below the table, and left out of its page.
    pub(crate) fn remark(&mut self, text: String) {
        eprintln!("  {text}");
        self.remarks.push(text);
    }
}

impl Aim {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Aim::AtMost(limit) => Some(value <= limit),
            Aim::AtLeast(limit) => Some(value >= limit),
            Aim::None => None,
        }
    }

    fn shown(self, unit: &str) -> String {
        match self {
            Aim::AtMost(limit) => format!("≤ {limit}{unit}"),
            Aim::AtLeast(limit) => format!("≥ {limit}{unit}"),
            Aim::None => "–".to_owned(),
        }
    }
}

impl Table {
    pub(crate) fn new(machine: String) -> Table {
        Table { machine, rows: Vec::new(), notes: Vec::new(), remarks: Vec::new() }
    }

    pub(crate) fn add(&mut self, rows: Rows) {
        self.rows.extend(rows.rows);
        self.notes.extend(rows.notes);
        self.remarks.extend(rows.remarks);
    }

    pub(crate) fn remarks(&self) -> String {
        self.remarks.iter().map(|remark| wrapped(&format!("- {remark}"))).collect()
    }

    pub(crate) fn text(&self) -> String {
        let mut text =
            format!("{}\n\n| what | aim | measured: median (min–max) | |\n|---|---|---|---|\n", self.machine);
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        if !self.notes.is_empty() {
            let _ = write!(text, "\n{}", wrapped(&self.notes.join(" ")));
        }
        text
    }

    pub(crate) fn write_into_its_page(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{PAGE} has no `{BEGIN}`"));
        let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{PAGE} has no `{END}`"));
        std::fs::write(path, format!("{before}{BEGIN}\n{}\n{END}{after}", self.text().trim_end())).unwrap();
    }
}

/// In lines as long as those of the documents.
pub(crate) fn wrapped(text: &str) -> String {
    const WIDTH: usize = 120;
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > WIDTH {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word_length;
    }
    lines.push('\n');
    lines
}
