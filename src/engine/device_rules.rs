//! udev's rules on Linux: which of them let this user at a device, and one file that does for every board. Pure.
//!
//! The words are those of udev(7). The tag `uaccess` lets whoever sits at the computer use a device (systemd's
//! 70-uaccess.rules and 73-seat-late.rules), so a file that sets it must have a number below 73.

use std::collections::BTreeSet;

use crate::documents::playbook::{DeviceKind, Playbook};
use crate::words::UsbId;
use crate::world::matches_glob;

/// Where recover's own rules go.
pub const RULES_FILE: &str = "/etc/udev/rules.d/70-recover.rules";
/// How a file begins that recover has written, and may write anew.
pub const RULES_MARK: &str =
    "# Written by `recover doctor --fix`, which keeps the rules that stand here and adds what is missing.";
/// How such a file began at first.
const EARLIER_MARK: &str = "# Written by `recover doctor --fix`; it is written anew each time.";
/// How a line of such a file begins that permits something.
const RULE_BEGINS: &str = "SUBSYSTEM==";

/// The rules for every device of these playbooks, with those that an earlier file of recover's holds besides: it may be the
/// only one that knows a board whose playbook lies elsewhere.
pub fn rules_for<'p>(playbooks: impl IntoIterator<Item = &'p Playbook>, earlier: &str) -> String {
    let devices = playbooks.into_iter().flat_map(|playbook| &playbook.devices);
    let ids = devices.flat_map(|device| device.ids.iter().map(|id| (*id, device.kind)));
    let mut rules: BTreeSet<String> = ids.flat_map(|(id, kind)| rules_of(id, kind)).collect();
    if is_ours(earlier) {
        rules.extend(earlier.lines().filter(|line| line.starts_with(RULE_BEGINS)).map(str::to_owned));
    }
    [RULES_MARK.to_owned()].into_iter().chain(rules).map(|line| line + "\n").collect()
}

/// Has recover written such a file?
pub fn is_ours(text: &str) -> bool {
    text.starts_with(RULES_MARK) || text.starts_with(EARLIER_MARK)
}

fn rules_of(id: UsbId, kind: DeviceKind) -> Vec<String> {
    // Some builds of the same library use the USB node of a HID device, and ModemManager asks new serial ports whether they
    // are modems.
    let (subsystems, more): (&[&str], _) = match kind {
        DeviceKind::Usb => (&["usb"], ""),
        DeviceKind::Hid => (&["hidraw", "usb"], ""),
        DeviceKind::Serial => (&["tty"], ", ENV{ID_MM_PORT_IGNORE}=\"1\""),
    };
    let UsbId { vendor, product } = id;
    let ids = format!("ATTRS{{idVendor}}==\"{vendor:04x}\", ATTRS{{idProduct}}==\"{product:04x}\"");
    let rule = |subsystem: &&str| format!("{RULE_BEGINS}\"{subsystem}\", {ids}, TAG+=\"uaccess\"{more}");
    subsystems.iter().map(rule).collect()
}

/// Does a rule in one of these texts let users at a device?
pub fn permits(texts: &[String], kind: DeviceKind, id: UsbId) -> bool {
    let lines = texts.iter().flat_map(|text| text.lines());
    // A line goes on behind a backslash, so that a rule may stand in several.
    let mut rule = String::new();
    for line in lines {
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => rule.push_str(begun),
            None => {
                rule.push_str(line);
                if grants(&rule, kind, id) {
                    return true;
                }
                rule.clear();
            }
        }
    }
    false
}

fn grants(rule: &str, kind: DeviceKind, id: UsbId) -> bool {
    let rule = rule.trim();
    if rule.is_empty() || rule.starts_with('#') {
        return false;
    }
    let (mut vendor, mut applies, mut granted, mut for_group, mut group) = (false, true, false, false, false);
    for part in rule.split(',').map(str::trim) {
        let Some(at) = part.find(['=', '!', '+', ':']) else { continue };
        let (key, rest) = part.split_at(at);
        let operator_end = rest.find('"').unwrap_or(rest.len());
        let (operator, value) = (rest[..operator_end].trim(), rest[operator_end..].trim_matches('"'));
        match (key.trim(), operator) {
            (key, "==") if key.ends_with("{idVendor}") => vendor = matches(value, id.vendor),
            (key, "==") if key.ends_with("{idProduct}") => applies &= matches(value, id.product),
            (key, "!=") if key.ends_with("{idVendor}") => applies &= !matches(value, id.vendor),
            (key, "!=") if key.ends_with("{idProduct}") => applies &= !matches(value, id.product),
            ("SUBSYSTEM", "==") => applies &= subsystem(kind) == value,
            ("KERNEL", "==") if value.starts_with("hidraw") => applies &= kind == DeviceKind::Hid,
            ("KERNEL", "==") if value.starts_with("tty") => applies &= kind == DeviceKind::Serial,
            ("TAG", "+=" | "=") => granted |= value == "uaccess",
            ("GROUP", "=" | ":=") => group = true,
            ("MODE", "=" | ":=") if value.ends_with("66") => granted = true,
            ("MODE", "=" | ":=") if value.ends_with("60") => for_group = true,
            _ => {}
        }
    }
    vendor && applies && (granted || (for_group && group))
}

