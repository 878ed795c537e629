//! The world of real tools, real devices and a real person.

use std::io;
use std::path::PathBuf;

use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;
use crate::world::awake::HeldAwake;
use crate::world::interrupts::Interrupts;
use crate::world::person::Person;
use crate::world::process::Interpreters;
use crate::world::serial::serial_ports;
use crate::world::system::KEEPERS;
use crate::world::tools::own_search_path;
use crate::world::usb::{SharedBus, UsbBus};
use crate::world::{
    Ask, Awake, Cleared, DeviceList, Host, Interrupt, MovingHands, NoBus, OtherDevice, Reply, RunningTool, World,
};
#[cfg(target_os = "linux")]
use crate::world::{AttachedDevice, DeviceNode, NodeHolder, node, node_lock::NodeLocks};

#[derive(Debug)]
enum MachineBus {
    Own(UsbBus),
    /// With the runs at other places.
    Shared(SharedBus),
}

impl MachineBus {
    fn usb(&self) -> &UsbBus {
        match self {
            MachineBus::Own(bus) => bus,
            MachineBus::Shared(shared) => &shared.bus,
        }
    }
}

#[derive(Debug)]
pub struct Machine {
    bus: MachineBus,
    person: Person,
    /// None where nothing waits for them, so that they do what they do to any program.
    interrupts: Option<Interrupts>,
    interpreters: Interpreters,
    moving_hands: Option<MovingHands>,
    #[cfg(target_os = "linux")]
    node_locks: NodeLocks,
}

impl Machine {
    /// Catches interrupts from here on. Needs a tokio runtime around it, with I/O and time enabled.
    pub fn new(person: Person) -> io::Result<Self> {
        Ok(Machine { interrupts: Some(Interrupts::listen()?), ..Machine::with(person) })
    }

    /// One place of several in this process, which share the bus and whoever listens for wishes to end.
    pub fn at_place(person: Person, bus: SharedBus, interrupts: Interrupts) -> Self {
        Machine { bus: MachineBus::Shared(bus), interrupts: Some(interrupts), ..Machine::with(person) }
    }

    /// Only looks at what is attached, and catches nothing: what has once been caught reaches this process in no other way.
    pub fn that_looks() -> Self {
        Machine::with(Person::nobody())
    }

    /// What the person's hands would do is done by these.
    #[must_use]
    pub fn with_moving_hands(mut self, hands: Option<MovingHands>) -> Self {
        self.moving_hands = hands;
        self
    }

    fn with(person: Person) -> Self {
        Machine {
            bus: MachineBus::Own(UsbBus::default()),
            person,
            interrupts: None,
            interpreters: Interpreters::default(),
            moving_hands: None,
            #[cfg(target_os = "linux")]
            node_locks: NodeLocks::default(),
        }
    }
}

impl World for Machine {
    fn start(&self, call: &Cleared) -> RunningTool {
        // The tool may send the board away.
        self.bus.usb().look_anew();
        self.interpreters.start(call)
    }

    fn warm_up(&self, interpreter: &Cleared) {
        self.interpreters.warm_up(interpreter);
    }

    fn was_warm(&self) -> bool {
        self.interpreters.was_warm()
    }

    fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        if let MachineBus::Shared(shared) = &self.bus {
            shared.looks();
        }
        let serial = |(_, kind): &(UsbId, DeviceKind)| *kind == DeviceKind::Serial;
        let mut devices = Vec::new();
        // A computer without USB may still have the ports that a playbook asks for, and the other way round.
        if !kinds.iter().all(serial) {
            devices.extend(self.bus.usb().devices(kinds)?);
        }
        if kinds.iter().any(serial) {
            devices.extend(serial_ports(kinds)?);
        }
        Ok(devices)
    }

    fn others(&self, known: &[UsbId]) -> Result<Vec<OtherDevice>, NoBus> {
        self.bus.usb().others(known)
    }

    #[cfg(target_os = "linux")]
    fn node_path(&self, device: &AttachedDevice) -> Option<PathBuf> {
        match device.kind {
            DeviceKind::Usb => node::usb_node(&device.port),
            DeviceKind::Hid => node::hid_node(&device.port),
            DeviceKind::Serial => Some(device.port.clone().into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn node_path(&self, _: &AttachedDevice) -> Option<PathBuf> {
        None
    }

    #[cfg(target_os = "linux")]
    fn node(&self, device: &AttachedDevice) -> Option<DeviceNode> {
        self.node_path(device).and_then(|path| node::describe(&path))
    }

    #[cfg(target_os = "linux")]
    fn hold(&self, device: &AttachedDevice) -> Result<(), Vec<NodeHolder>> {
        self.node_locks.hold(device)
    }

    fn host(&self) -> Host {
        Host::of_this_computer()
    }

    fn stay_awake(&self) -> Option<Box<dyn Awake>> {
        Some(Box::new(HeldAwake::by(KEEPERS, own_search_path())))
    }

    async fn devices_changed(&self) {
        match &self.bus {
            MachineBus::Own(bus) => bus.changed().await,
            MachineBus::Shared(shared) => shared.changed().await,
        }
    }

    fn ask(&self, ask: Ask<'_>) {
        match ask {
            Ask::Hands { moves: [_, ..], .. } if self.moving_hands.is_some() => self.person.ask_nothing(),
            _ => self.person.ask(),
        }
    }

    fn moving_hands(&self) -> Option<&MovingHands> {
        self.moving_hands.as_ref()
    }

    async fn reply(&self) -> Reply {
        self.person.reply().await
    }

    fn interactive(&self) -> bool {
        self.person.present()
    }

    fn who_agrees(&self) -> Option<&'static str> {
        self.person.who()
    }

    async fn interrupted(&self) -> Interrupt {
        let by_signal = async {
            match &self.interrupts {
                Some(interrupts) => interrupts.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            by = by_signal => by,
            () = self.person.wishes_to_end() => Interrupt::Interrupt,
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::words::ToolEnd;
    use crate::world::{ToolCall, ToolEvent, ToolInput};

    #[test]
    fn is_a_world() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let machine = Machine::new(Person::nobody()).unwrap();
            assert!(!machine.interactive());
            assert_eq!(machine.reply().await, Reply::Gone);
            assert_eq!(machine.devices(&[]), Ok(Vec::new()));
            let mut tool = machine.start(&Cleared::unseen(ToolCall {
                launcher: vec!["/bin/sh".into()],
                args: vec!["-c".to_owned(), "exit 3".to_owned()],
                environment: BTreeMap::new(),
                environment_remove: Vec::new(),
                folder: std::env::temp_dir(),
                terminal: false,
                input: ToolInput::Nothing,
                warm: None,
            }));
            assert_eq!(tool.events.recv().await, Some(ToolEvent::Ended(ToolEnd::Exited(3))));
            assert_eq!(tool.events.recv().await, None);
        });
    }
}
