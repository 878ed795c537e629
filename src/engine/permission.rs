//! What to do where a device is there but cannot be used: who holds it, which group may use it, what this system needs.

use crate::documents::catalog::{Catalog, OperatingSystem};
use crate::documents::library::shipped_with;
use crate::documents::playbook::{Device, DeviceKind, Playbook};
use crate::engine::device_rules::{RULES_FILE, subsystem};
use crate::words::UsbId;
use crate::world::{Access, AttachedDevice, DeviceNode, Host, World, quoted};

/// What is known about a device that cannot be used.
struct Case<'a> {
    device: &'a Device,
    /// As it stands on the bus, where it does.
    attached: Option<&'a AttachedDevice>,
    node: Option<DeviceNode>,
    host: Host,
    system: OperatingSystem,
    /// What the catalog advises for the tool's own words.
    advice: Option<String>,
}

/// The advice, one piece a paragraph; nothing where nothing is known.
fn remedy(case: &Case<'_>, playbook: &Playbook, catalog: &Catalog) -> Option<String> {
    let holders = case.node.as_ref().map(|node| holders(node, catalog)).unwrap_or_default();
    let held = !holders.is_empty();
    let mut parts = holders;
    // What is known of this very device comes before what a tool's words alone say.
    let driver = catalog.driver(&case.device.ids, case.system).map(str::to_owned);
    parts.extend(driver.filter(|driver| case.advice.as_ref() != Some(driver)));
    parts.extend(case.advice.clone());
    if case.system == OperatingSystem::Linux && !held {
        parts.extend(permission(case, playbook));
    }
    parts.extend(of_host(case.host, case.device));
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Who has the device open. Of programs of other users that is not shown, so those that are known for it are named where
/// they run.
fn holders(node: &DeviceNode, catalog: &Catalog) -> Vec<String> {
    let advice = |name: &str| catalog.holders.get(name).map(|advice| format!(" {advice}")).unwrap_or_default();
    if !node.holders.is_empty() {
        let holder = |name: &str, process: u32| {
            let advice = advice(name);
            let close = if advice.is_empty() { " Close it, then try again" } else { &advice };
            format!("{name} (process {process}) has {} open.{close}", node.path.display())
        };
        return node.holders.iter().map(|holder_of| holder(&holder_of.name, holder_of.process)).collect();
    }
    let known = catalog.holders.keys().filter(|name| node.hidden.contains(name));
    known.map(|name| format!("{name} is running and may have {} open.{}", node.path.display(), advice(name))).collect()
}

/// What a Linux needs to let this user at the device.
fn permission(case: &Case<'_>, playbook: &Playbook) -> Option<String> {
    let group = case.node.as_ref().and_then(|node| node.group.as_ref());
    let serial = case.device.kind == DeviceKind::Serial;
    let denied = case.attached.is_none_or(|attached| attached.access != Access::Permitted);
    match group {
        Some(group) if !group.joined && group.listed => Some(format!(
            "You are in the group {} that may use it, but not yet in this session: log out and in again",
            group.name
        )),
        Some(group) if !group.joined => Some(format!(
            "Add yourself to the group that may use it, then log out and in again:\n  sudo usermod -aG {} $USER",
            group.name
        )),
        // The catalog has said what else there is to do.
        _ if !serial && (denied || case.advice.is_none()) => Some(permit_all(case.device, playbook)),
        None if serial && denied && case.node.is_none() => case.attached.map(|attached| {
            format!(
                "Add yourself to the group that may use it, then log out and in again:\n  sudo usermod -aG \"$(stat -c %G \
                 {})\" $USER",
                attached.port
            )
        }),
        None if serial && denied => Some(permit_all(case.device, playbook)),
        _ => None,
    }
}

/// One file of rules permits every mode of every board, so that the next mode of the same one is not refused as well.
fn permit_all(device: &Device, playbook: &Playbook) -> String {
    format!(
        "Permit it (its {} node) with this command, which writes rules for udev ({RULES_FILE}) and shows them before; then connect \
         the board again:\n  {}",
        subsystem(device.kind),
        fix_command(playbook)
    )
}

/// What lets users at every device of the playbook. A board that is not shipped has to be named.
pub fn fix_command(playbook: &Playbook) -> String {
    let mut unknown: Vec<&UsbId> = playbook.devices.iter().flat_map(|device| &device.ids).collect();
    while let Some(id) = unknown.first().copied() {
        let shipped: Vec<UsbId> =
            shipped_with(*id).into_iter().flat_map(|known| known.devices).flat_map(|device| device.ids).collect();
        if !shipped.contains(id) {
            return format!("recover doctor {} --fix", quoted(&playbook.source.name, OperatingSystem::current()));
        }
        unknown.retain(|id| !shipped.contains(id));
    }
    "recover doctor --fix".to_owned()
}

/// What to do where a device of the playbook cannot be used; `attached` as it stands on the bus, `advice` what the catalog
/// says for a tool's own words.
pub fn remedy_for(
    device: &Device,
    attached: Option<&AttachedDevice>,
    advice: Option<String>,
    world: &impl World,
    (playbook, catalog): (&Playbook, &Catalog),
) -> Option<String> {
    let case = Case {
        device,
        attached,
        node: attached.and_then(|attached| world.node(attached)),
        host: world.host(),
        system: OperatingSystem::current(),
        advice,
    };
    remedy(&case, playbook, catalog)
}

/// What a system needs that sees only the devices it is given.
pub(super) fn of_host(host: Host, device: &Device) -> Option<String> {
    let ids: Vec<String> = device.ids.iter().map(ToString::to_string).collect();
    match host {
        Host::Plain => None,
        Host::Wsl => {
            let commands = ids.iter().map(|id| {
                format!("\n  usbipd bind --hardware-id {id}\n  usbipd attach --wsl --auto-attach --hardware-id {id}")
            });
            Some(format!(
                "This is Linux within Windows (WSL), which has to be given each USB device: in a PowerShell that runs as \
                 administrator, and let the last command go on running:{}",
                commands.collect::<String>()
            ))
        }
        Host::VirtualMachine => Some(format!(
            "This is a virtual machine: give it the USB id {} for good (as a filter), because the board comes back as \
             another device each time; or run recover on the computer itself",
            ids.join(" and ")
        )),
        Host::Container => Some(
            "This is a container: give it the whole USB bus, with /dev/bus/usb and the rights to use it; or run recover on \
             the computer itself"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::documents::catalog::load as load_catalog;
    use crate::documents::playbook::load;
    use crate::words::Source;
    use crate::world::{NodeGroup, NodeHolder};

    fn playbook() -> Playbook {
        let text = "format: 1\nboard: x\ndevices:\n  rom: {hid: \"1fc9:0135\", label: ROM}\n  dfu: {usb: \"0483:df11\", \
                    label: ROM}\n  port: {serial: \"1a86:55d3\", label: port}\nsteps: [{prompt: Wait.}]\n";
        load(&Arc::new(Source { name: "x.yaml".to_owned(), text: text.to_owned() }), &|_| Err(String::new()))
            .playbook
            .unwrap()
    }

    fn catalog() -> Catalog {
        let text = "[holders]\nModemManager = \"Stop it\"\n[drivers.chip]\nids = [\"1fc9:0135\"]\nneeds = {macos = \"Let the \
                    terminal listen\"}\n";
        load_catalog(&Arc::new(Source { name: "t.toml".to_owned(), text: text.to_owned() })).unwrap()
    }

    fn node(group: Option<NodeGroup>) -> DeviceNode {
        DeviceNode { path: PathBuf::from("/dev/ttyACM0"), group, holders: Vec::new(), hidden: Vec::new() }
    }

    fn told(device: &str, change: impl Fn(&mut Case<'_>)) -> String {
        let playbook = playbook();
        let device = playbook.device(&device.parse().unwrap()).unwrap();
        let attached = AttachedDevice {
            id: device.ids[0],
            port: "/dev/ttyACM0".to_owned(),
            serial: None,
            product: None,
            interfaces: Vec::new(),
            version: None,
            kind: device.kind,
            access: Access::Denied,
            arrival: 0,
        };
        let mut case = Case {
            device,
            attached: Some(&attached),
            node: None,
            host: Host::Plain,
            system: OperatingSystem::Linux,
            advice: None,
        };
        change(&mut case);
        remedy(&case, &playbook, &catalog()).unwrap_or_default()
    }

    fn group(joined: bool, listed: bool) -> Option<NodeGroup> {
        Some(NodeGroup { name: "uucp".to_owned(), joined, listed })
    }

    #[test]
    fn the_group_to_join_is_the_nodes_own() {
        for device in ["port", "dfu", "rom"] {
            let text = told(device, |case| case.node = Some(node(group(false, false))));
            assert!(text.contains("sudo usermod -aG uucp $USER"), "{text}");
            assert!(!text.contains("udev"), "{text}");
        }
        let text = told("port", |case| case.node = Some(node(group(false, true))));
        assert!(text.contains("log out and in again") && !text.contains("usermod"), "{text}");
    }

    #[test]
    fn where_no_group_may_use_it_a_rule_permits_every_mode_of_the_board() {
        for device in ["port", "dfu", "rom"] {
            let text = told(device, |case| case.node = Some(node(None)));
            for word in ["recover doctor --fix", "/etc/udev/rules.d/70-recover.rules"] {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn who_holds_it_is_named() {
        let held = |name: &str| DeviceNode {
            holders: vec![NodeHolder { name: name.to_owned(), process: 812 }],
            ..node(group(false, false))
        };
        let text = told("port", |case| case.node = Some(held("minicom")));
        assert_eq!(text, "minicom (process 812) has /dev/ttyACM0 open. Close it, then try again");
        let text = told("port", |case| case.node = Some(held("ModemManager")));
        assert_eq!(text, "ModemManager (process 812) has /dev/ttyACM0 open. Stop it");
        let hidden = vec!["init".to_owned(), "ModemManager".to_owned()];
        let text = told("port", |case| case.node = Some(DeviceNode { hidden: hidden.clone(), ..node(None) }));
        assert_eq!(text, "ModemManager is running and may have /dev/ttyACM0 open. Stop it");
    }

    #[test]
    fn every_system_gets_its_own_remedy() {
        let windows = told("dfu", |case| {
            case.system = OperatingSystem::Windows;
            case.advice = Some("Install the driver".to_owned());
        });
        assert_eq!(windows, "Install the driver");
        let wsl = told("dfu", |case| case.host = Host::Wsl);
        assert!(wsl.contains("usbipd attach --wsl --auto-attach --hardware-id 0483:df11"), "{wsl}");
        assert!(told("rom", |case| case.host = Host::VirtualMachine).contains("give it the USB id 1fc9:0135"));
        assert!(told("rom", |case| case.host = Host::Container).contains("/dev/bus/usb"));
        let closed = told("dfu", |case| case.system = OperatingSystem::Macos);
        assert_eq!(closed, "");
        let listening = told("rom", |case| case.system = OperatingSystem::Macos);
        assert_eq!(listening, "Let the terminal listen");
        let driver = told("rom", |case| {
            case.system = OperatingSystem::Macos;
            case.advice = Some("Close other programs".to_owned());
        });
        assert_eq!(driver, "Let the terminal listen\nClose other programs");
    }

    #[test]
    fn a_board_that_is_not_shipped_has_to_be_named() {
        // Its serial adapter, ROM and HID device are those of shipped boards.
        assert_eq!(fix_command(&playbook()), "recover doctor --fix");
        let text =
            "format: 1\nboard: x\ndevices:\n  lamp: {usb: \"1209:0001\", label: lamp}\nsteps: [{prompt: Wait.}]\n";
        let source = Arc::new(Source { name: "../my lamp.yaml".to_owned(), text: text.to_owned() });
        let lamp = load(&source, &|_| Err(String::new())).playbook.unwrap();
        let name = quoted("../my lamp.yaml", OperatingSystem::current());
        assert_eq!(fix_command(&lamp), format!("recover doctor {name} --fix"));
    }
}
