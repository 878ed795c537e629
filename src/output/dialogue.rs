//! Finds the answer to what a tool asks.
//!
//! A prompt has no end of line: it stands on the unfinished last line. Where the catalog knows a tool's questions, the
//! tool is answered when one of them stands there, so that a menu is complete before something is chosen from it; any
//! other unfinished line is answered once the tool has fallen silent. Without such knowledge everything is answered as soon
//! as it is printed. What was printed before an answer counts no more after it.

use crate::documents::catalog::Pattern;
use crate::documents::playbook::Answer;

#[derive(Debug)]
pub struct Dialogue<'a> {
    answers: &'a [Answer],
    questions: &'a [Pattern],
    /// How often each answer was given.
    given: Vec<u32>,
    /// For each answer: the groups of its last match in a finished line since the last answer.
    seen: Vec<Option<Groups>>,
}

/// The text of the whole match, then of each group.
pub type Groups = Vec<String>;

/// An answer to give now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Among the step's answers.
    pub index: usize,
    pub groups: Groups,
    /// The same was answered so often that it helps no more.
    pub in_vain: bool,
}

/// What the unfinished last line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// Nothing that anybody waits behind, as far as is known.
    Text,
    Answered(Given),
    /// To be answered when the tool stays silent.
    AnsweredInSilence(Given),
    /// A question without an answer.
    Question,
}

impl<'a> Dialogue<'a> {
    pub fn new(answers: &'a [Answer], questions: &'a [Pattern]) -> Self {
        Dialogue { answers, questions, given: vec![0; answers.len()], seen: vec![None; answers.len()] }
    }

    /// Takes a finished line; answers what need not wait for a question.
    pub fn line(&mut self, text: &str) -> Option<Given> {
        let mut at_once = None;
        for (index, answer) in self.answers.iter().enumerate() {
            let Some(groups) = self.fits(index, text) else { continue };
            if !self.questions.is_empty() && answer.send.is_some() {
                self.seen[index] = Some(groups);
            } else if at_once.is_none() {
                at_once = Some((index, groups));
            }
        }
        at_once.map(|(index, groups)| self.give(index, groups))
    }

    /// Looks at the unfinished last line, which may still grow.
    pub fn tail(&mut self, text: &str) -> Tail {
        let asks = self.questions.iter().any(|question| question.is_match(text));
        let fitting = (0..self.answers.len()).find_map(|index| {
            let lines = || self.seen[index].clone().filter(|_| asks);
            self.fits(index, text).or_else(lines).map(|groups| (index, groups))
        });
        match fitting {
            Some((index, groups)) if asks || self.questions.is_empty() || self.answers[index].send.is_none() => {
                Tail::Answered(self.give(index, groups))
            }
            Some((index, groups)) => Tail::AnsweredInSilence(Given { index, groups, in_vain: false }),
            None if asks => Tail::Question,
            None => Tail::Text,
        }
    }

    /// Marks an answer as given: what was printed before it counts no more.
    pub fn give(&mut self, index: usize, groups: Groups) -> Given {
        self.given[index] += 1;
        let answer = &self.answers[index];
        if answer.send.is_some() {
            self.forget();
        }
        Given { index, groups, in_vain: answer.times.is_none() && self.given[index] > Answer::TIMES_MAX }
    }

    /// Somebody else has answered.
    pub fn forget(&mut self) {
        self.seen.fill(None);
    }

