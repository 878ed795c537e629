//! The USB bus: what is attached, when that changes, and whether this user may open it.
//!
//! Only lists and watches; talking to devices is the vendors' tools' business. Every system's differences of access live in
//! `linux.rs` and `elsewhere.rs`.

mod access;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod port;
mod shared;

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use nusb::MaybeFuture;
use nusb::hotplug::HotplugWatch;

use self::access::AccessMemory;
use self::port::{PortReading, port_meant};
pub use self::shared::SharedBus;
use crate::documents::catalog::OperatingSystem;
use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;
use crate::world::{AttachedDevice, DeviceList, NoBus, OtherDevice};

/// Where the system does not tell of changes, the bus is looked at this often.
const LOOK_WITHOUT_WATCH: Duration = Duration::from_millis(200);

/// From the moment at which a device is there until a tool starts the engine looks several times, and one reading of the bus is
/// enough. What comes meanwhile is told by the watch, and whoever waits for that sees it at once.
const LOOK_LASTS: Duration = Duration::from_millis(5);

/// The same where runs share the bus: their looks come together, and the watch ends the reading's time.
const SHARED_LOOK_LASTS: Duration = Duration::from_millis(50);

/// bDeviceClass of hubs (USB 2.0, table 9-8, and the class codes of usb.org).
const CLASS_HUB: u8 = 0x09;

/// The bus and what has been learned about it. The watch begins with the first wait for a change.
pub struct UsbBus {
    watch: Mutex<Watch>,
    access: AccessMemory,
    looked: Mutex<Option<Looked>>,
    look_lasts: Duration,
}

impl Default for UsbBus {
    fn default() -> Self {
        UsbBus {
            watch: Mutex::default(),
            access: AccessMemory::default(),
            looked: Mutex::default(),
            look_lasts: LOOK_LASTS,
        }
    }
}

/// What the last look has shown.
struct Looked {
    at: Instant,
    devices: Vec<nusb::DeviceInfo>,
}

/// One device, as the host's system numbers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Attachment {
    pub(super) id: UsbId,
    /// The name of the place where it is, such as `1-2.3`: bus, then the ports from the root hub on.
    pub(super) port: String,
    /// The system's name of the bus; on Linux its number in three digits.
    pub(super) bus: String,
    /// Changes at every enumeration.
    pub(super) address: u8,
}

#[derive(Default)]
enum Watch {
    #[default]
    NotYet,
    Watching(HotplugWatch),
    /// Not possible here: then looking now and then has to do.
    Unavailable,
}

impl UsbBus {
    /// For several runs at once.
    fn shared() -> Self {
        UsbBus { look_lasts: SHARED_LOOK_LASTS, ..UsbBus::default() }
    }

    /// Devices with one of these ids, with the kind given beside it. Serial bridges are listed by their ports elsewhere, so
    /// ids of that kind are left out here.
    pub fn devices(&self, kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
        let mut devices = Vec::new();
        let mut attached = Vec::new();
        for device in self.list()? {
            let id = UsbId { vendor: device.vendor_id(), product: device.product_id() };
            let wanted = kinds.iter().find(|(wanted, kind)| *wanted == id && *kind != DeviceKind::Serial);
            let Some(&(_, kind)) = wanted else { continue };
            let attachment = Attachment {
                id,
                port: port_of(&device),
                bus: device.bus_id().to_owned(),
                address: device.device_address(),
            };
            devices.push(AttachedDevice {
                id,
                port: attachment.port.clone(),
                serial: device.serial_number().map(str::to_owned),
                product: device.product_string().map(str::to_owned),
                interfaces: device
                    .interfaces()
                    .filter_map(|interface| interface.interface_string().map(str::to_owned))
                    .collect(),
                version: Some(device.device_version()),
                kind,
                access: self.access.ask((attachment.clone(), kind), || match kind {
                    DeviceKind::Hid => system::may_open_hid(&attachment),
                    DeviceKind::Usb | DeviceKind::Serial => system::may_open_usb(&attachment),
                }),
                arrival: arrival(&attachment),
            });
            attached.push((attachment, kind));
        }
        self.access.forget_all_but(&attached);
        devices.sort_by(|a, b| a.port.cmp(&b.port));
        Ok(devices)
    }

