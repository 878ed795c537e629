//! USB-to-serial bridges and their ports. Never opens one: that moves its control lines and may reset the board.

use std::path::Path;

use serialport::SerialPortType;

use crate::documents::playbook::DeviceKind;
use crate::words::UsbId;
use crate::world::system::may_read_and_write;
use crate::world::{Access, AttachedDevice, DeviceList, NoBus};

/// The ports of bridges with one of these ids of kind [`DeviceKind::Serial`].
pub fn serial_ports(kinds: &[(UsbId, DeviceKind)]) -> DeviceList {
    // Without this folder there are no ports, and the crate would panic.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = serialport::available_ports().map_err(|error| NoBus::Serial(error.to_string()))?;
    let mut devices: Vec<AttachedDevice> = ports
        .into_iter()
        .filter_map(|port| match port.port_type {
            SerialPortType::UsbPort(usb) => Some((port.port_name, usb)),
            _ => None,
        })
        // macOS lists each port twice; waiting for carrier detect, the `tty` one does not suit bridges.
        .filter(|(path, _)| !path.starts_with("/dev/tty."))
        .map(|(path, usb)| AttachedDevice {
            id: UsbId { vendor: usb.vid, product: usb.pid },
            access: port_access(&path),
            port: path,
            serial: usb.serial_number,
            product: usb.product,
            interfaces: Vec::new(),
            version: None,
            kind: DeviceKind::Serial,
            arrival: 0,
        })
        .filter(|device| kinds.contains(&(device.id, DeviceKind::Serial)))
        .collect();
    devices.sort_by(|a, b| a.port.cmp(&b.port));
    Ok(devices)
}

fn port_access(port: &str) -> Access {
    match may_read_and_write(Path::new(port)) {
        Some(true) => Access::Permitted,
        Some(false) => Access::Denied,
        None => Access::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_nothing_that_was_not_asked_for() {
        assert_eq!(serial_ports(&[]), Ok(Vec::new()));
    }

    #[cfg(unix)]
    #[test]
    fn access_is_told_without_opening() {
        assert_eq!(port_access("/dev/null"), Access::Permitted);
        assert_eq!(port_access("/nowhere/at/all"), Access::Denied);
    }
}
