//! The files that make a device exist: below `/sys` for whoever enumerates, below `/dev` for whoever opens.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::Permission;
use super::device::Description;

/// One enumeration of a device. The bus is 99, which no host has: what is missing here is looked up in the host's `/dev`.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) port: String,
    pub(crate) devnum: u32,
}

pub(crate) const BUS: u32 = 99;
pub(crate) const MAJOR: u32 = 189;

impl Node {
    /// Below `/dev`.
    pub(crate) fn name(&self) -> String {
        format!("bus/usb/{BUS:03}/{:03}", self.devnum)
    }

    pub(crate) fn minor(&self) -> u32 {
        (BUS - 1) * 128 + self.devnum - 1
    }

    /// Below the root.
    pub(crate) fn socket_path(&self) -> String {
        format!("ioctl/dev/{}", self.name())
    }

    /// Below `/sys`.
    pub(crate) fn device_path(&self) -> String {
        format!("devices/usb{BUS}/{}", self.port)
    }
}

pub(crate) fn create_bus(root: &Path) {
    for folder in ["sys/bus/usb/devices", "sys/class/hidraw", &format!("dev/bus/usb/{BUS:03}"), "dev/.node"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::create_dir_all(root.join(format!("ioctl/dev/bus/usb/{BUS:03}"))).unwrap();
    fs::create_dir_all(root.join(format!("sys/devices/usb{BUS}"))).unwrap();
}

/// In this order, because a program may look at any moment: node, then folder, then the link that makes it visible.
pub(crate) fn add(root: &Path, node: &Node, description: &Description, permission: Permission) {
    prepare(root, node, description, permission);
    appear(root, node);
}

/// All but the link.
pub(super) fn prepare(root: &Path, node: &Node, description: &Description, permission: Permission) {
    let device_node = root.join("dev").join(node.name());
    fs::write(&device_node, "").unwrap();
    let owner_is_root = fs::metadata(root).unwrap().uid() == 0;
    let mode = match permission {
        Permission::Granted => 0o666,
        Permission::Denied if owner_is_root => 0o600,
        Permission::Denied => 0o000,
    };
    fs::set_permissions(&device_node, fs::Permissions::from_mode(mode)).unwrap();
    let (major, minor) = (MAJOR, node.minor());
    symlink(format!("{major}:{minor}"), root.join("dev/.node").join(node.name().replace('/', "_"))).unwrap();

    let folder = root.join("sys").join(node.device_path());
    fs::create_dir_all(&folder).unwrap();
    let (vendor, product) = description.id;
    let lines = [
        ("busnum", BUS.to_string()),
        ("devnum", node.devnum.to_string()),
        ("devpath", node.port.split_once('-').map_or("1", |(_, path)| path).to_owned()),
        ("idVendor", format!("{vendor:04x}")),
        ("idProduct", format!("{product:04x}")),
        ("bcdDevice", format!("{:04x}", description.version)),
        ("version", " 1.00".to_owned()),
        ("speed", "12".to_owned()),
        ("manufacturer", description.manufacturer.clone()),
        ("product", description.product.clone()),
        ("serial", description.serial.clone()),
        ("bConfigurationValue", "1".to_owned()),
        ("bNumConfigurations", "1".to_owned()),
        ("bNumInterfaces", " 1".to_owned()),
        ("bDeviceClass", "00".to_owned()),
        ("bDeviceSubClass", "00".to_owned()),
        ("bDeviceProtocol", "00".to_owned()),
        ("dev", format!("{major}:{minor}")),
    ];
    for (file, line) in lines {
        fs::write(folder.join(file), line + "\n").unwrap();
    }
    fs::write(folder.join("descriptors"), &description.descriptors).unwrap();
    if let Some(interface) = &description.interface {
        let folder = folder.join(format!("{}:1.0", node.port));
        fs::create_dir_all(&folder).unwrap();
        // Of the class for device firmware upgrades (USB DFU 1.1).
        let lines = [
            ("bInterfaceNumber", "00"),
            ("bInterfaceClass", "fe"),
            ("bInterfaceSubClass", "01"),
            ("bInterfaceProtocol", "02"),
            ("interface", interface),
        ];
        for (file, line) in lines {
            fs::write(folder.join(file), format!("{line}\n")).unwrap();
        }
    }
    let name = node.name();
    let uevent = format!("DEVTYPE=usb_device\nDEVNAME={name}\nMAJOR={major}\nMINOR={minor}\n");
    fs::write(folder.join("uevent"), uevent).unwrap();
    symlink("../../../bus/usb", folder.join("subsystem")).unwrap();
}

pub(super) fn appear(root: &Path, node: &Node) {
    let link = root.join("sys/bus/usb/devices").join(&node.port);
    symlink(Path::new("../../..").join(node.device_path()), link).unwrap();
}

pub(crate) fn remove(root: &Path, node: &Node) {
    let _ = fs::remove_file(root.join("sys/bus/usb/devices").join(&node.port));
    let _ = fs::remove_dir_all(root.join("sys").join(node.device_path()));
    let _ = fs::remove_file(root.join("dev/.node").join(node.name().replace('/', "_")));
    let _ = fs::remove_file(root.join("dev").join(node.name()));
}
