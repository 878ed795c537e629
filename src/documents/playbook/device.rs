//! How a board shows itself on the bus, in each of its states, and how far that tells which board it is.

use std::time::Duration;

use regex::Regex;

use crate::documents::catalog::Catalog;
use crate::documents::playbook::Reading;
use crate::words::{AddressRange, Id, Located, Place, UsbId};

/// How a device shows itself to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// Tools open its USB device node.
    Usb,
    /// Tools open its HID node (`hidraw` on Linux).
    Hid,
    /// A USB-to-serial bridge; tools open its port.
    Serial,
}

/// In which state a board is that shows so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// Its firmware runs: it is not dead.
    Running,
    /// Its own bootloader works.
    Bootloader,
    /// It can be rescued: its chip runs what nothing damages.
    Recovery,
}

impl DeviceState {
    pub(crate) const ALL: [(&'static str, DeviceState); 3] = [
        ("running", DeviceState::Running),
        ("bootloader", DeviceState::Bootloader),
        ("recovery", DeviceState::Recovery),
    ];
}

#[derive(Debug, Clone)]
pub struct Device {
    pub name: Id,
    pub place: Place,
    /// Any of these counts.
    pub ids: Vec<UsbId>,
    /// Where each of these stands.
    pub(crate) id_places: Vec<Place>,
    pub kind: DeviceKind,
    /// What people call it: "i.MX RT ROM (serial download)".
    pub label: String,
    /// Is its id this board's own? `no`: other boards show the same, so that presence alone is no proof. Without a word
    /// the catalog decides, which knows ids that many boards share.
    pub identifies: Option<bool>,
    /// What the device must tell of itself.
    pub identity: Option<Identity>,
    /// Nothing where the id alone does not tell.
    pub state: Option<DeviceState>,
    /// What must be whole in the board's memory for it to show so, and nothing else. Empty where nobody says.
    pub starts_from: Vec<Located<StartPart>>,
    /// For so long it must have been there, or have been gone, to count as that.
    pub settle: Duration,
}

/// A part of the board's memory that it starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartPart {
    /// An input, or a file that comes with a tool, wherever steps write it.
    File(Id),
    Range(AddressRange),
}

/// What a device tells of itself, beside its id. Compared before the first change, where it can be read.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its product string.
    pub product: Option<Regex>,
    /// One of its interface strings, blanks aside: the ROMs of STM32 chips put the layout of their flash there, and the
    /// number of blanks in it varies.
    pub interface: Vec<String>,
    /// Its release number (bcdDevice), as four hexadecimal digits.
    pub version: Option<Regex>,
    /// What it answers to a tool.
    pub answers: Option<Reading>,
}

impl Device {
    /// Do other boards show this device's id?
    pub fn shares_its_id(&self, catalog: &Catalog) -> bool {
        match self.identifies {
            Some(identifies) => !identifies,
            None => self.ids.iter().any(|id| catalog.shared_ids.contains_key(id)),
        }
    }

    /// Does a tool's argument name the device by its id, as in `,0483:df11` and `0x1FC9,0x0135`?
    pub fn is_named_in(&self, args: &[String]) -> bool {
        self.ids.iter().any(|id| {
            let (vendor, product) = (format!("{:04x}", id.vendor), format!("{:04x}", id.product));
            let separators = [":", ",0x", ":0x"];
            let forms = separators.map(|separator| format!("{vendor}{separator}{product}"));
            args.iter().any(|arg| forms.iter().any(|form| arg.to_ascii_lowercase().contains(form)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::words::Source;

    #[test]
    fn arguments_name_devices_in_each_tools_form() {
        let device = |id: &str| Device {
            name: "rom".parse().unwrap(),
            place: Place::new(Arc::new(Source { name: String::new(), text: String::new() }), 0, 0),
            id_places: Vec::new(),
            ids: vec![id.parse().unwrap()],
            kind: DeviceKind::Usb,
            label: String::new(),
            identifies: None,
            identity: None,
            state: None,
            starts_from: Vec::new(),
            settle: Duration::ZERO,
        };
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(device("0483:df11").is_named_in(&args("-w -d ,0483:DF11 -a 0")));
        assert!(device("1fc9:0135").is_named_in(&args("-u 0x1FC9,0x0135 -- reset")));
        assert!(!device("0483:df11").is_named_in(&args("-w -d ,37c5:9204 -a 0")));
    }
}