    /// What is attached beside devices with these ids; hubs are left out, which nobody asks for.
    pub fn others(&self, known: &[UsbId]) -> Result<Vec<OtherDevice>, NoBus> {
        let other = |device: &nusb::DeviceInfo| {
            let id = UsbId { vendor: device.vendor_id(), product: device.product_id() };
            let told = device.class() != CLASS_HUB && !known.contains(&id);
            told.then(|| OtherDevice { id, port: port_of(device), product: device.product_string().map(str::to_owned) })
        };
        let mut others: Vec<OtherDevice> = self.list()?.iter().filter_map(other).collect();
        others.sort_by(|a, b| a.port.cmp(&b.port));
        Ok(others)
    }

    fn list(&self) -> Result<Vec<nusb::DeviceInfo>, NoBus> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = looked.as_ref().filter(|last| last.at.elapsed() < self.look_lasts) {
            return Ok(last.devices.clone());
        }
        *looked = None;
        if let Some(missing) = system::subsystem_missing() {
            return Err(NoBus::Missing(missing));
        }
        let found = nusb::list_devices().wait().map_err(|error| NoBus::Usb(error.to_string()))?;
        let devices: Vec<_> = found.collect();
        *looked = Some(Looked { at: Instant::now(), devices: devices.clone() });
        Ok(devices)
    }

    /// What is there may have become another: the next look is a reading.
    pub(super) fn look_anew(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Completes when devices came or went, and, where the system cannot tell, now and then. Also who gives up waiting sees
    /// what is there then.
    pub async fn changed(&self) {
        self.look_anew();
        let watch = || self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let told = poll_fn(|context| watch().poll(context));
        let look = async {
            if matches!(*watch(), Watch::Unavailable) {
                tokio::time::sleep(LOOK_WITHOUT_WATCH).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = told => {}
            () = look => {}
        }
        self.look_anew();
    }
}

impl fmt::Debug for UsbBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsbBus").finish_non_exhaustive()
    }
}

impl Watch {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if matches!(self, Watch::NotYet) {
            *self = nusb::watch_devices().map_or(Watch::Unavailable, Watch::Watching);
        }
        let mut changed = Poll::Pending;
        while let Watch::Watching(watch) = self {
            match Pin::new(watch).poll_next(context) {
                // A hub brings many events at once; one look serves them all.
                Poll::Ready(Some(_)) => changed = Poll::Ready(()),
                Poll::Ready(None) => *self = Watch::Unavailable,
                Poll::Pending => break,
            }
        }
        changed
    }
}

/// Systems number each device anew when it comes to the bus, up to 127 and then again from 1: never 0.
fn arrival(attachment: &Attachment) -> u64 {
    u64::from(attachment.address)
}

/// The instance of the hub that the device is at, and the port of it, where buses have no numbers.
#[cfg(windows)]
fn hub_of(device: &nusb::DeviceInfo) -> Option<(String, u32)> {
    Some((device.parent_instance_id().to_string_lossy().into_owned(), device.port_number()))
}

#[cfg(not(windows))]
fn hub_of(_device: &nusb::DeviceInfo) -> Option<(String, u32)> {
    None
}

fn port_of(device: &nusb::DeviceInfo) -> String {
    let hub = hub_of(device);
    let hub = hub.as_ref().map(|(instance, port)| (instance.as_str(), *port));
    let (bus, chain) = (device.bus_id(), device.port_chain());
    PortReading { system: OperatingSystem::current(), bus, chain, hub }.name()
}

/// The name of the port that a person means on this computer, in whatever form they typed it.
pub fn meant_port(typed: &str) -> String {
    port_meant(OperatingSystem::current(), typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_or_says_why_not() {
        let bus = UsbBus::default();
        let nobody = UsbId { vendor: 0x1209, product: 0 };
        match bus.devices(&[(nobody, DeviceKind::Usb)]) {
            Ok(devices) => assert_eq!(devices, []),
            Err(reason) => assert!(!reason.to_string().is_empty()),
        }
    }

    #[test]
    fn watching_does_no_harm_where_nothing_changes() {
        // Where the system cannot be watched, time is.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _within = runtime.enter();
        let bus = UsbBus::default();
        let mut context = Context::from_waker(std::task::Waker::noop());
        // Whatever came just now has been told by the first question.
        let _ = std::pin::pin!(bus.changed()).poll(&mut context);
        let _ = std::pin::pin!(bus.changed()).poll(&mut context);
    }
}
