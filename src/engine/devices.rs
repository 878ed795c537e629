//! What is on the bus, in the playbook's own words.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::documents::catalog::{Catalog, ChosenNode, Tool, option_values};
use crate::documents::expression::UnknownFact;
use crate::documents::playbook::{ChosenBoard, Device, DeviceKind, Playbook, Until, choosing};
use crate::engine::ReadyTool;
use crate::engine::call_again::JUST_COME;
use crate::engine::permission::{of_host, remedy_for};
use crate::engine::proof::{Proofs, is_serial_port};
use crate::engine::strangers::Strangers;
use crate::output::Presence;
use crate::words::{Fault, FaultClass, Id, UsbId};
use crate::world::{Access, AttachedDevice, DeviceList, NoBus, World, sha256_of_bytes};

/// Which of several boards the person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    Any,
    Port(String),
    Serial(String),
}

/// The bus as one playbook sees it.
pub(super) struct Bus<'a, W> {
    pub(super) world: &'a W,
    pub(super) playbook: &'a Playbook,
    pub(super) catalog: &'a Catalog,
    pub(super) chosen: Chosen,
    /// Where the board with the chosen serial number was first seen. A board shows other serial numbers in its other
    /// modes, but it stays on its port.
    pub(super) port: RefCell<Option<String>>,
    /// Ports of devices that are none of this playbook's, although they show such an id. Each counts again once it has
    /// been gone.
    set_aside: RefCell<Vec<String>>,
    /// The only one that counts, while it is found out whether it is the right one.
    examined: RefCell<Option<String>>,
    pub(super) proofs: RefCell<Proofs>,
    pub(super) strangers: Strangers,
    /// What was there at the last look, and since when.
    seen: RefCell<Option<Vec<Seen>>>,
    /// Tools that cannot be told which board to take, as far as they are found.
    untold: RefCell<BTreeSet<String>>,
    /// Some device of the playbook has been there in this run.
    ever_seen_any: Cell<bool>,
}

/// A device and when it came; nothing where it was there at the first look already.
#[derive(Debug, Clone)]
struct Seen {
    id: UsbId,
    port: String,
    arrival: u64,
    since: Option<Instant>,
    /// Another one for each coming that was noticed.
    number: u64,
}

/// Arguments that tell a tool which board to take; none where it takes any.
#[derive(Debug, Default)]
pub(super) struct BoardChoice {
    pub(super) args: Vec<String>,
    pub(super) node: Option<ChosenNode>,
}

/// How a state of the bus compares with what is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    Yes,
    /// "15a2:0073 RAM flashloader is not there yet".
    NotYet(String),
    /// A fault that waiting longer hardly cures.
    Never(Fault),
}

impl<'a, W: World> Bus<'a, W> {
    pub(super) fn new(world: &'a W, playbook: &'a Playbook, catalog: &'a Catalog, chosen: Chosen) -> Self {
        let port = match &chosen {
            Chosen::Port(port) => Some(port.clone()),
            _ => None,
        };
        Bus {
            world,
            playbook,
            catalog,
            chosen,
            port: RefCell::new(port),
            set_aside: RefCell::default(),
            examined: RefCell::default(),
            proofs: RefCell::default(),
            strangers: Strangers::default(),
            seen: RefCell::default(),
            untold: RefCell::default(),
            ever_seen_any: Cell::new(false),
        }
    }

    pub(super) fn kinds(&self) -> Vec<(UsbId, DeviceKind)> {
        let devices = self.playbook.devices.iter();
        devices.flat_map(|device| device.ids.iter().map(|id| (*id, device.kind))).collect()
    }

    /// Every attached device that the playbook knows, on whatever port.
    pub(super) fn attached(&self) -> DeviceList {
        let kinds = self.kinds();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let mut devices = self.world.devices(&kinds)?;
        devices.retain(|device| kinds.iter().any(|(id, _)| *id == device.id));
        self.proofs.borrow_mut().look(&devices);
        self.note(&devices);
        Ok(devices)
    }

    /// Remembers what is there, and since when.
    fn note(&self, devices: &[AttachedDevice]) {
        let mut seen = self.seen.borrow_mut();
        let now = seen.is_some().then(Instant::now);
        let known = seen.take().unwrap_or_default();
        let next = known.iter().map(|seen| seen.number).max().unwrap_or(0) + 1;
        let noted = |device: &AttachedDevice| {
            let same = |seen: &&Seen| {
                (seen.id, seen.port.as_str(), seen.arrival) == (device.id, device.port.as_str(), device.arrival)
            };
            known.iter().find(same).cloned().unwrap_or_else(|| Seen {
                id: device.id,
                port: device.port.clone(),
                arrival: device.arrival,
                since: now,
                number: next,
            })
        };
        *seen = Some(devices.iter().map(noted).collect());
        self.ever_seen_any.set(self.ever_seen_any.get() || !devices.is_empty());
    }

