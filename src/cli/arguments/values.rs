//! Values of options that are more than one word.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, SpanFieldwise, Timestamp, Zoned};

use crate::words::{Id, PlaceNumber};
use crate::world::HandsProgram;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write it as {form}")]
pub struct ValueError {
    form: &'static str,
}

/// `firmware=build/firmware.bin`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: Id,
    pub value: String,
}

impl FromStr for Setting {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or(ValueError { form: "NAME=VALUE" })?;
        Ok(Setting { name: name.parse()?, value: value.to_owned() })
    }
}

/// `dfu-util=/opt/dfu-util/bin/dfu-util`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolPath {
    pub tool: String,
    pub program: PathBuf,
}

impl FromStr for ToolPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.split_once('=') {
            Some((tool, program)) if !tool.is_empty() && !program.is_empty() => {
                Ok(ToolPath { tool: tool.to_owned(), program: program.into() })
            }
            _ => Err(ValueError { form: "NAME=PATH" }),
        }
    }
}

/// `192.168.1.7`, `0.0.0.0:8080`; without a port the system chooses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl FromStr for Listen {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 0));
        address.or_else(|_| text.parse()).map(Listen).map_err(|_| ValueError { form: "ADDRESS or ADDRESS:PORT" })
    }
}

/// `exec:./relays`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandsBy {
    /// Whoever is at the terminal.
    Person,
    /// The virtual person of a simulation, after a few seconds.
    Auto,
    /// Whoever reads the events.
    Json,
    /// A program that is called for each move.
    Program(HandsProgram),
}

