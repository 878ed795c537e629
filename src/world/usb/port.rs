//! The name of a port: one for people, short, and the same each time something is plugged in there.
//!
//! Records and locks use the same name, so whatever a person may type for a port is brought to that form first. What a tool
//! wants to be told instead follows from it (`libusb_path` of the playbooks' command lines): on Linux and macOS the name is
//! libusb's own.

use crate::documents::catalog::OperatingSystem;

/// How the system tells where a device is, as nusb 0.2 passes it on.
#[derive(Debug, Clone, Copy)]
pub(super) struct PortReading<'a> {
    pub(super) system: OperatingSystem,
    /// Linux: a decimal number (`platform/linux_usbfs/enumeration.rs`). macOS: the first byte of the location ID, in
    /// hexadecimal (`platform/macos_iokit/enumeration.rs`). Windows: the location path up to its `#USBROOT(…)`, empty where
    /// there is none (`platform/windows_winusb/enumeration.rs`, `parse_location_path`).
    pub(super) bus: &'a str,
    /// The ports from the root hub on.
    pub(super) chain: &'a [u8],
    /// Windows only: the instance of the hub, and the port of it.
    pub(super) hub: Option<(&'a str, u32)>,
}

impl PortReading<'_> {
    /// `1-2.3`, and on Windows `pci1400-2.3`: there libusb numbers host controllers in the order in which it comes upon
    /// them (`HCD_PASS` in its `os/windows_winusb.c`), which nobody else can know.
    pub(super) fn name(&self) -> String {
        let bus = match self.system {
            OperatingSystem::Linux => Some(decimal(self.bus)),
            // So does libusb: the location ID, shifted right by 24 (`os/darwin_usb.c`).
            OperatingSystem::Macos => {
                u8::from_str_radix(self.bus, 16).map_or_else(|_| decimal(self.bus), |number| number.to_string()).into()
            }
            OperatingSystem::Windows => controller(self.bus),
        };
        match (bus, self.hub) {
            (Some(bus), _) => format!("{bus}-{}", dotted(self.chain)),
            // Computers with ARM chips describe their controllers by ACPI alone.
            (None, Some((instance, port))) => {
                let own = instance.rsplit('\\').next().unwrap_or(instance);
                format!("hub{}-{port}", own.to_ascii_lowercase().replace('&', "."))
            }
            (None, None) => format!("{}-{}", self.bus, dotted(self.chain)),
        }
    }
}

/// The name of the port that a person means. Systems show a port in forms of their own, too: Windows in the Device Manager
/// as a location path, macOS in the System Information as a location ID; and Windows knows no case.
pub(super) fn port_meant(system: OperatingSystem, typed: &str) -> String {
    let typed = typed.trim();
    let meant = match system {
        OperatingSystem::Linux => None,
        OperatingSystem::Macos => by_location_id(typed),
        OperatingSystem::Windows => by_location_path(typed).or_else(|| without_case(typed)),
    };
    meant.unwrap_or_else(|| typed.to_owned())
}

/// `001` is 1.
fn decimal(number: &str) -> String {
    let short = number.trim_start_matches('0');
    if short.is_empty() { number } else { short }.to_owned()
}

fn dotted(chain: &[u8]) -> String {
    chain.iter().map(u8::to_string).collect::<Vec<_>>().join(".")
}

/// `PCIROOT(0)#PCI(1400)#USBROOT(0)` is `pci1400`: roots are told where they are not the first ones. Nothing where there
/// is no such path.
fn controller(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('#').filter(|part| !part.is_empty()) {
        let (kind, number) = part.strip_suffix(')')?.split_once('(')?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "pciroot" | "usbroot" if number == "0" => continue,
            "pciroot" => "root".to_owned(),
            "usbroot" => "usb".to_owned(),
            // Further ones are the functions behind a bridge.
            "pci" if parts.last().is_some_and(|last: &String| last.starts_with("pci")) => String::new(),
            kind => kind.to_owned(),
        };
        parts.push(format!("{kind}{}", number.to_ascii_lowercase()));
    }
    (!path.is_empty()).then(|| parts.join(".")).filter(|name| !name.is_empty())
}

fn by_location_path(typed: &str) -> Option<String> {
    let typed = typed.to_ascii_uppercase();
    let end = typed.find("#USB(")?;
    let (bus, ports) = typed.split_at(end);
    let ports = ports.split('#').filter(|part| !part.is_empty());
    let number = |part: &str| part.strip_prefix("USB(")?.strip_suffix(')')?.parse::<u8>().ok();
    let chain: Vec<u8> = ports.map(number).collect::<Option<_>>()?;
    bus.contains("#USBROOT(").then_some(())?;
    Some(PortReading { system: OperatingSystem::Windows, bus, chain: &chain, hub: None }.name())
}

