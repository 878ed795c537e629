//! The node in `/dev` that stands for a device: which group may use it, and which programs have it open. Linux only;
//! elsewhere devices have no nodes that tell this.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::world::system::is_in_group;
use crate::world::{DeviceNode, NodeGroup, NodeHolder};

/// Reading and writing for the group.
const GROUP_MAY_USE: u32 = 0o060;
/// No computer has more groups, and no process more open files that matter here.
const LOOKED_AT_MAX: usize = 100_000;

/// The node of the USB device at this port.
pub(super) fn usb_node(port: &str) -> Option<PathBuf> {
    let number = |name: &str| {
        let text = fs::read_to_string(Path::new("/sys/bus/usb/devices").join(port).join(name)).ok()?;
        text.trim().parse::<u32>().ok()
    };
    Some(PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", number("busnum")?, number("devnum")?)))
}

/// The HID node of the device at this port.
pub(super) fn hid_node(port: &str) -> Option<PathBuf> {
    let nodes = fs::read_dir("/sys/class/hidraw").ok()?.flatten();
    let on_port = |node: &fs::DirEntry| {
        fs::canonicalize(node.path().join("device")).is_ok_and(|path| path.iter().any(|part| part == port))
    };
    nodes.into_iter().find(on_port).map(|node| Path::new("/dev").join(node.file_name()))
}

pub(super) fn describe(path: &Path) -> Option<DeviceNode> {
    let found = fs::metadata(path).ok()?;
    let (holders, hidden) = holders(Path::new("/proc"), path);
    let may_use = found.mode() & GROUP_MAY_USE == GROUP_MAY_USE;
    let group = (may_use && found.gid() != 0).then(|| {
        let groups = fs::read_to_string("/etc/group").unwrap_or_default();
        let (name, members) = group_of(&groups, found.gid());
        let user = std::env::var("USER").unwrap_or_default();
        NodeGroup { name, joined: is_in_group(found.gid()), listed: !user.is_empty() && members.contains(&user) }
    });
    Some(DeviceNode { path: path.to_owned(), group, holders, hidden })
}

/// The name of a group and its members, from the text of `/etc/group`; a group that does not stand there is named by its
/// number, which every tool takes as well.
fn group_of(groups: &str, id: u32) -> (String, Vec<String>) {
    let entry = |line: &str| {
        let mut parts = line.split(':');
        let (name, _, number, members) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (number.parse() == Ok(id))
            .then(|| (name.to_owned(), members.split(',').map(|member| member.trim().to_owned()).collect()))
    };
    groups.lines().find_map(entry).unwrap_or_else(|| (id.to_string(), Vec::new()))
}

/// The other processes that have the node open, and the names of those of which that cannot be seen.
fn holders(processes: &Path, node: &Path) -> (Vec<NodeHolder>, Vec<String>) {
    let (mut holders, mut hidden) = (Vec::new(), Vec::new());
    for process in fs::read_dir(processes).into_iter().flatten().flatten().take(LOOKED_AT_MAX) {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if id == std::process::id() {
            continue;
        }
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default().trim().to_owned();
        match fs::read_dir(process.path().join("fd")) {
            Ok(files) => {
                let opened = |file: fs::DirEntry| fs::read_link(file.path()).is_ok_and(|target| target == node);
                if files.flatten().take(LOOKED_AT_MAX).any(opened) {
                    holders.push(NodeHolder { name, process: id });
                }
            }
            Err(_) => hidden.push(name),
        }
    }
    holders.sort_by_key(|holder| holder.process);
    (holders, hidden)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_group_is_named_as_the_system_names_it() {
        let groups = "root:x:0:\ndialout:x:20:anna,ben\nuucp:x:986:carla\n";
        assert_eq!(group_of(groups, 20), ("dialout".to_owned(), vec!["anna".to_owned(), "ben".to_owned()]));
        assert_eq!(group_of(groups, 986), ("uucp".to_owned(), vec!["carla".to_owned()]));
        assert_eq!(group_of(groups, 4242).0, "4242");
    }

    #[test]
    fn whoever_has_a_node_open_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let node = fs::canonicalize(folder.path()).unwrap().join("node");
        fs::File::create(&node).unwrap().write_all(b"x").unwrap();
        // A process that another test is starting at this moment has all files open until it becomes another program.
        let deadline = Instant::now() + Duration::from_secs(20);
        while !describe(&node).unwrap().holders.is_empty() {
            assert!(Instant::now() < deadline, "nobody holds it");
            std::thread::yield_now();
        }
        let held = fs::File::open(&node).unwrap();
        let mut holder = Command::new("sleep").arg("60").stdin(Stdio::from(held)).spawn().unwrap();
        let own = [NodeHolder { name: "sleep".to_owned(), process: holder.id() }];
        let mut found = Vec::new();
        // It has another name until it has become another program.
        while found != own && Instant::now() < deadline {
            found = describe(&node).unwrap().holders;
            found.retain(|found| found.process == holder.id());
        }
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert_eq!(found, own);
    }

    #[test]
    fn processes_of_others_are_told_by_name_alone() {
        let processes = tempfile::tempdir().unwrap();
        let modem = processes.path().join("812");
        fs::create_dir(&modem).unwrap();
        fs::write(modem.join("comm"), "ModemManager\n").unwrap();
        let (holders, hidden) = holders(processes.path(), Path::new("/dev/ttyACM0"));
        assert_eq!((holders, hidden), (Vec::new(), vec!["ModemManager".to_owned()]));
    }
}