/// Where the kernel keeps the node that a tool opens.
pub(super) fn subsystem(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Usb => "usb",
        DeviceKind::Hid => "hidraw",
        DeviceKind::Serial => "tty",
    }
}

/// The kernel gives a number in four hexadecimal digits, in small letters, and udev compares as it stands; `|` stands
/// between several patterns.
fn matches(patterns: &str, number: u16) -> bool {
    patterns.split('|').any(|pattern| matches_glob(pattern, &format!("{number:04x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::library::shipped_playbooks;

    fn permitted(text: &str, kind: DeviceKind, id: &str) -> bool {
        permits(&[text.to_owned()], kind, id.parse().unwrap())
    }

    #[test]
    fn what_doctor_writes_lets_users_at_every_device() {
        let playbooks: Vec<Playbook> = shipped_playbooks().collect();
        let rules = rules_for(&playbooks, "");
        assert!(!rules.contains("MODE"), "{rules}");
        // One of each kind, to the letter: what permits is told by the same file that writes it.
        for line in [
            "SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"0483\", ATTRS{idProduct}==\"df11\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"hidraw\", ATTRS{idVendor}==\"1fc9\", ATTRS{idProduct}==\"0135\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"1fc9\", ATTRS{idProduct}==\"0135\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"tty\", ATTRS{idVendor}==\"0403\", ATTRS{idProduct}==\"6015\", TAG+=\"uaccess\", \
             ENV{ID_MM_PORT_IGNORE}=\"1\"",
        ] {
            assert!(rules.lines().any(|there| there == line), "{line}\n{rules}");
        }
        for device in playbooks.iter().flat_map(|playbook| &playbook.devices) {
            for id in &device.ids {
                assert!(permitted(&rules, device.kind, &id.to_string()), "{id}: {rules}");
            }
        }
        assert!(!permitted(&rules, DeviceKind::Usb, "1209:0001"));
    }

    #[test]
    fn other_peoples_rules_are_understood() {
        // From OpenMV's 99-openmv.rules, 2026, and in forms that udev(7) allows.
        let openmv =
            "SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"37c5\", ATTRS{idProduct}==\"92[0-9a-f][0-9a-f]\", MODE:=\"0666\"";
        assert!(permitted(openmv, DeviceKind::Usb, "37c5:9204"));
        assert!(!permitted(openmv, DeviceKind::Usb, "37c5:1204"));
        let several =
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483|1fc9\", \\\n  ATTR{idProduct}==\"df1?\", TAG+=\"uaccess\"";
        assert!(permitted(several, DeviceKind::Usb, "0483:df11"));
        assert!(!permitted(several, DeviceKind::Hid, "0483:df11"));
        let hid = "KERNEL==\"hidraw*\", ATTRS{idVendor}==\"1fc9\", MODE=\"0660\", GROUP=\"plugdev\"";
        assert!(permitted(hid, DeviceKind::Hid, "1fc9:0135") && !permitted(hid, DeviceKind::Usb, "1fc9:0135"));
        for none in [
            "# SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", MODE=\"0600\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", MODE=\"0660\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", MODE==\"0666\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", ATTR{idProduct}==\"DF11\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", ATTR{idProduct}!=\"df1?\", TAG+=\"uaccess\"",
            "KERNEL==\"hidraw*\", SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"0483\", MODE=\"0666\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"[\", TAG+=\"uaccess\"",
        ] {
            assert!(!permitted(none, DeviceKind::Usb, "0483:df11"), "{none}");
        }
    }

    #[test]
    fn what_an_earlier_file_permits_stays() {
        let lamp = "SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"1209\", ATTRS{idProduct}==\"0001\", TAG+=\"uaccess\"";
        let own = rules_for(&[], &format!("{RULES_MARK}\n{lamp}\n# note\n"));
        assert_eq!(own, format!("{RULES_MARK}\n{lamp}\n"));
        assert_eq!(rules_for(&[], &format!("{EARLIER_MARK}\n{lamp}\n")), own);
        assert_eq!(rules_for(&[], lamp), format!("{RULES_MARK}\n"));
    }
}
