//! What kind of computer this is, as far as it matters to USB devices: not every one sees what is plugged into it.

use std::path::Path;

/// What stands between this system and the computer's USB ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Host {
    /// Nothing that is known of.
    #[default]
    Plain,
    /// Linux within Windows, which is handed devices one by one.
    Wsl,
    VirtualMachine,
    Container,
}

/// Words by which makers of virtual machines call the computer that they play.
const VIRTUAL: [&str; 7] = ["virtualbox", "vmware", "qemu", "kvm", "parallels", "virtual machine", "bochs"];

impl Host {
    pub fn of_this_computer() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let exists = |path: &str| Path::new(path).exists();
        Host::told_by(
            &read("/proc/sys/kernel/osrelease"),
            exists("/.dockerenv") || exists("/run/.containerenv"),
            &[read("/sys/class/dmi/id/sys_vendor"), read("/sys/class/dmi/id/product_name")].concat(),
        )
    }

    /// From the kernel's release, whether a container has left its mark, and what the computer's board is called.
    fn told_by(kernel: &str, container: bool, board: &str) -> Self {
        let board = board.to_lowercase();
        if kernel.to_lowercase().contains("microsoft") {
            Host::Wsl
        } else if container {
            Host::Container
        } else if VIRTUAL.iter().any(|word| board.contains(word)) {
            Host::VirtualMachine
        } else {
            Host::Plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_by_what_the_system_says_of_itself() {
        assert_eq!(Host::told_by("6.6.87.2-microsoft-standard-WSL2\n", false, ""), Host::Wsl);
        assert_eq!(Host::told_by("6.8.0-45-generic\n", false, "innotek GmbH\nVirtualBox\n"), Host::VirtualMachine);
        assert_eq!(
            Host::told_by("6.8.0-45-generic\n", false, "Microsoft Corporation\nVirtual Machine\n"),
            Host::VirtualMachine
        );
        assert_eq!(Host::told_by("6.8.0-45-generic\n", true, "QEMU\n"), Host::Container);
        assert_eq!(Host::told_by("6.8.0-45-generic\n", false, "LENOVO\n20XW\n"), Host::Plain);
    }
}
