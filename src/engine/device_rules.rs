//! udev's rules on Linux: which of them let this user at a device, and one file that does for every board. Pure.
//!
//! The words are those of udev(7). The tag `uaccess` lets whoever sits at the computer use a device (systemd's
//! 70-uaccess.rules and 73-seat-late.rules), so a file that sets it must have a number below 73.

use std::collections::BTreeSet;

use regex::RegexBuilder;

use crate::documents::playbook::{DeviceKind, Playbook};
use crate::words::UsbId;

/// Where recover's own rules go.
pub const RULES_FILE: &str = "/etc/udev/rules.d/70-recover.rules";
/// How a file begins that recover has written, and may write anew.
pub const RULES_MARK: &str = "# Written by `recover doctor --fix`; it is written anew each time.";
/// So many ids in a pattern of a rule are compared at most.
const PATTERN_BYTES_MAX: usize = 1000;

/// Rules for every device of these playbooks.
pub fn rules_for(playbooks: &[Playbook]) -> String {
    let devices = playbooks.iter().flat_map(|playbook| &playbook.devices);
    let ids: BTreeSet<(u16, u16, &'static str)> = devices
        .flat_map(|device| device.ids.iter().map(|id| (id.vendor, id.product, subsystem(device.kind))))
        .collect();
    let mut lines = vec![RULES_MARK.to_owned()];
    for (vendor, product, subsystem) in ids {
        let ids = format!("ATTRS{{idVendor}}==\"{vendor:04x}\", ATTRS{{idProduct}}==\"{product:04x}\"");
        // ModemManager asks new serial ports whether they are modems.
        let (more, rules) = match subsystem {
            "tty" => (", ENV{ID_MM_PORT_IGNORE}=\"1\"", vec!["tty"]),
            // Some builds of the same library use the USB node of a HID device.
            "hidraw" => ("", vec!["hidraw", "usb"]),
            _ => ("", vec!["usb"]),
        };
        let rule = |subsystem: &&str| format!("SUBSYSTEM==\"{subsystem}\", {ids}, TAG+=\"uaccess\"{more}");
        lines.extend(rules.iter().map(rule));
    }
    lines.push(String::new());
    lines.join("\n")
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
    let (mut vendor, mut product, mut subsystem, mut granted) = (false, true, true, false);
    for part in rule.split(',').map(str::trim) {
        let Some(at) = part.find(['=', '!', '+', ':']) else { continue };
        let (key, rest) = part.split_at(at);
        let operator_end = rest.find('"').unwrap_or(rest.len());
        let (operator, value) = (rest[..operator_end].trim(), rest[operator_end..].trim_matches('"'));
        let key = key.trim();
        match (key, operator) {
            (key, "==") if key.ends_with("{idVendor}") => vendor = matches(value, id.vendor),
            (key, "==") if key.ends_with("{idProduct}") => product = matches(value, id.product),
            ("SUBSYSTEM" | "SUBSYSTEMS", "==") => subsystem = self::subsystem(kind) == value || key == "SUBSYSTEMS",
            ("KERNEL", "==") if value.starts_with("hidraw") => subsystem = kind == DeviceKind::Hid,
            ("KERNEL", "==") if value.starts_with("tty") => subsystem = kind == DeviceKind::Serial,
            ("TAG", "+=" | "=") => granted |= value == "uaccess",
            ("MODE", _) => granted |= value.ends_with("66") || value.ends_with("60"),
            _ => {}
        }
    }
    vendor && product && subsystem && granted
}

fn subsystem(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Usb => "usb",
        DeviceKind::Hid => "hidraw",
        DeviceKind::Serial => "tty",
    }
}

/// A number in four hexadecimal digits against a pattern of udev's: `*`, `?`, `[…]`, and `|` between several.
fn matches(pattern: &str, number: u16) -> bool {
    if pattern.len() > PATTERN_BYTES_MAX {
        return false;
    }
    let part = |part: &str| {
        let letters = part.chars().map(|letter| match letter {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            '[' | ']' | '-' => letter.to_string(),
            letter => regex::escape(&letter.to_string()),
        });
        letters.collect::<String>()
    };
    let whole: Vec<String> = pattern.split('|').map(part).collect();
    let compiled = RegexBuilder::new(&format!("^(?:{})$", whole.join("|"))).case_insensitive(true).build();
    compiled.is_ok_and(|compiled| compiled.is_match(&format!("{number:04x}")))
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
        let rules = rules_for(&playbooks);
        assert!(!rules.contains("0666"), "{rules}");
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
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483|1fc9\", \\\n  ATTR{idProduct}==\"DF1?\", TAG+=\"uaccess\"";
        assert!(permitted(several, DeviceKind::Usb, "0483:df11"));
        assert!(!permitted(several, DeviceKind::Hid, "0483:df11"));
        let hid = "KERNEL==\"hidraw*\", ATTRS{idVendor}==\"1fc9\", MODE=\"0660\", GROUP=\"plugdev\"";
        assert!(permitted(hid, DeviceKind::Hid, "1fc9:0135") && !permitted(hid, DeviceKind::Usb, "1fc9:0135"));
        for none in [
            "# SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", TAG+=\"uaccess\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", MODE=\"0600\"",
            "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"[\", TAG+=\"uaccess\"",
        ] {
            assert!(!permitted(none, DeviceKind::Usb, "0483:df11"), "{none}");
        }
    }
}