    pub(super) fn has_ever_seen_any(&self) -> bool {
        self.ever_seen_any.get()
    }

    /// Tells the comings of a device apart.
    pub(super) fn comings(&self, name: Option<&Id>) -> Vec<u64> {
        let device = name.and_then(|name| self.playbook.device(name));
        let found = device.and_then(|device| self.matching(device).ok()).unwrap_or_default();
        found.iter().filter_map(|device| self.seen_as(device).map(|seen| seen.number)).collect()
    }

    fn seen_as(&self, device: &AttachedDevice) -> Option<Seen> {
        let seen = self.seen.borrow();
        seen.iter().flatten().find(|seen| seen.id == device.id && seen.port == device.port).cloned()
    }

    /// Is it there, as far as this user may use it or that is not known?
    pub(super) fn sees(&self, device: &Device) -> bool {
        self.matching(device).is_ok_and(|found| found.iter().any(|device| device.access != Access::Denied))
    }

    /// How much is left of the time in which a device that has just come may not be free yet.
    pub(super) fn just_come_left(&self, device: &Device) -> Duration {
        let found = self.matching(device).unwrap_or_default();
        let since = found.iter().filter_map(|device| self.seen_as(device)?.since).max();
        since.map_or(Duration::ZERO, |since| JUST_COME.saturating_sub(since.elapsed()))
    }

    /// What to do where this device cannot be used.
    pub(super) fn remedy(&self, device: &Device, advice: Option<String>) -> Option<String> {
        let found = self.matching(device).unwrap_or_default();
        remedy_for(device, found.first(), advice, self.world, (self.playbook, self.catalog))
    }

    /// A fault in which a wait ends, with what is to be done about it.
    pub(super) fn explained(&self, mut fault: Fault, until: &Until) -> Fault {
        let mut wanted = until.present.iter().filter_map(|name| self.playbook.device(name));
        if fault.class == FaultClass::NoPermission {
            let denied = |device: &&Device| {
                self.matching(device).is_ok_and(|found| found.iter().any(|device| device.access == Access::Denied))
            };
            fault.help = wanted.find(denied).and_then(|device| self.remedy(device, fault.help.take()));
        } else if fault.class == FaultClass::NoDevice {
            let of_host = wanted.next().and_then(|device| of_host(self.world.host(), device));
            fault.help =
                [fault.help.take(), of_host].into_iter().flatten().reduce(|help, more| format!("{help}\n{more}"));
        }
        fault
    }

    /// The attached devices that count as `device`, on the chosen port only.
    pub(super) fn matching(&self, device: &Device) -> DeviceList {
        let mut found = self.attached()?;
        let mut set_aside = self.set_aside.borrow_mut();
        set_aside.retain(|port| found.iter().any(|attached| attached.port == *port));
        found.retain(|attached| device.ids.contains(&attached.id) && !set_aside.contains(&attached.port));
        if let Some(examined) = &*self.examined.borrow() {
            found.retain(|attached| attached.port == *examined);
        }
        let mut port = self.port.borrow_mut();
        if let (Chosen::Serial(serial), None) = (&self.chosen, &*port) {
            found.retain(|attached| attached.serial.as_deref() == Some(serial));
            *port = found.first().map(|first| first.port.clone());
        }
        if let Some(port) = &*port {
            // A serial port says nothing about where on the bus the same board shows without its bridge.
            let tells = |attached: &AttachedDevice| (attached.kind == DeviceKind::Serial) == is_serial_port(port);
            found.retain(|attached| attached.port == *port || !tells(attached));
        }
        Ok(found)
    }

    /// Only the device on this port counts, until the next such call.
    pub(super) fn examine(&self, port: Option<&str>) {
        *self.examined.borrow_mut() = port.map(str::to_owned);
    }

    /// The device on this port is another one, until it has been gone.
    pub(super) fn set_aside(&self, port: &str) {
        self.set_aside.borrow_mut().push(port.to_owned());
    }

    /// Did the person choose one board among several?
    pub(super) fn is_chosen(&self) -> bool {
        self.chosen != Chosen::Any
    }

    pub(super) fn note_tools(&self, tools: &BTreeMap<String, ReadyTool>) {
        let untold = |(name, ready): &(&String, &ReadyTool)| {
            let tool = self.catalog.tool(name);
            tool.is_some_and(|tool| !tool.can_be_told(ready.flavour.as_deref(), &ready.version))
        };
        *self.untold.borrow_mut() = tools.iter().filter(untold).map(|(name, _)| name.clone()).collect();
    }

