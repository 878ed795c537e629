//! Devices that are looked at and never spoken to: they come and go within microseconds, at moments that are told.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::device::Description;
use super::tree::{self, Node};
use super::{Permission, UsbSimulation, hot_plug};

/// No host has so many.
const HIDRAW_FIRST: u32 = 900;

/// By which node tools open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Usb,
    /// Its node is there so long after the bus has told of the device.
    Hid {
        node_after: Duration,
    },
}

/// How the message about a device that comes or goes reaches those whom the preload library does not serve: programs that
/// speak netlink without the C library.
pub(crate) type Tell = fn(&[u8]);

/// Plugged in. It stays until it is told to leave.
#[derive(Debug)]
pub(crate) struct Onlooked {
    bus: UsbSimulation,
    tell: Tell,
    node: Node,
    /// Name of the HID node.
    hidraw: Option<String>,
    /// The preload library connects to one of these whenever a node is opened.
    sockets: Vec<(PathBuf, UnixListener)>,
    /// From when on it could be opened by whoever had looked.
    pub(crate) there_since: SystemTime,
}

impl Onlooked {
    pub(crate) fn plug(bus: &UsbSimulation, id: (u16, u16), port: &str, opened: Opened, tell: Tell) -> Onlooked {
        let root = bus.folder();
        let devnum = bus.shared.next_devnum.fetch_add(1, Ordering::Relaxed);
        let node = Node { port: port.to_owned(), devnum };
        let description = Description {
            id,
            version: 0x0101,
            manufacturer: "Nobody".to_owned(),
            product: "Onlooked".to_owned(),
            serial: format!("{devnum:012}"),
            interface: None,
            descriptors: Vec::new(),
        };
        let mut sockets = vec![listen(&root.join(node.socket_path()))];
        tree::prepare(root, &node, &description, Permission::Granted);
        let (mut hidraw, mut there_since) = (None, None);
        if let Opened::Hid { node_after } = opened {
            let name = format!("hidraw{}", HIDRAW_FIRST + devnum);
            sockets.push(listen(&root.join("ioctl/dev").join(&name)));
            let link = prepare_hid(root, &node, id, &name);
            if node_after.is_zero() {
                appear_as_hid(root, &name, &link);
            } else {
                tree::appear(root, &node);
                announce(root, &node, hot_plug::Action::Add, tell);
                std::thread::sleep(node_after);
                there_since = Some(SystemTime::now());
                appear_as_hid(root, &name, &link);
            }
            hidraw = Some(name);
        }
        let there_since = there_since.unwrap_or_else(|| {
            let now = SystemTime::now();
            tree::appear(root, &node);
            announce(root, &node, hot_plug::Action::Add, tell);
            now
        });
        Onlooked { bus: bus.clone(), tell, node, hidraw, sockets, there_since }
    }

    pub(crate) fn unplug(self) {
        let root = self.bus.folder();
        let _ = fs::remove_file(root.join("sys/bus/usb/devices").join(&self.node.port));
        if let Some(name) = &self.hidraw {
            let _ = fs::remove_file(root.join("dev").join(name));
            let _ = fs::remove_file(root.join("sys/class/hidraw").join(name));
        }
        announce(root, &self.node, hot_plug::Action::Remove, self.tell);
        tree::remove(root, &self.node);
        for (path, _) in &self.sockets {
            let _ = fs::remove_file(path);
        }
    }
}

fn announce(root: &Path, node: &Node, action: hot_plug::Action, tell: Tell) {
    tell(&hot_plug::message(node, action));
    hot_plug::announce(root, node, action);
}

fn listen(path: &Path) -> (PathBuf, UnixListener) {
    (path.to_owned(), UnixListener::bind(path).unwrap())
}

/// All that tells of the HID node; answers where its link is to point.
fn prepare_hid(root: &Path, node: &Node, (vendor, product): (u16, u16), name: &str) -> String {
    let hid = format!("{}/{}:1.0/0003:{vendor:04X}:{product:04X}.{:04X}", node.device_path(), node.port, node.devnum);
    let below = format!("{hid}/hidraw/{name}");
    fs::create_dir_all(root.join("sys").join(&below)).unwrap();
    let uevent = format!("DRIVER=hid-generic\nHID_ID=0003:{vendor:08X}:{product:08X}\nHID_NAME=Onlooked\n");
    fs::write(root.join("sys").join(&hid).join("uevent"), uevent).unwrap();
    symlink("../..", root.join("sys").join(&below).join("device")).unwrap();
    format!("../../{below}")
}

/// The node last: from then on it can be opened.
fn appear_as_hid(root: &Path, name: &str, link: &str) {
    symlink(link, root.join("sys/class/hidraw").join(name)).unwrap();
    fs::write(root.join("dev").join(name), "").unwrap();
}
