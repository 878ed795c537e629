//! Events as programs are told them and as runs are kept: each with its times. That is the contract, in version
//! [`EVENTS_FORMAT`]; `recover schema events` prints it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::engine::Event;
use crate::words::PlaceNumber;

/// Within one version events, and what stands in them, are only added.
pub const EVENTS_FORMAT: u32 = 1;

/// An event, and when it happened.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, JsonSchema)]
pub struct Told<E> {
    #[serde(flatten)]
    pub event: E,
    /// Milliseconds since the run began, by a clock that nobody sets.
    pub ms: u64,
    /// The time of day. In a simulation it goes on as the virtual board's time does.
    pub utc: Timestamp,
    /// Of a station with several boards: at which place it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceNumber>,
}

/// Gives events their times.
#[derive(Debug, Clone)]
pub struct Stamps {
    began: Instant,
    day: Day,
    place: Option<PlaceNumber>,
}

#[derive(Debug, Clone, Copy)]
enum Day {
    /// As the computer's clock says, also after it was asleep.
    OfComputer,
    /// So late it was when the run began.
    From(Timestamp),
}

impl Stamps {
    pub fn of_computer() -> Stamps {
        Stamps { began: Instant::now(), day: Day::OfComputer, place: None }
    }

    /// For time that jumps.
    pub fn of_simulation(began_at: Timestamp) -> Stamps {
        Stamps { began: Instant::now(), day: Day::From(began_at), place: None }
    }

    /// The events are those of this place.
    #[must_use]
    pub fn at_place(self, place: PlaceNumber) -> Stamps {
        Stamps { place: Some(place), ..self }
    }

    pub fn stamp<E>(&self, event: E) -> Told<E> {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let utc = match self.day {
            Day::OfComputer => Timestamp::now().as_millisecond(),
            Day::From(began_at) => began_at.as_millisecond().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)),
        };
        Told { event, ms, utc: Timestamp::from_millisecond(utc).unwrap_or(Timestamp::MAX), place: self.place }
    }
}

impl<E> Told<E> {
    pub fn as_ref(&self) -> Told<&E> {
        Told { event: &self.event, ms: self.ms, utc: self.utc, place: self.place }
    }

    /// Of something that is no part of a run, or all that there is of one.
    pub fn now(event: E) -> Told<E> {
        Stamps::of_computer().stamp(event)
    }
}

/// What holds of every line that programs are told and that is kept of a run.
pub fn events_schema() -> Value {
    let mut schema = schemars::schema_for!(Told<Event>).to_value();
    schema["title"] = json!("Events of a run of recover");
    schema["description"] = json!(format!(
        "One line of `recover run --message-format json`, and of the journal of a run, in version {EVENTS_FORMAT} of the format. \
         Within a version events and keys are only added: leave aside what you do not know. The first event of a run is \
         run_started, the last one is finished; a run that could not begin has only that one. Of `recover station` the runs \
         of all places come in one stream, each event with its place, and the last one is station_finished."
    ));
    schema
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{Outcome, without_problem};

    #[tokio::test(start_paused = true)]
    async fn virtual_time_moves_the_time_of_day() {
        let stamps = Stamps::of_simulation(Timestamp::UNIX_EPOCH);
        tokio::time::advance(Duration::from_millis(61_500)).await;
        let told = stamps.stamp(());
        assert_eq!((told.ms, told.utc.to_string().as_str()), (61_500, "1970-01-01T00:01:01.5Z"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let told = Told::now(without_problem(Outcome::Planned));
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.starts_with(r#"{"event":"finished","outcome":"planned","#), "{text}");
        let back: Told<Event> = serde_json::from_str(&text).unwrap();
        assert_eq!((back.ms, back.utc), (told.ms, told.utc));
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}