    /// How the tool is told to take this board. Until it is found, it counts as one that can be told.
    pub(super) fn choice_of(&self, tool: &Tool, board: &AttachedDevice) -> BoardChoice {
        if self.untold.borrow().contains(&tool.name) {
            return BoardChoice::default();
        }
        let node = Some(board).filter(|board| board.kind == DeviceKind::Hid);
        let node = node.and_then(|board| self.world.node_path(board)).map(|path| hid_node_name(&path));
        let of_port = ChosenBoard::at(&board.port, board.serial.as_deref());
        let args = choosing(tool, ChosenBoard { hid_node: node.as_deref(), ..of_port });
        let node = node.filter(|node| args.contains(node)).map(|name| ChosenNode { name, id: board.id });
        BoardChoice { args, node }
    }

    /// The same for a tool that waits by itself for what its arguments name: it is told the chosen port before anything shows there.
    pub(super) fn choice_of_unseen(&self, tool: &Tool, args: &[String]) -> BoardChoice {
        let port = self.port.borrow();
        let Some(port) = port.as_deref().filter(|port| !is_serial_port(port)) else { return BoardChoice::default() };
        let on_bus = device_in(self.playbook, tool, args).is_some_and(|device| device.kind != DeviceKind::Serial);
        if !on_bus || self.untold.borrow().contains(&tool.name) {
            return BoardChoice::default();
        }
        BoardChoice { args: choosing(tool, ChosenBoard::at(port, None)), node: None }
    }

    /// A tool that acts on this device and cannot be told which of those found is meant: then choosing one is no cure.
    fn tool_that_takes_any(&self, device: &Device, found: &[AttachedDevice]) -> Option<&'a str> {
        if device.kind == DeviceKind::Serial {
            return None;
        }
        self.playbook.leaf_steps().into_iter().find_map(|step| {
            let run = step.call()?;
            let tool = self.catalog.tool(&run.tool.value).filter(|_| run.device.as_deref() == Some(&device.name))?;
            let mut choices: Vec<_> = found.iter().map(|board| self.choice_of(tool, board).args).collect();
            choices.sort();
            let alike = choices.windows(2).any(|two| two[0] == two[1]);
            alike.then_some(run.tool.value.as_str())
        })
    }

    pub(super) fn present(&self, name: &Id) -> Result<bool, NoBus> {
        match self.playbook.device(name) {
            Some(device) => self.matching(device).map(|found| !found.is_empty()),
            None => Ok(false),
        }
    }

    /// Where the one attached device of this name is.
    pub(super) fn port(&self, name: &Id) -> Result<String, UnknownFact> {
        let device = self.playbook.device(name).ok_or_else(|| UnknownFact::Port(name.clone()))?;
        let found = self.matching(device).map_err(looked)?;
        match found.as_slice() {
            [only] => Ok(only.port.clone()),
            [] => Err(UnknownFact::Looked(format!("{} is not there", name_of(device)))),
            found => Err(UnknownFact::Looked(several(device, found).message)),
        }
    }

    /// For the judgement of a call before which these had come; unknown where the bus cannot be read.
    pub(super) fn presence(&self, name: Option<&Id>, before: &[u64]) -> Presence {
        let Some(device) = name.and_then(|name| self.playbook.device(name)) else { return Presence::Unknown };
        match self.matching(device) {
            Err(_) => Presence::Unknown,
            Ok(found) if found.is_empty() => Presence::Absent,
            Ok(found) if found.iter().all(|device| device.access == Access::Denied) => Presence::Denied,
            Ok(found) => {
                let stayed =
                    found.iter().any(|device| self.seen_as(device).is_some_and(|it| before.contains(&it.number)));
                if stayed { Presence::Present } else { Presence::Returned }
            }
        }
    }

    /// "1fc9:0135 i.MX RT ROM", for each attached device that this playbook knows, or that of another board.
    pub(super) fn describe_attached(&self) -> Vec<String> {
        let Ok(mut attached) = self.attached() else { return Vec::new() };
        if self.world.turns().is_some() {
            // What comes and goes at other places is no news here.
            let port = self.port.borrow();
            attached.retain(|device| device.kind == DeviceKind::Serial || port.as_ref() == Some(&device.port));
        }
        let several = attached.len() > 1;
        attached
            .iter()
            .map(|device| {
                let label = self.playbook.devices.iter().find(|known| known.ids.contains(&device.id));
                let label = label.map_or("", |known| known.label.as_str());
                let place = if several { format!(" at {}", device.port) } else { String::new() };
                let set_aside = self.set_aside.borrow().contains(&device.port);
                let answers = if set_aside { " (does not answer)" } else { "" };
                let access = if device.access == Access::Denied { " (not permitted)" } else { "" };
                format!("{} {label}{place}{access}{answers}", device.id)
            })
            .chain(self.describe_strangers())
            .collect()
    }

    /// Compares the bus with what is waited for.
    pub(super) fn met(&self, until: &Until) -> Met {
        let mut missing = Vec::new();
        for name in &until.present {
            let Some(device) = self.playbook.device(name) else { continue };
            let found = match self.matching(device) {
                Ok(found) => found,
                Err(reason) => return Met::Never(no_bus(&reason)),
            };
            if found.len() > 1 {
                let mut fault = several(device, &found);
                if let Some(tool) = self.tool_that_takes_any(device, &found) {
                    fault.help = Some(takes_any(tool));
                }
                return Met::Never(fault);
            }
            match found.first() {
                None => missing.push(format!("{} is not there yet", name_of(device))),
                Some(only) if only.access == Access::Denied => return Met::Never(denied(device)),
                Some(_) => {}
            }
        }
        for name in &until.gone {
            let Some(device) = self.playbook.device(name) else { continue };
            match self.matching(device) {
                Ok(found) if found.is_empty() => {}
                Ok(_) => missing.push(format!("{} is still there", name_of(device))),
                Err(reason) => return Met::Never(no_bus(&reason)),
            }
        }
        if missing.is_empty() { Met::Yes } else { Met::NotYet(missing.join(", ")) }
    }
}

