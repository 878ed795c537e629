//! What is offered to the person when a tool cannot be had.

use std::os::unix::fs::symlink;

use super::test_computer::{BY_PLACE, Computer, tool};
use crate::documents::catalog::{OperatingSystem, Tool};

#[test]
fn says_where_it_looked_and_how_to_install() {
    let computer = Computer::new();
    let flasher = tool("flasher", "");
    assert_eq!(
        computer.problem(&flasher).to_string(),
        "the tool `flasher` was not found; looked in $RECOVER_TOOL_FLASHER (not set), $TOOL_ROOT/bin, ~/tools-*, PATH"
    );
    assert_eq!(
        computer.remedies(&flasher),
        [
            "To install flasher: Fetch it yourself",
            "If a usable one is installed elsewhere, say where: `--tool flasher=PATH`"
        ]
    );
}

#[test]
fn where_nothing_is_usable_the_remedy_is_for_what_was_found() {
    let mut flasher = tool("flasher", BY_PLACE);
    flasher.version.flavours[0].minimum = Some("2.0".parse().unwrap());
    flasher.packages =
        [("own".to_owned(), "flasher-tools".to_owned()), ("pies".to_owned(), "flasher-pie".to_owned())].into();
    let elsewhere = "If a usable one is installed elsewhere, say where: `--tool flasher=PATH`";
    // By a package manager of the system, which brings no newer one.
    let computer = Computer::new().with("path/flasher").with("path/own-get");
    assert_eq!(computer.remedies(&flasher), ["To get a newer version: Fetch it yourself", elsewhere]);
    let problem = computer.here(&computer.problem(&flasher).to_string());
    assert_eq!(
        problem,
        "the tool `flasher` (`HERE/path/flasher`) cannot be used: it is version 1.2, and at least 2.0 is needed"
    );
    // A link to what another one has installed.
    let computer = Computer::new().with("path/own-get").with("home/pies/flasher").plain("home/tools-9/read.me");
    symlink(computer.path("home/pies/flasher"), computer.path("home/tools-9/flasher")).unwrap();
    assert_eq!(computer.remedies(&flasher), ["To get a newer version:\npie upgrade flasher-pie", elsewhere]);
    // Known by its mark, in a folder with a blank.
    let mut computer = Computer::new().plain("my nest/nest.cfg").with("my nest/bin/flasher");
    computer.explicit.insert("flasher".to_owned(), computer.path("my nest/bin/flasher"));
    assert_eq!(
        computer.remedies(&flasher),
        [
            "To get a newer version:\n'HERE/my nest/bin/pie' up flasher-pie",
            "Name another with `--tool flasher=PATH`, or leave out what --tool gives"
        ]
    );
    // Nobody knows how it came: not as one of the system's, though that is here.
    let computer = Computer::new().with("home/tools-3/flasher").with("path/own-get");
    assert_eq!(
        computer.remedies(&flasher),
        ["To get a newer version, if it came in this way:\npie upgrade flasher-pie (pie)", elsewhere]
    );
}

#[test]
fn on_windows_a_command_in_a_folder_with_a_blank_is_taken_by_both_shells() {
    let mut flasher = tool("flasher", BY_PLACE);
    flasher.version.flavours[0].minimum = Some("2.0".parse().unwrap());
    flasher.packages = [("pies".to_owned(), "flasher-pie".to_owned())].into();
    let newer = |folder: &str| {
        let mut computer = Computer::new().plain(&format!("{folder}/nest.cfg")).with(&format!("{folder}/bin/flasher"));
        computer.explicit.insert("flasher".to_owned(), computer.path(&format!("{folder}/bin/flasher")));
        computer.surroundings.system = OperatingSystem::Windows;
        computer.remedies(&flasher).remove(0)
    };
    let quoted = "To get a newer version:\npushd \"HERE/my nest/bin\"\n.\\pie up flasher-pie";
    assert_eq!(newer("my nest"), quoted);
    assert_eq!(newer("nest"), "To get a newer version:\nHERE/nest/bin/pie up flasher-pie");
}

#[test]
fn what_macos_kills_may_be_a_download_that_is_not_signed() {
    let flasher = tool("flasher", "kill -9 $$");
    let told = |system, private_folder| {
        let mut computer = Computer::new().with("path/flasher");
        computer.surroundings.system = system;
        let flasher = Tool { private_folder, ..flasher.clone() };
        let problem = computer.problem(&flasher);
        assert!(problem.to_string().ends_with("it did not tell its version: something killed it"), "{problem}");
        computer.remedies(&flasher).remove(0)
    };
    let alone = told(OperatingSystem::Macos, false);
    assert!(alone.contains("Allow Anyway"), "{alone}");
    assert!(alone.ends_with("\nxattr -dr com.apple.quarantine HERE/path/flasher"), "{alone}");
    let with_its_folder = told(OperatingSystem::Macos, true);
    assert!(with_its_folder.ends_with("\nxattr -dr com.apple.quarantine HERE/path"), "{with_its_folder}");
    assert!(!told(OperatingSystem::Linux, false).contains("xattr"));
}

#[test]
fn what_is_broken_is_installed_anew_by_what_brought_it() {
    let mut flasher = tool("flasher", "exit 127");
    flasher.packages = [("own".to_owned(), "flasher-tools".to_owned())].into();
    let computer = Computer::new().with("path/flasher").with("path/own-get");
    assert_eq!(computer.remedies(&flasher)[0], "To install it anew:\nown-get again flasher-tools");
}

#[test]
fn a_fresh_one_comes_by_what_this_computer_has() {
    let mut flasher = tool("flasher", "");
    flasher.packages = [("own".to_owned(), "flasher-tools".to_owned())].into();
    let first = |computer: &Computer, flasher: &Tool| computer.remedies(flasher).remove(0);
    let with_own = Computer::new().with("path/own-get");
    assert_eq!(first(&with_own, &flasher), "To install flasher:\nown-get flasher-tools");
    assert_eq!(first(&Computer::new(), &flasher), "To install flasher: Fetch it yourself");
    // A release of the system that has only an old one.
    let mut old = Computer::new().with("path/own-get");
    old.surroundings.release = Some("madeup 22.04".to_owned());
    flasher.packages_too_old = vec!["madeup 2".to_owned()];
    assert_eq!(first(&old, &flasher), "To install flasher:\nown-get flasher-tools");
    flasher.packages_too_old = vec!["madeup 22".to_owned()];
    assert_eq!(first(&old, &flasher), "To install flasher: Fetch it yourself");
    // One installer may have to come first.
    flasher.packages = [("pies".to_owned(), "flasher-pie".to_owned())].into();
    assert_eq!(first(&with_own, &flasher), "To install flasher:\nown-get pie-maker\npie install flasher-pie");
    let with_both = Computer::new().with("path/own-get").with("path/pie");
    assert_eq!(first(&with_both, &flasher), "To install flasher:\npie install flasher-pie");
}
