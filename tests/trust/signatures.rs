//! Packages of playbooks that somebody has signed. The package, keys and signatures lie in `tests/signed`.

use std::path::{Path, PathBuf};

use crate::support::{House, Ran};
use crate::{house, was_here};

const RUN: [&str; 3] = ["run", "package/acme.yaml", "--only-signed"];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signed").join(name)
}

/// The package beside the keys; the current folder has no catalog.
fn bench() -> House {
    let house = house();
    std::fs::remove_file(house.path("work/vendor-tools.toml")).unwrap();
    for name in ["acme.yaml", "lib/acme.yaml", "vendor-tools.toml", "MANIFEST", "MANIFEST.minisig"] {
        house.write(&format!("package/{name}"), std::fs::read(data("package").join(name)).unwrap());
    }
    for name in ["owner.pub", "stranger.pub"] {
        house.write(name, std::fs::read(data(name)).unwrap());
    }
    house
}

fn trust_key(house: &House, name: &str) {
    let folder = house.path("home/config/recover/trusted-keys");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(data(name), folder.join(name)).unwrap();
}

fn check(house: &House, key: &str) -> Ran {
    house.run(&["check", "--signed-by", key, "package/acme.yaml"])
}

#[test]
fn a_package_is_signed_by_its_key_alone() {
    let house = bench();
    check(&house, "owner.pub").exits(0).says("package/acme.yaml: nothing wrong, signed (Acme package 1)");
    let key = std::fs::read_to_string(data("owner.pub")).unwrap();
    check(&house, key.lines().last().unwrap()).exits(0).says("signed (Acme package 1)");
    check(&house, "stranger.pub").exits(3).says("is not signed by a key that counts").never_says("nothing wrong");
    check(&house, "missing.pub").exits(2).says("neither a public key of minisign nor a file with one");
    check(&house, "package/acme.yaml").exits(2).says("neither a public key");
    house.run(&["check", "--signed-by", "owner.pub", "package/vendor-tools.toml"]).exits(0).says("signed (Acme");
    house.run(&["check", "--signed-by", "owner.pub", "package/lib/acme.yaml"]).never_says("is not signed");
    house.run(&["check", "--signed-by", "owner.pub", "rt1062"]).exits(0).says("recover brings it along");
}

#[test]
fn everything_that_is_used_must_be_what_was_signed() {
    for name in ["acme.yaml", "lib/acme.yaml", "vendor-tools.toml"] {
        let house = bench();
        trust_key(&house, "owner.pub");
        let path = house.path("work/package").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}# and more\n")).unwrap();
        check(&house, "owner.pub").exits(3).says(name).says("it was changed afterwards");
        house.run(&RUN).exits(3).says(name).says("it was changed afterwards");
        assert!(!was_here(&house), "{name}");
    }
}

#[test]
fn a_bench_takes_only_what_its_owner_signed() {
    let house = bench();
    house.run(&RUN).exits(3).says("no key is trusted").says("put the owner's into");
    trust_key(&house, "stranger.pub");
    house.run(&RUN).exits(3).says("is not signed by a key that counts");
    trust_key(&house, "owner.pub");
    let ran = house.run(&RUN).exits(0);
    ran.says("package/vendor-tools.toml adds to the shipped catalog of tools: it is signed (Acme package 1)")
        .never_says("is not one of recover's own");
    assert!(was_here(&house));
    // What is shipped is accepted, and stops later for want of files.
    house.run(&["run", "rt1062", "--only-signed"]).exits(2).says("sdphost_flash_loader.bin");
}

#[test]
fn neither_a_name_nor_trust_replaces_a_signature() {
    let house = bench();
    trust_key(&house, "owner.pub");
    house.write("acme.yaml", crate::PLAYBOOK);
    house
        .run(&["run", "acme.yaml", "--only-signed", "--catalog", "package/vendor-tools.toml"])
        .exits(3)
        .says("acme.yaml is not signed");
    house.write("vendor-tools.toml", crate::CATALOG);
    house.run(&["trust", "vendor-tools.toml"]).exits(0);
    house.run(&RUN).exits(3).says("vendor-tools.toml is not signed: there is no MANIFEST beside it");
    house
        .run(&[&RUN[..], &["--catalog", "vendor-tools.toml"]].concat())
        .exits(3)
        .says("vendor-tools.toml is not signed");
    assert!(!was_here(&house));
}

#[test]
fn another_name_or_place_is_not_what_was_signed() {
    let house = bench();
    trust_key(&house, "owner.pub");
    let package = house.path("work/package");
    std::fs::copy(package.join("acme.yaml"), package.join("other.yaml")).unwrap();
    house.run(&["run", "package/other.yaml", "--only-signed"]).exits(3).says("MANIFEST does not name `other.yaml`");
    std::fs::remove_file(package.join("MANIFEST.minisig")).unwrap();
    house.run(&RUN).exits(3).says("MANIFEST.minisig cannot be read");
    std::fs::copy(data("stranger.minisig"), package.join("MANIFEST.minisig")).unwrap();
    house.run(&RUN).exits(3).says("is not signed by a key that counts");
    std::fs::write(package.join("MANIFEST.minisig"), "nonsense").unwrap();
    house.run(&RUN).exits(3).says("it is no signature of minisign");
    std::fs::copy(data("package/MANIFEST.minisig"), package.join("MANIFEST.minisig")).unwrap();
    let manifest = std::fs::read_to_string(package.join("MANIFEST")).unwrap();
    std::fs::write(package.join("MANIFEST"), manifest.replace("acme", "acne")).unwrap();
    house.run(&RUN).exits(3).says("is not signed by a key that counts");
    assert!(!was_here(&house));
}

#[test]
fn the_owners_settings_say_so_for_every_real_run() {
    let house = bench();
    let settings = house.path("home/config/recover/settings.toml");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, "only_signed = true\n").unwrap();
    let run = ["run", "package/acme.yaml", "--catalog", "package/vendor-tools.toml"];
    house.run(&run).exits(3).says("no key is trusted").says("only_signed in the settings");
    trust_key(&house, "owner.pub");
    house.run(&run).exits(0);
    assert!(was_here(&house));
    house.write("plain.yaml", "format: 1\nboard: Plain\nsteps: [{refuse: Not yet.}]\n");
    house.run(&["run", "plain.yaml"]).exits(3).says("plain.yaml is not signed");
    // Nothing starts there.
    house.run(&["check", "plain.yaml"]).exits(0);
    // What cannot be read may have forbidden something.
    for wrong in ["only_singed = true\n", "only_signed =\n", "only_signed = \"yes\"\n"] {
        std::fs::write(&settings, wrong).unwrap();
        house.run(&run).exits(3).says("settings.toml");
        house.run(&["--playbook", "rt1062", "--simulate"]).exits(0);
    }
    assert!(!was_here(&house));
}

#[test]
fn a_key_that_others_may_write_counts_for_nothing() {
    let house = bench();
    trust_key(&house, "owner.pub");
    let key = house.path("home/config/recover/trusted-keys/owner.pub");
    crate::set_mode(&key, 0o666);
    house.run(&RUN).exits(3).says("does not count as a key").says("may write it");
    crate::set_mode(&key, 0o644);
    crate::set_mode(key.parent().unwrap(), 0o777);
    house.run(&RUN).exits(3).says("may write in its folder");
    assert!(!was_here(&house));
}
