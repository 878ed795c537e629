//! Who is meant by what the operator types. An answer begins with the number of its place, and counts only for the question
//! that stands there and was shown before: what does not fit exactly is sent nowhere, and told.

use std::collections::BTreeMap;

use crate::engine::{Asks, Event, GoesOn};
use crate::words::PlaceNumber;

/// The questions that stand.
#[derive(Debug, Default)]
pub(super) struct Questions {
    standing: BTreeMap<PlaceNumber, (u64, Standing)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// ENTER says that it is done.
    Done,
    /// This word agrees, and "no" does not.
    Word(String),
    /// Whatever the tool asks for.
    Text,
}

/// What becomes of a typed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// The line that the run is given.
    Answer { place: PlaceNumber, question: u64, line: String },
    /// Tell how far it is.
    Report,
    /// It is no answer, because:
    Nothing(String),
}

impl Questions {
    /// To be called once the event was shown; `question` is which one it leaves standing.
    pub(super) fn hear(&mut self, place: PlaceNumber, event: &Event, question: u64) {
        let standing = match event {
            Event::Prompted { goes_on: GoesOn::WithEnter | GoesOn::Either, without_person: false, .. } => {
                Standing::Done
            }
            Event::ConsentAsked { phrase, .. }
            | Event::BoardAsked { phrase, .. }
            | Event::HealthyAsked { phrase, .. } => Standing::Word(phrase.clone()),
            Event::ToolAsked { .. } => Standing::Text,
            _ => {
                if event.settles_question() {
                    self.standing.remove(&place);
                }
                return;
            }
        };
        self.standing.insert(place, (question, standing));
    }

    /// How the question of this event is answered.
    pub(super) fn how(place: PlaceNumber, event: &Event) -> Option<String> {
        match event {
            Event::Prompted { goes_on: GoesOn::WithEnter | GoesOn::Either, .. } => {
                Some(format!("When it is done at place {place}, type {place} and ENTER."))
            }
            Event::ConsentAsked { phrase, .. }
            | Event::BoardAsked { phrase, .. }
            | Event::HealthyAsked { phrase, .. } => {
                Some(format!("To agree for place {place}, type `{place} {phrase}`; if not, `{place} no`."))
            }
            Event::ToolAsked { .. } => Some(format!("For place {place}, type {place}, a blank and the answer.")),
            _ if event.asks() == Asks::Nothing => None,
            _ => Some(format!("This is about place {place}.")),
        }
    }

    /// Takes the answer, so that the same line typed twice does not answer the next question.
    pub(super) fn meant(&mut self, line: &str) -> Meant {
        let line = line.trim();
        if line == "?" {
            return Meant::Report;
        }
        let (number, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let Ok(number) = number.parse() else { return Meant::Nothing(self.which_place(line)) };
        let (place, rest) = (PlaceNumber(number), rest.trim());
        let Some((question, standing)) = self.standing.get(&place) else {
            return Meant::Nothing(format!("Place {place} asks nothing now."));
        };
        let question = *question;
        let line = match standing {
            Standing::Done if rest.is_empty() => String::new(),
            Standing::Done => {
                let text = format!("`{rest}` went nowhere: for place {place}, type {place} alone when it is done.");
                return Meant::Nothing(text);
            }
            Standing::Word(word) if rest == word => word.clone(),
            Standing::Word(_) if rest.eq_ignore_ascii_case("no") => "no".to_owned(),
            Standing::Word(word) => {
                return Meant::Nothing(format!(
                    "Nothing was agreed to: type `{place} {word}` to agree for place {place}, or `{place} no`."
                ));
            }
            Standing::Text => rest.to_owned(),
        };
        self.standing.remove(&place);
        Meant::Answer { place, question, line }
    }

    fn which_place(&self, line: &str) -> String {
        let asking: Vec<String> = self.standing.keys().map(ToString::to_string).collect();
        match asking.as_slice() {
            [] => "No place asks anything now. Type ? to see how far it is.".to_owned(),
            asking => {
                let typed = if line.is_empty() { String::new() } else { format!("`{line}` went nowhere. ") };
                let these = if asking.len() == 1 { "this place asks" } else { "these places ask" };
                format!("{typed}Which place? Begin with its number; {these}: {}.", asking.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(place: PlaceNumber, line: &str) -> Meant {
        Meant::Answer { place, question: 7, line: line.to_owned() }
    }

    fn consent(step: &str) -> Event {
        Event::ConsentAsked {
            step: step.parse().unwrap(),
            why: String::new(),
            command: Vec::new(),
            fuse: None,
            phrase: step.to_owned(),
            limit_ms: 1,
        }
    }

    fn prompt() -> Event {
        Event::Prompted {
            step: "plug".parse().unwrap(),
            prompt: 1,
            text: String::new(),
            goes_on: GoesOn::WithEnter,
            hands: Vec::new(),
            drawing: None,
            without_person: false,
            limit_ms: 1,
        }
    }

    #[test]
    fn consent_goes_to_the_place_and_the_step_that_were_typed_and_nowhere_else() {
        let (two, three) = (PlaceNumber(2), PlaceNumber(3));
        let mut questions = Questions::default();
        questions.hear(two, &prompt(), 7);
        questions.hear(three, &consent("boot-fuse"), 7);
        let nothing = |questions: &mut Questions, line: &str| match questions.meant(line) {
            Meant::Nothing(why) => why,
            other => panic!("{line}: {other:?}"),
        };
        for line in
            ["", "boot-fuse", "yes", "3", "3 yes", "3 BOOT-FUSE", "3 other-fuse", "2 boot-fuse", "4 boot-fuse", "33"]
        {
            nothing(&mut questions, line);
        }
        let why = nothing(&mut questions, "boot-fuse");
        assert_eq!(why, "`boot-fuse` went nowhere. Which place? Begin with its number; these places ask: 2, 3.");
        assert_eq!(questions.meant(" 3  boot-fuse "), answer(three, "boot-fuse"));
        assert_eq!(nothing(&mut questions, "3 boot-fuse"), "Place 3 asks nothing now.", "not twice");
        assert_eq!(questions.meant("2"), answer(two, ""));
        assert_eq!(questions.meant("?"), Meant::Report);
    }

    #[test]
    fn a_question_stands_until_something_else_happens() {
        let place = PlaceNumber(1);
        let mut questions = Questions::default();
        questions.hear(place, &consent("boot-fuse"), 7);
        questions.hear(place, &Event::Note { text: String::new() }, 7);
        assert_eq!(questions.meant("1 no"), answer(place, "no"));
        questions.hear(place, &consent("boot-fuse"), 7);
        questions.hear(place, &Event::Warning { text: String::new() }, 7);
        let answered = Event::ToolAnswered {
            step: "boot-fuse".parse().unwrap(),
            question: String::new(),
            text: String::new(),
            by: String::new(),
        };
        questions.hear(place, &answered, 7);
        assert!(matches!(questions.meant("1 boot-fuse"), Meant::Nothing(_)));
    }
}
