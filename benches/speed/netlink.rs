//! udev's messages about devices that come and go, over netlink, in a network of our own: nobody else is told, and no rights
//! on the machine are needed. The simulated bus cannot do that for `recover`, whose USB library calls the kernel directly.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, SendFlags, SocketType, sendto, socket};

const UDEV_GROUP: u32 = 1 << 1;
/// Set in the process that has a network of its own.
const ALONE: &str = "SPEED_NETWORK_OF_ITS_OWN";

/// Goes on in a network of its own where that can be had.
pub(crate) fn alone() {
    if std::env::var_os(ALONE).is_some() {
        return;
    }
    for options in ["-n", "-rn"] {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.arg(options);
            command
        };
        let works = unshare().arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if let (true, Ok(program)) = (works, std::env::current_exe()) {
            // Returns only when it has failed.
            let _ = unshare().arg(program).args(std::env::args_os().skip(1)).env(ALONE, "1").exec();
        }
    }
}

pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// To everybody who listens to udev in this network.
pub(crate) fn tell(message: &[u8]) {
    if is_alone() {
        let sender = socket(AddressFamily::NETLINK, SocketType::RAW, Some(KOBJECT_UEVENT)).unwrap();
        // Without any listener it fails.
        let _ = sendto(&sender, message, SendFlags::empty(), &SocketAddrNetlink::new(0, UDEV_GROUP));
    }
}

/// Waits until somebody listens.
pub(crate) fn wait_for_listener(limit: Duration) -> bool {
    let begin = Instant::now();
    let listens = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(1) == Some(&"15") && columns.get(3) == Some(&"00000002")
    };
    while begin.elapsed() < limit {
        if std::fs::read_to_string("/proc/self/net/netlink").is_ok_and(|text| text.lines().any(listens)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