    fn fits(&self, index: usize, text: &str) -> Option<Groups> {
        let answer = &self.answers[index];
        if text.is_empty() || answer.times.is_some_and(|times| self.given[index] >= times) {
            return None;
        }
        let found = answer.when.captures(text)?;
        Some(found.iter().map(|group| group.map_or(String::new(), |group| group.as_str().to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::playbook::load;
    use crate::documents::playbook::{Action, Playbook};
    use crate::words::Source;
    use std::sync::Arc;

    fn playbook(answers: &str) -> Playbook {
        let text = format!("format: 1\nboard: x\nsteps:\n  - run: tool\n    answers:\n{answers}");
        let loaded = load(&Arc::new(Source { name: "x".to_owned(), text }), &|_| Err(String::new()));
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        loaded.playbook.unwrap()
    }

    fn answers(playbook: &Playbook) -> &[Answer] {
        match &playbook.steps[0].action {
            Action::Run(run) => &run.answers,
            other => panic!("{other:?}"),
        }
    }

    fn questions() -> Vec<Pattern> {
        [r"^Select an option \(Enter to (?:exit|return)\): $", "^> $"]
            .map(|text| regex::Regex::new(text).unwrap().into())
            .into()
    }

    fn index_of(tail: Tail) -> (usize, String) {
        match tail {
            Tail::Answered(Given { index, groups, in_vain: false }) => (index, groups.last().unwrap().clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_menu_is_answered_by_its_text_when_it_is_complete() {
        let playbook = playbook(
            "      - {when: '(\\d+) - Device Control', send: $1, times: 1}\n      - {when: '(\\d+) - Hard', send: $1, \
             times: 1}\n      - {when: 'Enter to', send: '', times: 2}\n",
        );
        let questions = questions();
        let mut dialogue = Dialogue::new(answers(&playbook), &questions);
        let top = |dialogue: &mut Dialogue<'_>| {
            assert_eq!(dialogue.line(" 1 - Device Control"), None);
            assert_eq!(dialogue.line(" 2 - Hardly"), None);
            assert_eq!(dialogue.tail("Select an op"), Tail::Text);
            dialogue.tail("Select an option (Enter to exit): ")
        };
        assert_eq!(index_of(top(&mut dialogue)), (0, "1".to_owned()));
        // The first is used up, and what it was chosen from is past.
        assert_eq!(dialogue.tail(""), Tail::Text);
        assert_eq!(dialogue.line(" 7 - Hard maintenance mode"), None);
        assert_eq!(index_of(dialogue.tail("Select an option (Enter to return): ")), (1, "7".to_owned()));
        assert_eq!(index_of(top(&mut dialogue)).0, 2);
        assert_eq!(index_of(top(&mut dialogue)).0, 2);
        assert_eq!(top(&mut dialogue), Tail::Question);
    }

    #[test]
    fn a_line_further_up_may_tell_what_a_bare_prompt_means() {
        let playbook = playbook("      - {when: 'Continue .* \\[y/n\\]\\?', send: y}\n");
        let questions = questions();
        let mut dialogue = Dialogue::new(answers(&playbook), &questions);
        assert_eq!(dialogue.tail("> "), Tail::Question);
        assert_eq!(dialogue.line("Continue with operation [y/n]?"), None);
        assert_eq!(index_of(dialogue.tail("> ")).0, 0);
        assert_eq!(dialogue.tail("> "), Tail::Question);
    }

    #[test]
    fn without_known_questions_all_is_answered_at_once() {
        let playbook = playbook("      - {when: 'again\\?', send: y}\n      - {when: (\\d) - b, send: $1}\n");
        let mut dialogue = Dialogue::new(answers(&playbook), &[]);
        assert_eq!(index_of(dialogue.tail("again? ")).0, 0);
        assert_eq!(dialogue.line("2 - b").map(|given| given.groups), Some(vec!["2 - b".to_owned(), "2".to_owned()]));
        assert_eq!(dialogue.line("other"), None);
        assert_eq!(dialogue.tail("other"), Tail::Text);
    }

    #[test]
    fn an_unknown_prompt_is_answered_once_the_tool_is_silent() {
        let playbook = playbook("      - {when: 'password', send: x}\n");
        let questions = questions();
        let mut dialogue = Dialogue::new(answers(&playbook), &questions);
        let Tail::AnsweredInSilence(given) = dialogue.tail("password: ") else { panic!() };
        assert!(!dialogue.give(given.index, given.groups).in_vain);
    }

    #[test]
    fn prompts_for_the_person_are_shown_once_and_keep_nothing_back() {
        let playbook = playbook("      - {when: Waiting, prompt: Press the button.}\n");
        let questions = questions();
        let mut dialogue = Dialogue::new(answers(&playbook), &questions);
        assert_eq!(dialogue.line("Waiting for Target |").map(|given| given.index), Some(0));
        assert_eq!(dialogue.line("Waiting for Target /"), None);
        assert_eq!(dialogue.tail("> "), Tail::Question);
    }

    #[test]
    fn an_answer_that_does_not_help_is_noticed() {
        let playbook = playbook("      - {when: 'sure\\?', send: y}\n");
        let mut dialogue = Dialogue::new(answers(&playbook), &[]);
        let given: Vec<bool> =
            (0..=Answer::TIMES_MAX).filter_map(|_| dialogue.line("sure?")).map(|it| it.in_vain).collect();
        assert_eq!(given.len(), 11);
        assert_eq!(given.iter().filter(|in_vain| **in_vain).count(), 1);
        assert!(given[10]);
    }
}