impl HandsBy {
    /// Can it do only what the playbook says to programs?
    pub(in crate::cli) fn is_machine(&self) -> bool {
        match self {
            HandsBy::Person | HandsBy::Auto => false,
            HandsBy::Json | HandsBy::Program(_) => true,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandsError {
    #[error(transparent)]
    Form(#[from] ValueError),
    #[error("there is no program `{0}` that can be run")]
    NoProgram(String),
}

impl FromStr for HandsBy {
    type Err = HandsError;

    fn from_str(text: &str) -> Result<Self, HandsError> {
        match (text, text.strip_prefix("exec:")) {
            ("person", _) => Ok(HandsBy::Person),
            ("auto", _) => Ok(HandsBy::Auto),
            ("json", _) => Ok(HandsBy::Json),
            (_, Some(named)) if !named.is_empty() => {
                let program = HandsProgram::find(named).ok_or_else(|| HandsError::NoProgram(named.to_owned()))?;
                Ok(HandsBy::Program(program))
            }
            _ => Err(ValueError { form: "person, auto, json or exec:PROGRAM" }.into()),
        }
    }
}

/// A moment as it is said at a bench: `today`, `14:00`, `2026-11-29`, `2026-11-29T14:00`, or so long ago, such as `8h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Today,
    Yesterday,
    Day(Date),
    /// By the clock here.
    DayAndTime(DateTime),
    Clock(Time),
    Exactly(Timestamp),
    Ago(SpanFieldwise),
}

impl FromStr for When {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let error =
            || ValueError { form: "`today`, `yesterday`, 2026-11-29, 14:00, 2026-11-29T14:00, or as a span: 8h, 2d" };
        let (date, clock) = (text.matches('-').count() == 2, text.contains(':'));
        match text {
            "today" => Ok(When::Today),
            "yesterday" => Ok(When::Yesterday),
            _ if date && clock => match text.parse() {
                Ok(moment) => Ok(When::Exactly(moment)),
                Err(_) => text.parse().map(When::DayAndTime).map_err(|_| error()),
            },
            _ if date => text.parse().map(When::Day).map_err(|_| error()),
            _ if clock => text.parse().map(When::Clock).map_err(|_| error()),
            _ => {
                let span = text.parse::<Span>().ok().filter(|span| span.is_positive());
                span.map(|span| When::Ago(span.fieldwise())).ok_or_else(error)
            }
        }
    }
}

impl When {
    /// Where a time begins at it. A time of the day that is still to come was yesterday's: a night shift begins at 22:00.
    pub fn beginning(self, now: &Zoned) -> Option<Timestamp> {
        let moment = match self {
            When::Today => now.start_of_day().ok()?,
            When::Yesterday => now.yesterday().ok()?.start_of_day().ok()?,
            When::Day(day) => day.to_zoned(now.time_zone().clone()).ok()?,
            When::DayAndTime(moment) => moment.to_zoned(now.time_zone().clone()).ok()?,
            When::Clock(time) => {
                let today = at(now, time)?;
                if today > *now { at(&now.yesterday().ok()?, time)? } else { today }
            }
            When::Exactly(moment) => return Some(moment),
            When::Ago(span) => now.checked_sub(span.0).ok()?,
        };
        Some(moment.timestamp())
    }

    /// Where a time ends at it: a day with its last moment, and a time of the day at the first one behind the beginning.
    pub fn end(self, now: &Zoned, beginning: Option<Timestamp>) -> Option<Timestamp> {
        let day_after = |day: &Zoned| Some(day.tomorrow().ok()?.start_of_day().ok()?.timestamp());
        match (self, beginning) {
            (When::Today, _) => day_after(now),
            (When::Yesterday, _) => Some(now.start_of_day().ok()?.timestamp()),
            (When::Day(day), _) => day_after(&day.to_zoned(now.time_zone().clone()).ok()?),
            (When::Clock(time), Some(beginning)) => {
                let beginning = beginning.to_zoned(now.time_zone().clone());
                let same_day = at(&beginning, time)?;
                let end = if same_day > beginning { same_day } else { at(&beginning.tomorrow().ok()?, time)? };
                Some(end.timestamp())
            }
            _ => self.beginning(now),
        }
    }
}

/// That day by the clock.
fn at(day: &Zoned, time: Time) -> Option<Zoned> {
    day.date().to_datetime(time).to_zoned(day.time_zone().clone()).ok()
}

/// Names of starting states and mishaps of the virtual board; the bench knows which there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    pub names: Vec<String>,
}

impl Simulation {
    /// What is said about every place of a station.
    pub(in crate::cli) fn of_all(&self) -> Simulation {
        let of_all = self.names.iter().filter(|name| place_of(name).is_none());
        Simulation { names: of_all.cloned().collect() }
    }

    /// What is said about this place, beside that.
    pub(in crate::cli) fn of_place(&self, place: PlaceNumber) -> Vec<String> {
        let named = self.names.iter().filter_map(|name| place_of(name));
        named.filter(|(of, _)| *of == place).map(|(_, name)| name.to_owned()).collect()
    }

    /// The places that something is said about.
    pub(in crate::cli) fn places(&self) -> impl Iterator<Item = PlaceNumber> {
        self.names.iter().filter_map(|name| place_of(name)).map(|(place, _)| place)
    }
}

/// `3:lost-in-write`
fn place_of(name: &str) -> Option<(PlaceNumber, &str)> {
    let (number, name) = name.split_once(':')?;
    Some((PlaceNumber(number.parse().ok()?), name))
}

impl FromStr for Simulation {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(Simulation { names })
    }
}

/// `2/4`: the second of four parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    part: usize,
    parts: usize,
}

impl Shard {
    /// Leaves those of this part. Neighbours are alike, so each part takes some of everywhere.
    pub fn keep<T>(self, all: &mut Vec<T>) {
        let mut index = 0..;
        all.retain(|_| index.next().is_some_and(|index: usize| index % self.parts == self.part - 1));
    }
}

impl FromStr for Shard {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parts = text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match parts {
            Some((part, parts)) if part >= 1 && part <= parts => Ok(Shard { part, parts }),
            _ => Err(ValueError { form: "K/N, with K from 1 to N" }),
        }
    }
}
