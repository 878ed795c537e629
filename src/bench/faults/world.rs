//! The bench's world as a run with a mishap sees it: a bus that shows something else, a person who has gone, interrupts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::bench::BenchWorld;
use crate::bench::faults::RunMishap;
use crate::bench::faults::run_watch::{PlannedMishap, RunWatch};
use crate::documents::cases::Choice;
use crate::documents::playbook::{DeviceKind, Until};
use crate::words::{Id, UsbId};
use crate::world::{
    Access, Ask, AttachedDevice, Cleared, DeviceList, Interrupt, Reply, RunningTool, StopTool, ToolEvent, World,
};

/// So late a device comes.
const LATE: Duration = Duration::from_secs(5);
/// A device that comes and goes does so for so long, in this rhythm.
const FLAPS_FOR: Duration = Duration::from_secs(2);
const FLAP_MS: u128 = 400;

#[derive(Debug)]
pub(crate) struct MishapWorld {
    inner: BenchWorld,
    watch: Rc<RunWatch>,
    choices: BTreeMap<Id, Choice>,
}

impl MishapWorld {
    pub(crate) fn new(inner: BenchWorld, watch: Rc<RunWatch>, choices: BTreeMap<Id, Choice>) -> Self {
        MishapWorld { inner, watch, choices }
    }

    /// The way that the person takes where the step leaves a choice.
    fn choice(&self) -> Option<&Choice> {
        self.watch.run().point.as_ref().and_then(|point| self.choices.get(&point.step))
    }

    /// Changes what is on the bus into what is seen of it.
    fn show(&self, planned: &PlannedMishap, devices: &mut Vec<AttachedDevice>, kinds: &[(UsbId, DeviceKind)]) {
        let wanted = |device: &AttachedDevice| planned.facts.wanted.contains(&device.id);
        if !devices.iter().any(wanted) {
            return;
        }
        let since = {
            let mut run = self.watch.run_mut();
            *run.first_shown.get_or_insert_with(Instant::now)
        };
        let away = match planned.mishap {
            RunMishap::DeviceLate => since.elapsed() < LATE,
            RunMishap::DeviceFlapping => {
                since.elapsed() < FLAPS_FOR && (since.elapsed().as_millis() / FLAP_MS).is_multiple_of(2)
            }
            _ => false,
        };
        match planned.mishap {
            RunMishap::DeviceLate | RunMishap::DeviceFlapping if away => devices.retain(|device| !wanted(device)),
            RunMishap::DeviceTwice => {
                let twins = devices.iter().filter(|device| wanted(device)).map(twin).collect::<Vec<_>>();
                devices.extend(twins);
            }
            RunMishap::DeviceDenied => {
                devices.iter_mut().filter(|device| wanted(device)).for_each(|device| device.access = Access::Denied);
            }
            RunMishap::DeviceInWrongMode => {
                let Some(id) = planned.facts.instead else { return };
                let kind = kinds.iter().find(|(known, _)| *known == id).map(|(_, kind)| *kind);
                for device in devices.iter_mut().filter(|device| wanted(device)) {
                    device.id = id;
                    device.kind = kind.unwrap_or(device.kind);
                }
            }
            _ => return,
        }
        self.watch.happened();
    }
}

/// Another board of the same kind.
fn twin(device: &AttachedDevice) -> AttachedDevice {
    let port = if device.kind == DeviceKind::Serial { "/dev/ttyUSB9" } else { "9-9" };
    AttachedDevice { port: port.to_owned(), serial: Some("TWIN".to_owned()), ..device.clone() }
}

impl World for MishapWorld {
    fn start(&self, call: &Cleared) -> RunningTool {
        if self.watch.run().killed {
            return nothing();
        }
        self.inner.start(call)
    }

    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        let mut devices = self.inner.devices(kinds)?;
        self.watch.note(|seen| seen.shown.extend(devices.iter().map(|device| device.id)));
        if let Some(planned) = &self.watch.planned
            && self.watch.run().view_since.is_some()
        {
            self.show(planned, &mut devices, kinds);
        }
        Ok(devices)
    }

    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf> {
        self.inner.node_path(device)
    }

    async fn devices_changed(&self) {
        self.inner.devices_changed().await;
    }

    fn ask(&self, ask: Ask<'_>) {
        let (moves, replies) = match ask {
            Ask::Hands { moves, until } => (!moves.is_empty(), until.is_none()),
            Ask::Consent { .. } | Ask::WhichBoard | Ask::Healthy | Ask::Answer { .. } => (false, true),
        };
        self.watch.note(|seen| seen.hands |= moves);
        let (hands_gone, person_gone) = {
            let run = self.watch.run();
            (run.hands_gone || run.killed, run.person_gone || run.killed)
        };
        if hands_gone && moves || person_gone && replies {
            self.watch.happened();
        }
        if moves && !hands_gone {
            self.watch.run_mut().known.hands_moved = true;
        }
        match ask {
            Ask::Hands { until, .. } if hands_gone => self.inner.ask(Ask::Hands { moves: &[], until }),
            Ask::Hands { .. } => match self.choice() {
                None => self.inner.ask(ask),
                Some(Choice::Enter) => self.inner.ask(Ask::Hands { moves: &[], until: None }),
                // Who does what is asked presses nothing.
                Some(Choice::Hands(moves)) => self.inner.ask(Ask::Hands { moves, until: Some(&Until::default()) }),
            },
            ask => self.inner.ask(ask),
        }
    }

    async fn reply(&self) -> Reply {
        if self.watch.run().person_gone {
            return std::future::pending().await;
        }
        if self.watch.run().input_ended {
            self.watch.happened();
            return Reply::Gone;
        }
        self.inner.reply().await
    }

    fn interactive(&self) -> bool {
        self.inner.interactive()
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.inner.who_agrees()
    }

    async fn interrupted(&self) -> Interrupt {
        loop {
            let next = {
                let mut run = self.watch.run_mut();
                (!run.interrupts.is_empty()).then(|| run.interrupts.remove(0))
            };
            if let Some(by) = next {
                self.watch.happened();
                return by;
            }
            self.watch.wakes.notified().await;
        }
    }
}

/// Nothing is started any more by a program that was killed.
fn nothing() -> RunningTool {
    /// Holds the channel open: this has no end either.
    struct Never {
        _sender: tokio::sync::mpsc::Sender<ToolEvent>,
    }
    impl StopTool for Never {
        fn ask(&mut self) -> bool {
            true
        }
        fn force(&mut self) {}
    }
    let (sender, events) = tokio::sync::mpsc::channel(1);
    RunningTool { events, stop: Box::new(Never { _sender: sender }), input: None }
}