/// `COM7`, also as `\\.\COM7`, as programs must write it from the tenth on; and names as recover makes them.
fn without_case(typed: &str) -> Option<String> {
    let serial = typed.strip_prefix(r"\\.\").unwrap_or(typed).to_ascii_uppercase();
    if serial.strip_prefix("COM").is_some_and(|number| number.parse::<u32>().is_ok()) {
        return Some(serial);
    }
    let typed = typed.to_ascii_lowercase();
    ["pci", "root", "hub"].iter().any(|kind| typed.starts_with(kind)).then_some(typed)
}

/// `0x14230000`, also as the System Information writes it, `0x14230000 / 5`: a byte for the bus, then four bits for each port.
fn by_location_id(typed: &str) -> Option<String> {
    let digits = typed.split('/').next()?.trim().strip_prefix("0x")?;
    let id = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)?;
    let ports = (0..6).rev().map(|port| (id >> (4 * port) & 0xf) as u8);
    let chain: Vec<u8> = ports.take_while(|port| *port != 0).collect();
    Some(format!("{}-{}", id >> 24, dotted(&chain)))
}

#[cfg(test)]
mod tests {
    use super::OperatingSystem::{Linux, Macos, Windows};
    use super::*;
    use crate::documents::playbook::libusb_path;

    fn name(system: OperatingSystem, bus: &str, chain: &[u8]) -> String {
        PortReading { system, bus, chain, hub: None }.name()
    }

    #[test]
    fn where_libusb_numbers_buses_as_the_system_does_its_name_is_the_one_for_people() {
        for (system, bus, chain, expected) in [
            (Linux, "001", &[2, 3][..], "1-2.3"),
            (Linux, "099", &[1], "99-1"),
            (Macos, "14", &[2, 3], "20-2.3"),
            (Macos, "02", &[1], "2-1"),
            (Macos, "ff", &[8, 7, 5], "255-8.7.5"),
        ] {
            let name = name(system, bus, chain);
            assert_eq!(name, expected);
            assert_eq!(libusb_path(&name), Some(expected));
        }
    }

    #[test]
    fn on_windows_a_port_is_named_by_its_controller_and_libusb_has_no_name_for_it() {
        for (bus, chain, expected) in [
            ("PCIROOT(0)#PCI(1400)#USBROOT(0)", &[2, 3][..], "pci1400-2.3"),
            ("PCIROOT(0)#PCI(0201)#PCI(0000)#USBROOT(0)", &[23, 2, 1], "pci0201.0000-23.2.1"),
            ("PCIROOT(0)#PCI(0201)#PCI(0000)#USBROOT(1)", &[16], "pci0201.0000.usb1-16"),
            ("PCIROOT(1)#PCI(0D00)#USBROOT(0)", &[4], "root1.pci0d00-4"),
        ] {
            let name = name(Windows, bus, chain);
            assert_eq!(name, expected);
            assert_eq!(libusb_path(&name), None);
        }
    }

    #[test]
    fn without_a_location_path_a_hub_and_its_port_name_the_place() {
        let at =
            |instance, port| PortReading { system: Windows, bus: "", chain: &[], hub: Some((instance, port)) }.name();
        assert_eq!(at(r"USB\ROOT_HUB30\4&1C65F0AB&0&0", 2), "hub4.1c65f0ab.0.0-2");
        assert_ne!(at(r"USB\ROOT_HUB30\4&1C65F0AB&0&0", 2), at(r"USB\ROOT_HUB30\4&1C65F0AB&0&0", 3));
        assert_ne!(at(r"USB\ROOT_HUB30\4&1C65F0AB&0&0", 2), at(r"USB\VID_05E3&PID_0610\5&1C65F0AB&0&3", 2));
    }

    #[test]
    fn a_port_may_be_typed_as_the_system_shows_it() {
        for (system, typed, expected) in [
            (Linux, "1-2.3", "1-2.3"),
            (Linux, "/dev/ttyUSB0", "/dev/ttyUSB0"),
            (Macos, "20-2.3", "20-2.3"),
            (Macos, "0x14230000", "20-2.3"),
            (Macos, "0x14230000 / 5", "20-2.3"),
            (Macos, "/dev/cu.usbserial-1", "/dev/cu.usbserial-1"),
            (Windows, "pci1400-2.3", "pci1400-2.3"),
            (Windows, "PCI1400-2.3", "pci1400-2.3"),
            (Windows, "PCIROOT(0)#PCI(1400)#USBROOT(0)#USB(2)#USB(3)", "pci1400-2.3"),
            (Windows, "pciroot(1)#pci(0d00)#usbroot(0)#usb(4)", "root1.pci0d00-4"),
            (Windows, "com7", "COM7"),
            (Windows, r"\\.\COM12", "COM12"),
            // The bench's boards have the same ports everywhere.
            (Windows, "1-2", "1-2"),
            (Windows, "/dev/ttyUSB0", "/dev/ttyUSB0"),
        ] {
            assert_eq!(port_meant(system, typed), expected, "{system:?}");
        }
    }
}
