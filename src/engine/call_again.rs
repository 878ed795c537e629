//! When a call is made once more without anybody's doing: tool and bus disagree, or the device has only just come and is
//! not free yet. Only calls that have not reached the board are; playbooks need not say it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::documents::catalog::{OperatingSystem, Tool};
use crate::documents::playbook::{Run, Step};
use crate::engine::devices::name_of;
use crate::engine::runner::Runner;
use crate::output::{Judge, Judgement, Presence, Touched};
use crate::words::{Fault, FaultClass, ToolEnd, Verdict};
use crate::world::World;

/// A tool that does not find what is on the bus gets this time before it looks again, and a device that is breaking away is
/// given it to leave.
const SETTLE: Duration = Duration::from_secs(1);
/// A device that has just come may be held by others for so long: udev gives permissions, ModemManager tries every new
/// port for a modem.
pub(super) const JUST_COME: Duration = Duration::from_secs(30);
/// The pauses between tries of a device that is not free yet, so that the last try comes at the end of that time.
const PAUSES_S: [u64; 9] = [1, 1, 2, 3, 4, 4, 5, 5, 5];

/// The tries of one call.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// It did not find a device that is there.
    unseen: u32,
    /// It was not let at the device.
    barred: u32,
}

/// A further try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub(super) attempt: u32,
    pub(super) attempts_max: u32,
    pub(super) pause: Duration,
}

impl<W: World> Runner<'_, W> {
    /// Judges a call once its tool has ended. What is about to leave the bus is given a moment to do so.
    pub(super) async fn judged(&self, judge: &mut Judge<'_>, end: &ToolEnd, run: &Run, before: &[u64]) -> Judgement {
        let name = run.device.as_deref();
        let at_once = judge.judge(end, Presence::Unknown);
        let breaking = matches!(&at_once.verdict, Verdict::Fault(fault) if fault.class == FaultClass::DeviceLost);
        let give_up = Instant::now() + SETTLE;
        loop {
            let presence = self.bus.presence(name, before);
            let now = Instant::now();
            if !breaking || !matches!(presence, Presence::Present | Presence::Denied) || now >= give_up {
                return judge.judge(end, presence);
            }
            let world = self.world;
            tokio::select! {
                () = world.devices_changed() => {}
                () = sleep_until(give_up) => {}
            }
        }
    }

    /// Is the call to be made again? Then after this pause.
    pub(super) fn again(&self, step: &Step, run: &Run, judgement: &Judgement, tries: &mut Tries) -> Option<Again> {
        let Verdict::Fault(fault) = &judgement.verdict else { return None };
        let foreseen = run.on_fault.iter().any(|on| on.classes.contains(&fault.class));
        // What can never be undone is begun once, whatever the tool says of it.
        let once = self.stopping.is_shielded() || step.irreversible.is_some() || self.stopping.wish().is_some();
        if foreseen || once || judgement.touched != Touched::Nothing {
            return None;
        }
        let device = self.playbook.device(run.device.as_ref()?)?;
        match fault.class {
            FaultClass::NoDevice if self.bus.sees(device) && tries.unseen == 0 => {
                tries.unseen += 1;
                Some(Again { attempt: 2, attempts_max: 2, pause: SETTLE })
            }
            FaultClass::NoPermission => {
                let left = self.bus.just_come_left(device);
                let pause = PAUSES_S.get(usize::try_from(tries.barred).ok()?).copied().map(Duration::from_secs)?;
                if left.is_zero() {
                    return None;
                }
                tries.barred += 1;
                let attempts_max = u32::try_from(PAUSES_S.len()).unwrap_or(u32::MAX) + 1;
                Some(Again { attempt: tries.barred + 1, attempts_max, pause: pause.min(left) })
            }
            _ => None,
        }
    }

    /// What a fault comes to, now that the call is not made again.
    pub(super) fn at_last(&self, fault: &mut Fault, tool: &Tool, run: &Run, tries: &Tries) {
        let Some(device) = run.device.as_ref().and_then(|name| self.playbook.device(name)) else { return };
        if fault.class == FaultClass::NoDevice && tries.unseen > 0 && self.bus.sees(device) {
            fault.class = FaultClass::NoPermission;
            fault.message = format!("{} is attached, but {} cannot open it", name_of(device), tool.name);
            let known = tool.faults.iter().find(|known| known.class == FaultClass::NoPermission);
            fault.help = known.and_then(|known| known.help.on(OperatingSystem::current()).clone());
        }
        if fault.class == FaultClass::NoPermission {
            fault.help = self.bus.remedy(device, fault.help.take());
        }
    }
}
