//! A USB bus that exists only for programs started under `libumockdev-preload.so.0`.
//!
//! The preload library sends a program's look at `/sys` and its ioctls on `/dev/bus/usb/…` into a folder; this module is
//! what stands in that folder: the tree ([`tree`]), a socket for each device node ([`ioctl_socket`]), hot-plug messages
//! ([`hot_plug`]) and the devices behind them ([`device`]). The protocol is that of umockdev 0.17; no daemon, root rights
//! or kernel USB are needed. Linux on 64-bit machines, dynamically linked programs.

#![allow(dead_code, reason = "each of the tests that share it uses a part of it")]

mod chip;
pub(crate) mod device;
mod hot_plug;
mod ioctl_socket;
pub(crate) mod onlooked;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use device::Device;
use ioctl_socket::IoctlSocket;
use tree::Node;

/// The bare name: the loader finds it in whichever folder the distribution uses.
pub(crate) const PRELOAD_LIBRARY: &str = "libumockdev-preload.so.0";

/// Socket paths hold 107 bytes, and the longest one below the root takes 27 of them.
const ROOT_BYTES_MAX: usize = 80;
const DEVNUM_FIRST: u32 = 5;

/// May the programs under test open the node?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Granted,
    /// For everybody but the owner of the files; see [`UsbSimulation::as_another_user`].
    Denied,
}

/// A simulated bus. Dropping it takes everything away again.
#[derive(Debug, Clone)]
pub(crate) struct UsbSimulation {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    attached: Mutex<BTreeMap<String, (Node, IoctlSocket)>>,
    changed: Condvar,
    next_devnum: AtomicU32,
}

impl UsbSimulation {
    /// An empty bus.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("recover-usb-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut root = std::env::temp_dir().join(&name);
        if root.as_os_str().len() > ROOT_BYTES_MAX {
            root = Path::new("/tmp").join(name);
        }
        let _ = fs::remove_dir_all(&root);
        tree::create_bus(&root);
        // Tools that run as another user must be able to look inside, and to bind their sockets for hot-plug messages.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
        let shared = Shared {
            root,
            attached: Mutex::new(BTreeMap::new()),
            changed: Condvar::new(),
            next_devnum: AtomicU32::new(DEVNUM_FIRST),
        };
        UsbSimulation { shared: Arc::new(shared) }
    }

    /// Plugs `device` into `port`, such as `99-1`, under a new address.
    pub(crate) fn attach(&self, device: &Device, port: &str) {
        self.attach_with(device, port, Permission::Granted);
    }

    pub(crate) fn attach_with(&self, device: &Device, port: &str, permission: Permission) {
        let devnum = self.shared.next_devnum.fetch_add(1, Ordering::Relaxed);
        let node = Node { port: port.to_owned(), devnum };
        device.power_up();
        let weak = Arc::downgrade(&self.shared);
        let lost_port = port.to_owned();
        let on_loss = move || {
            if let Some(shared) = weak.upgrade() {
                shared.detach(&lost_port);
            }
        };
        let socket_path = self.shared.root.join(node.socket_path());
        let socket = IoctlSocket::serve(&socket_path, device.clone(), Box::new(on_loss));
        tree::add(&self.shared.root, &node, &device.description(), permission);
        self.shared.attached().insert(port.to_owned(), (node.clone(), socket));
        hot_plug::announce(&self.shared.root, &node, hot_plug::Action::Add);
    }

    /// Pulls the plug; requests under way end with "no such device".
    pub(crate) fn detach(&self, port: &str) {
        self.shared.detach(port);
    }

    /// Waits until the device on `port` has left by itself.
    pub(crate) fn wait_for_departure(&self, port: &str, limit: Duration) -> bool {
        let waited =
            self.shared.changed.wait_timeout_while(self.shared.attached(), limit, |all| all.contains_key(port));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until some program listens for devices that come and go.
    pub(crate) fn wait_for_listener(&self, limit: Duration) -> bool {
        // The sign is a socket in a folder; without inotify, which the standard library lacks, one has to look.
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let start = Instant::now();
        while !hot_plug::has_listener(&self.shared.root) {
            if start.elapsed() > limit {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// What `/sys` and `/dev` are for programs on this bus.
    pub(crate) fn folder(&self) -> &Path {
        &self.shared.root
    }

    /// `program`, seeing this bus instead of the real one.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", PRELOAD_LIBRARY).env("UMOCKDEV_DIR", &self.shared.root);
        command
    }

    /// Makes the command run as a user to whom [`Permission::Denied`] applies.
    ///
    /// Root may open everything, so it has to become somebody else; for anybody else the node's mode is enough.
    pub(crate) fn as_another_user(&self, command: &mut Command) {
        use std::os::unix::fs::MetadataExt;
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65_534;
        if fs::metadata(&self.shared.root).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
    }
}

impl Shared {
    fn attached(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Node, IoctlSocket)>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn detach(&self, port: &str) {
        let mut attached = self.attached();
        let Some((node, socket)) = attached.remove(port) else { return };
        socket.device().cut_off();
        hot_plug::announce(&self.root, &node, hot_plug::Action::Remove);
        tree::remove(&self.root, &node);
        socket.close();
        drop(attached);
        self.changed.notify_all();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let attached = std::mem::take(&mut *self.attached());
        for (_, (_, socket)) in attached {
            socket.device().cut_off();
            socket.close();
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}
