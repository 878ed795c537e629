//! Folders that recover writes to: somebody else's are left alone, and none of its own pile up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::House;

/// Everything in a folder: files with what is in them, links with where they lead.
fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = std::fs::symlink_metadata(&path).unwrap();
        if found.is_dir() {
            all.extend(contents(&path));
            all.insert(path, "folder".to_owned());
        } else if found.is_symlink() {
            all.insert(path.clone(), format!("{:?}", std::fs::read_link(&path).unwrap()));
        } else {
            all.insert(path.clone(), std::fs::read_to_string(&path).unwrap());
        }
    }
    all
}

/// A person's own folder, with files whose names a bench uses too.
fn project(house: &House) -> PathBuf {
    for name in [
        "project/files/firmware.bin",
        "project/memory/notes.txt",
        "project/scene/scene.blend",
        "project/alif/app.c",
        "project/bin/dfu-util",
        "project/state.json",
        "project/lock",
        "project/vendor-tools.toml",
    ] {
        house.write(name, format!("# precious {name}\n"));
    }
    house.path("work/project")
}

#[test]
fn a_bench_is_never_set_up_in_a_folder_of_somebody_else() {
    let house = House::new();
    let project = project(&house);
    let before = contents(&project);
    for bench in ["project", "project/../project", "project/"] {
        house
            .run(&["--playbook", "rt1062", "--simulate", "--bench", bench])
            .exits(2)
            .says("is not empty, and recover has not made it: `alif`, `bin`, `files` and 5 more are in the way")
            .says("Give --bench a new or an empty folder.");
        assert_eq!(contents(&project), before);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&project, house.path("work/link")).unwrap();
        house.run(&["--playbook", "rt1062", "--simulate", "--bench", "link"]).exits(2).says("in the way");
        assert_eq!(contents(&project), before);
    }
}

#[test]
fn a_bench_that_was_kept_before_is_used_again_and_what_lies_beside_it_stays() {
    let house = House::new();
    house.simulate("", &[]).exits(0);
    let note = house.path("bench/note.txt");
    std::fs::write(&note, "mine").unwrap();
    house.simulate("", &[]).exits(0);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "mine");
    // A copy of it is somebody's own.
    std::fs::create_dir(house.path("work/copy")).unwrap();
    std::fs::copy(house.path("bench/.recover-folder"), house.path("work/copy/.recover-folder")).unwrap();
    house.run(&["--playbook", "rt1062", "--simulate", "--bench", "copy"]).exits(2).says("a copy is not cleaned");
}

#[cfg(unix)]
#[test]
fn cleaning_a_bench_follows_no_link() {
    let house = House::new();
    let project = project(&house);
    let before = contents(&project);
    house.simulate("", &[]).exits(0);
    for name in ["bin", "memory", "files", "alif", "scene"] {
        let own = house.path(&format!("bench/{name}"));
        let _not_there = std::fs::remove_dir_all(&own);
        std::os::unix::fs::symlink(project.join(name), &own).unwrap();
    }
    let state = house.path("bench/state.json");
    std::fs::remove_file(&state).unwrap();
    std::os::unix::fs::symlink(project.join("state.json"), &state).unwrap();
    house.simulate("", &[]).exits(0);
    assert_eq!(contents(&project), before);
}

#[test]
fn a_recording_goes_into_a_new_or_an_empty_folder_only() {
    let house = House::new();
    let project = project(&house);
    let before = contents(&project);
    house
        .run(&["--playbook", "rt1062", "--simulate", "--record", "project"])
        .exits(2)
        .says("in the way")
        .says("Give --record a new or an empty folder.");
    assert_eq!(contents(&project), before);
    house.run(&["--playbook", "rt1062", "--simulate", "--record", "new"]).exits(0);
    assert!(house.path("work/new/rt1062.scene.yaml").exists());
}

#[cfg(unix)]
#[test]
fn what_a_killed_run_has_left_is_gone_after_the_next() {
    use crate::support::{kill, wait_for};
    use std::process::Stdio;

    let mut house = House::new();
    house.images();
    for (tool, variable) in [("sdphost", "RECOVER_TOOL_SDPHOST"), ("blhost", "RECOVER_TOOL_BLHOST")] {
        let script = house.script(&format!("tools/{tool}"), "exec sleep 60\n");
        house.set(variable, script);
    }
    let mut command = house.command(&["--playbook", "rt1062", "--files", "images", "--non-interactive"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // A folder without its mark would be nobody's to clean, so the kill waits for what is put in behind that.
    let is_filled = || house.left_over().iter().any(|name| house.path("tmp").join(name).join("firmware.bin").exists());
    wait_for("temporary folders", || is_filled().then_some(()));
    kill(child.id());
    child.wait().unwrap();
    assert!(!house.left_over().is_empty());
    house.simulate("", &[]).exits(0);
    assert_eq!(house.left_over(), [""; 0]);
}

#[test]
fn only_the_last_few_benches_of_failed_cases_are_kept() {
    let house = House::new();
    house.write("rt1062.yaml", include_str!("../playbooks/rt1062.yaml"));
    let case = |number: usize| format!("  - name: number {number}\n    expect: {{outcome: step-failed}}\n");
    let cases: String = (0..12).map(case).collect();
    house.write(
        "rt.test.yaml",
        format!("format: 1\nplaybook: rt1062.yaml\nanswers: {{consent: boot-fuse}}\ncases:\n{cases}"),
    );
    for _ in 0..3 {
        house.run(&["test", "rt.test.yaml"]).exits(1);
    }
    let kept = house.left_over().len();
    assert!(kept <= 20, "{kept} benches");
    house.simulate("", &[]).exits(0);
    assert_eq!(house.left_over().len(), 10);
}