/// To an expression it is one more thing that is not known.
pub(super) fn looked(reason: impl std::error::Error) -> UnknownFact {
    UnknownFact::Looked(reason.to_string())
}

/// The bus cannot be read at all.
pub(super) fn no_bus(reason: &NoBus) -> Fault {
    let mut fault = Fault::new(FaultClass::NoDevice, reason.to_string());
    fault.help = Some(
        "Run recover on the computer that the board is connected to, not in a container or a virtual machine"
            .to_owned(),
    );
    fault
}

/// "15a2:0073 RAM flashloader"; with several ids the first stands for all.
pub(super) fn name_of(device: &Device) -> String {
    let ids: Vec<String> = device.ids.iter().map(ToString::to_string).collect();
    format!("{} {}", ids.join(" or "), device.label)
}

/// How NXP's tools name a device by its node: the path's hash that `nxpdevscan` prints, which `-u` takes (`get_hash()` in
/// `spsdk/utils/misc.py`). The path itself will not do: it is looked for as a part of others, and `/dev/hidraw1` is a part of
/// `/dev/hidraw12`.
fn hid_node_name(node: &Path) -> String {
    let mut name = sha256_of_bytes(node.as_os_str().as_encoded_bytes());
    name.truncate(8);
    name
}

/// The device that a call's arguments name by its id.
pub(super) fn device_in<'p>(playbook: &'p Playbook, tool: &Tool, args: &[String]) -> Option<&'p Device> {
    let ids = option_values(tool, args).ids;
    let named = |device: &&Device| ids.iter().any(|(_, id)| device.ids.contains(id));
    playbook.devices.iter().find(named)
}

/// "15a2:0073 RAM flashloader is there and 1fc9:0135 i.MX RT ROM is gone".
pub(super) fn describe_until(until: &Until, playbook: &Playbook) -> String {
    let part = |name: &Id, state: &str| {
        playbook.device(name).map_or_else(|| format!("{name} {state}"), |device| format!("{} {state}", name_of(device)))
    };
    let mut parts: Vec<String> = until.present.iter().map(|name| part(name, "is there")).collect();
    parts.extend(until.gone.iter().map(|name| part(name, "is gone")));
    parts.join(" and ")
}

pub(super) fn several(device: &Device, found: &[AttachedDevice]) -> Fault {
    let boards: Vec<String> = found
        .iter()
        .map(|board| match &board.serial {
            Some(serial) => format!("port {} (serial {serial})", board.port),
            None => format!("port {}", board.port),
        })
        .collect();
    let mut fault = Fault::new(
        FaultClass::AmbiguousDevice,
        format!("{} devices show as {}: {}", found.len(), name_of(device), boards.join(", ")),
    );
    fault.help = Some(format!(
        "Leave only the board to be recovered connected, or choose one with --port {}",
        found.first().map_or("PORT", |board| board.port.as_str())
    ));
    fault
}

/// What to do where choosing a board does not help.
fn takes_any(tool: &str) -> String {
    format!("{tool} cannot be told which one to take: disconnect all boards but the one to be recovered")
}

/// The same, where it is known which one is meant.
pub(super) fn unplug_others(tool: &str, board: &AttachedDevice, others: &[AttachedDevice]) -> String {
    let others: Vec<&str> = others.iter().map(|other| other.port.as_str()).collect();
    format!(
        "{tool} cannot be told which one to take: unplug what is at {}, and leave the one at {}",
        others.join(" and at "),
        board.port
    )
}

fn denied(device: &Device) -> Fault {
    let message = format!("{} is connected, but you have no permission to use it", name_of(device));
    Fault::new(FaultClass::NoPermission, message)
}
