//! Which of several boards a tool is told to take.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::documents::playbook::DeviceKind;
use crate::engine::devices::Chosen;
use crate::engine::test_desk::{Desk, Story, play};
use crate::engine::{Event, Outcome};
use crate::world::{Access, AttachedDevice};

const CATALOG: &str = r#"[loader]
summary = "writes"
programs = ["loader"]
version = { args = ["-V"], flavours = [{ pattern = '(?P<version>\d+)' }] }
select_port = ["-u", "{hid_node}"]
select_replaces = "-u"
commands = [{ name = "write", reversible = true, changes_board = true, success = ['^written$'] }]
"#;
const STEPS: &str = "devices: {own: {hid: '1fc9:0135', label: x, identifies: yes}}
steps:
  - {id: write, run: loader, device: own, args: ['-u', any, '0'], timeout: 20s}
";

fn board(port: &str) -> AttachedDevice {
    AttachedDevice {
        id: "1fc9:0135".parse().unwrap(),
        port: port.to_owned(),
        serial: None,
        product: None,
        interfaces: Vec::new(),
        version: None,
        kind: DeviceKind::Hid,
        access: Access::Permitted,
        arrival: 0,
    }
}

/// Two boards, of which that at 1-1 is chosen, and what each look at the node of each finds.
fn tell(own: &[&'static str], other: &[&'static str]) -> (Story, Vec<Vec<String>>) {
    let nodes = BTreeMap::from([("1-1".to_owned(), own.to_vec().into()), ("1-2".to_owned(), other.to_vec().into())]);
    let desk = Desk {
        attached: RefCell::new(vec![board("1-2"), board("1-1")]),
        chosen: Chosen::Port("1-1".to_owned()),
        nodes: RefCell::new(nodes),
        ..Desk::default()
    };
    let story = play(CATALOG, &["/bin/sh", "-c", "echo written"], STEPS, &desk);
    let command = |event: &Event| match event {
        Event::ToolStarted { command, .. } => Some(command.clone()),
        _ => None,
    };
    let commands = story.events.iter().filter_map(command).collect();
    (story, commands)
}

#[test]
fn it_is_told_the_node_of_the_chosen_board() {
    let (story, commands) = tell(&["/dev/hidraw1"], &["/dev/hidraw12"]);
    assert_eq!(story.outcome, Outcome::Recovered);
    // `printf /dev/hidraw1 | sha256sum | cut -c1-8`
    assert_eq!(commands, [["loader", "-u", "1de7a0af", "0"]]);
}

/// It would go out without a choice, and the tool take whichever it finds first.
#[test]
fn a_board_whose_node_is_not_there_yet_is_not_mixed_up_with_another() {
    let (story, commands) = tell(&[], &["/dev/hidraw12"]);
    assert_eq!(story.outcome, Outcome::DeviceUnavailable);
    assert!(commands.is_empty(), "{commands:?}");
}

/// Such as while the call waited for its turn. At whichever look it becomes another one, it is told what it is then, or is not
/// started.
#[test]
fn a_node_that_has_become_another_one_since_is_not_used() {
    let mut refused = 0;
    for looks in 1..8 {
        let own: Vec<&str> = std::iter::repeat_n("/dev/hidraw1", looks).chain(["/dev/hidraw3"]).collect();
        let (story, commands) = tell(&own, &["/dev/hidraw12"]);
        if let Some(Event::Finished { problem: Some(problem), .. }) = story.events.last() {
            assert_eq!(problem.what, "loader was not started: the board is not where it was just now");
            assert!(commands.is_empty(), "{commands:?}");
            refused += 1;
        } else {
            assert_eq!((story.outcome, commands.len()), (Outcome::Recovered, 1));
        }
    }
    assert!((1..7).contains(&refused), "{refused}");
}
