//! A desk for tests of the engine: real tools that are shell scripts, a bus and a person made up. Real time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use crate::documents::catalog;
use crate::documents::playbook::{DeviceKind, check, load};
use crate::engine::{Already, Chosen, Event, Files, Order, Outcome, ReadyTool, Settings, Tools, WhenHealthy, run};
use crate::words::{Source, UsbId, Verdict};
use crate::world::process::Interpreters;
use crate::world::{
    Ask, AttachedDevice, Awake, Cleared, DeviceList, Interrupt, NodeHolder, Reply, RunningTool, Scratch, WarmStart,
    World,
};

/// A person with prepared lines, or nobody.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) lines: RefCell<VecDeque<String>>,
    pub(super) interactive: bool,
    pub(super) attached: RefCell<Vec<AttachedDevice>>,
    pub(super) interpreters: Interpreters,
    pub(super) warm: Option<WarmStart>,
    pub(super) single_calls: bool,
    pub(super) already: Already,
    /// Told one after another, each as soon as a tool is at work.
    pub(super) interrupts: RefCell<VecDeque<Interrupt>>,
    /// The last argument of each call, and when sleep is held off.
    pub(super) log: Rc<RefCell<Vec<String>>>,
    pub(super) keeps_awake: Result<(), &'static str>,
    /// Another run's process that has the device.
    pub(super) held_by: Option<u32>,
    pub(super) chosen: Chosen,
    /// Each look at a port's node finds the next of these; the last one stays.
    pub(super) nodes: RefCell<BTreeMap<String, VecDeque<&'static str>>>,
}

impl Default for Desk {
    fn default() -> Self {
        Desk {
            lines: RefCell::default(),
            interactive: false,
            attached: RefCell::default(),
            interpreters: Interpreters::default(),
            warm: None,
            single_calls: false,
            already: Already::Nothing,
            interrupts: RefCell::default(),
            log: Rc::default(),
            keeps_awake: Ok(()),
            held_by: None,
            chosen: Chosen::Any,
            nodes: RefCell::default(),
        }
    }
}

struct Vigil {
    log: Rc<RefCell<Vec<String>>>,
    refused: Option<&'static str>,
}

impl Awake for Vigil {
    fn refused(&self) -> Option<String> {
        self.refused.map(str::to_owned)
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        self.log.borrow_mut().push("sleepy".to_owned());
    }
}

impl World for Desk {
    fn start(&self, call: &Cleared) -> RunningTool {
        self.log.borrow_mut().extend(call.args.last().cloned());
        self.interpreters.start(call)
    }

    fn warm_up(&self, interpreter: &Cleared) {
        self.interpreters.warm_up(interpreter);
    }

    fn was_warm(&self) -> bool {
        self.interpreters.was_warm()
    }

    fn devices(&self, _: &[(UsbId, DeviceKind)]) -> DeviceList {
        Ok(self.attached.borrow().clone())
    }

    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf> {
        let mut nodes = self.nodes.borrow_mut();
        let of_port = nodes.get_mut(&device.port)?;
        let node = if of_port.len() > 1 { of_port.pop_front() } else { of_port.front().copied() };
        node.map(PathBuf::from)
    }

    fn hold(&self, _: &AttachedDevice) -> Result<(), Vec<NodeHolder>> {
        let holder = |process| Err(vec![NodeHolder { name: "recover".to_owned(), process }]);
        self.held_by.map_or(Ok(()), holder)
    }

    async fn devices_changed(&self) {
        std::future::pending::<()>().await;
    }

    fn ask(&self, _: Ask<'_>) {}

    async fn reply(&self) -> Reply {
        self.lines.borrow_mut().pop_front().map_or(Reply::Gone, Reply::Line)
    }

    fn interactive(&self) -> bool {
        self.interactive
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.interactive.then_some("the person of the test")
    }

    async fn interrupted(&self) -> Interrupt {
        let wish = self.interrupts.borrow_mut().pop_front();
        match wish {
            Some(by) => by,
            None => std::future::pending().await,
        }
    }

    fn stay_awake(&self) -> Option<Box<dyn Awake>> {
        self.log.borrow_mut().push("awake".to_owned());
        Some(Box::new(Vigil { log: Rc::clone(&self.log), refused: self.keeps_awake.err() }))
    }
}

pub(super) struct Story {
    pub(super) outcome: Outcome,
    pub(super) events: Vec<Event>,
}

impl Story {
    pub(super) fn output(&self) -> String {
        let text = |event: &Event| match event {
            Event::ToolOutput { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect::<Vec<_>>().join("|")
    }

    pub(super) fn answers(&self) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::ToolAnswered { text, by, .. } => Some(format!("{by}:{text}")),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    pub(super) fn verdict(&self) -> &Verdict {
        let verdict = |event: &'_ Event| matches!(event, Event::ToolEnded { .. });
        match self.events.iter().rev().find(|event| verdict(event)) {
            Some(Event::ToolEnded { verdict, .. }) => verdict,
            _ => panic!("no tool has ended: {:?}", self.events),
        }
    }
}

/// Runs a playbook without its first two lines.
pub(super) fn play(catalog: &str, launcher: &[&str], playbook: &str, desk: &Desk) -> Story {
    let source = Arc::new(Source { name: "catalog".to_owned(), text: catalog.to_owned() });
    let catalog = catalog::load(&source).unwrap_or_else(|faults| panic!("{faults:?}"));
    let text = format!("format: 1\nboard: x\n{playbook}");
    let loaded = load(&Arc::new(Source { name: "x.yaml".to_owned(), text }), &|_| Err(String::new()));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let playbook = loaded.playbook.unwrap();
    assert!(check(&playbook, &catalog).is_empty(), "{:?}", check(&playbook, &catalog));
    let ready = ReadyTool {
        launcher: launcher.iter().map(Into::into).collect(),
        version: "1.2".parse().unwrap(),
        flavour: None,
        says_to_be: Vec::new(),
        environment: BTreeMap::new(),
        environment_remove: Vec::new(),
        start_up: std::time::Duration::ZERO,
        warm: desk.warm.clone(),
    };
    let tools = catalog.tools.iter().map(|tool| (tool.name.clone(), ready.clone())).collect();
    let settings = Settings {
        variables: std::collections::BTreeMap::new(),
        chosen: desk.chosen.clone(),
        allow_irreversible: BTreeSet::new(),
        simulated: false,
        healthy: WhenHealthy::Ask,
        already: desk.already.clone(),
        single_calls: desk.single_calls,
        operator: None,
        record: None,
        playbook_name: "x.yaml".to_owned(),
        shipped: false,
    };
    let order = Order { playbook: &playbook, catalog: &catalog, tools: Tools::Ready(tools), settings: &settings };
    let mut events = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let files = Files::new(Scratch::create().unwrap());
    let finish = runtime.block_on(run(order, files, desk, &mut |event: &Event| events.push(event.clone())));
    Story { outcome: finish.outcome, events }
}
