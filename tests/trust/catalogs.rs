//! Catalogs of tools: what merely lies there counts only once a person has trusted it.

use std::os::unix::fs::{chown, symlink};

use crate::support::House;
use crate::terminal::{Move, at_terminal, types};
use crate::{CATALOG, NAMED, PLAYBOOK, RUN, house, set_mode, store, was_here};

const QUESTION: &str = "Type yes to trust it as it is:";
const LIST: &str = "Type yes to let it:";

#[test]
fn one_that_lies_there_starts_nothing_in_a_real_run() {
    let house = house();
    for args in
        [&RUN[..], &["run", "acme.yaml", "--non-interactive"], &["run", "acme.yaml", "--message-format", "json"]]
    {
        let ran = house.run(args).exits(3);
        ran.says("vendor-tools.toml decides which programs run, and nobody has trusted it as it is")
            .says("it changes acmeflash (new), acmeflash.programs = [")
            .says("run the same command again with --catalog vendor-tools.toml.")
            .says("recover trust vendor-tools.toml");
        assert!(!was_here(&house));
    }
    // What is shipped is no safer beside it.
    house.run(&["run", "rt1062"]).exits(3).says("--catalog vendor-tools.toml").says("move it away");
    house.run(&NAMED).exits(0).says("vendor-tools.toml adds to the shipped catalog of tools: you named it.");
    assert!(was_here(&house));
    // Named once is not trusted for good.
    house.run(&RUN).exits(3);
}

#[test]
fn one_beside_the_playbook_is_no_better() {
    let house = house();
    std::fs::create_dir(house.path("work/sent")).unwrap();
    for name in ["vendor-tools.toml", "acme.yaml"] {
        std::fs::rename(house.path("work").join(name), house.path("work/sent").join(name)).unwrap();
    }
    let run = ["run", "sent/acme.yaml"];
    house.run(&run).exits(3).says("--catalog sent/vendor-tools.toml.");
    house.run(&[&run[..], &["--catalog", "sent/vendor-tools.toml"]].concat()).exits(0);
    assert!(was_here(&house));
    // Each that lies there is to be named.
    house.write("vendor-tools.toml", CATALOG.replace("acmeflash", "otherflash"));
    house.run(&run).exits(3).says("--catalog vendor-tools.toml --catalog sent/vendor-tools.toml.");
    let ran = house.run(&[&run[..], &["--catalog", "sent/vendor-tools.toml"]].concat()).exits(0);
    ran.says("vendor-tools.toml is not used: --catalog names another one.");
    house.run(&["trust", "sent/vendor-tools.toml"]).exits(0);
    house.run(&["trust", "vendor-tools.toml"]).exits(0);
    house.run(&run).exits(0).says("sent/vendor-tools.toml adds to the shipped catalog of tools: you trust it.");
}

#[test]
fn it_is_trusted_once_until_it_changes() {
    let house = house();
    let ran = house.run(&["trust", "vendor-tools.toml"]).exits(0);
    ran.says(&house.path("work/vendor-tools.toml").canonicalize().unwrap().display().to_string())
        .says("- acmeflash (new) - acmeflash.programs = [\"acmeflash\"]")
        .says("It is trusted as long as it stays as it is");
    house.run(&RUN).exits(0).says("you trust it");
    assert!(was_here(&house));
    house.write("vendor-tools.toml", format!("{CATALOG}\n"));
    house.run(&RUN).exits(3);
    // The same text elsewhere is another catalog.
    house.write("vendor-tools.toml", CATALOG);
    house.run(&RUN).exits(0);
    assert!(was_here(&house));
    house.run(&["trust", "--forget", "vendor-tools.toml"]).exits(0).says("no longer trusted");
    house.run(&RUN).exits(3);
    assert!(!was_here(&house));
}

#[test]
fn a_person_is_asked_once() {
    let house = house();
    let ask = |moves: &[Move<'_>]| at_terminal(house.command(&RUN), moves);
    let (code, shown) = ask(&[types(QUESTION, "no\n")]);
    assert_eq!(code, Some(6), "{shown}");
    assert!(shown.contains("- acmeflash.programs = [\"acmeflash\"]"), "{shown}");
    assert!(shown.contains(&house.path("work/vendor-tools.toml").display().to_string()), "{shown}");
    assert!(!was_here(&house));
    let (code, shown) = ask(&[types(QUESTION, "yes\n"), types(LIST, "yes\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(was_here(&house));
    let (code, shown) = ask(&[]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("Type yes"), "{shown}");
    // What it says now, nobody has read.
    house.write("vendor-tools.toml", CATALOG.replace("[\"acmeflash\"]", "[\"acmeflash\", \"sh\"]"));
    let (code, shown) = ask(&[types(QUESTION, "\n")]);
    assert_eq!(code, Some(6), "{shown}");
    assert!(shown.contains("acmeflash.programs = [\"acmeflash\", \"sh\"]"), "{shown}");
}

#[test]
fn what_is_piped_is_no_person() {
    use std::process::Stdio;
    let house = house();
    let (code, _) = at_terminal(
        {
            let mut command = std::process::Command::new("/bin/sh");
            let program = env!("CARGO_BIN_EXE_recover");
            command.args(["-c", &format!("'{program}' run acme.yaml 2>&1 | cat; test ! -e ../was-here")]);
            for (name, value) in house.command(&[]).get_envs() {
                command.env(name, value.unwrap());
            }
            command.current_dir(house.path("work"));
            command
        },
        &[types("recover trust vendor-tools.toml", "yes\n")],
    );
    assert_eq!(code, Some(0));
    let mut command = house.command(&RUN);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _not_read = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"yes\nyes\n");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(3));
    assert!(!was_here(&house));
}

/// What is typed before the question is shown answers nothing.
#[test]
fn what_was_typed_before_the_question_is_dropped() {
    let house = house();
    // The terminal holds the line before the program has begun.
    let mut command = std::process::Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_recover");
    command.args(["-c", &format!("echo ready; while ! test -e typed; do :; done; exec '{program}' run acme.yaml")]);
    for (name, value) in house.command(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    command.current_dir(house.path("work"));
    let typed = || drop(house.write("typed", ""));
    let moves = [types("ready", "yes\n"), Move { when: "yes", does: &typed, types: "" }, types(QUESTION, "no\n")];
    let (code, shown) = at_terminal(command, &moves);
    assert_eq!(code, Some(6), "{shown}");
    assert!(!was_here(&house));
}

/// What is asked about is what is used, whatever becomes of the file meanwhile.
#[test]
fn what_was_shown_is_what_is_used() {
    let house = house();
    let evil = CATALOG.replace("\"acmeflash\"]", "\"acmeflash\"]\nfirst_args = [\"evil\"]");
    let replace = || drop(house.write("vendor-tools.toml", &evil));
    let moves = [Move { when: QUESTION, does: &replace, types: "yes\n" }, types(LIST, "yes\n")];
    let (code, shown) = at_terminal(house.command(&RUN), &moves);
    assert_eq!(code, Some(0), "{shown}");
    assert!(was_here(&house));
    let kept = house.log();
    assert!(kept.contains("run for ") && !kept.contains("evil"), "{kept}");
    // And what lies there now was not trusted with it.
    house.run(&RUN).exits(3).says("first_args = [\"evil\"]");
}

#[test]
fn what_others_may_write_is_named_each_time() {
    const SOMEBODY: u32 = 54_321;
    type Attempt = fn(&House) -> bool;
    fn mode(house: &House, name: &str, mode: u32) -> bool {
        set_mode(&house.path(name), mode);
        true
    }
    let attempts: [(&str, Attempt, &str); 4] = [
        ("file", |house| mode(house, "work/vendor-tools.toml", 0o666), "may write it"),
        ("folder", |house| mode(house, "work", 0o777), "may write in its folder"),
        ("like /tmp", |house| mode(house, "work", 0o1777), "may write in its folder"),
        (
            "owner",
            // Only root can give a file away.
            |house| chown(house.path("work/vendor-tools.toml"), Some(SOMEBODY), None).is_ok(),
            "it belongs to another user",
        ),
    ];
    for (what, attempt, why) in attempts {
        let house = house();
        house.run(&["trust", "vendor-tools.toml"]).exits(0);
        if !attempt(&house) {
            continue;
        }
        house.run(&RUN).exits(3).says(why).says("--catalog vendor-tools.toml.").never_says("recover trust");
        let (code, shown) = at_terminal(house.command(&RUN), &[]);
        assert_eq!(code, Some(3), "{what}: {shown}");
        assert!(!was_here(&house), "{what}");
        house.run(&["trust", "vendor-tools.toml"]).exits(3).says("cannot be trusted for good").says(why);
        house.run(&NAMED).exits(0).says("warning: vendor-tools.toml decides which programs run, and").says(why);
        assert!(was_here(&house), "{what}");
    }
}

/// Containers check out under another user's name, and nothing of a catalog starts here.
#[test]
fn whoever_it_belongs_to_it_counts_where_nothing_starts() {
    const SOMEBODY: u32 = 54_321;
    const TESTS: &str = "format: 1\ncases: [{name: works, scene: works.scene.yaml, expect: {outcome: recovered}}]\n";
    const SCENE: &str = "format: 1\ntools: {acmeflash: {version: \"Acme Flash Tool v2.1\\n\"}}\n\
                         calls: [{run: acmeflash, args: [write], out: \"Verified OK\\n\"}]\n";
    let house = house();
    house.write("acme.test.yaml", TESTS);
    house.write("works.scene.yaml", SCENE);
    for name in ["vendor-tools.toml", "acme.yaml", "acme.test.yaml", "works.scene.yaml"] {
        set_mode(&house.path("work").join(name), 0o666);
        let _only_root_can = chown(house.path("work").join(name), Some(SOMEBODY), Some(SOMEBODY));
    }
    set_mode(&house.path("work"), 0o1777);
    let all: [&[&str]; 6] = [
        &["check", "acme.yaml", "acme.test.yaml", "works.scene.yaml", "vendor-tools.toml"],
        &["test", "acme.test.yaml"],
        &["list", "acme.yaml"],
        &["run", "acme.yaml", "--scene", "works.scene.yaml"],
        &["run", "acme.yaml", "--scene", "works.scene.yaml", "--catalog", "vendor-tools.toml"],
        &["run", "acme.yaml", "--dry-run"],
    ];
    for args in all {
        house.run(args).exits(0);
        let (code, shown) = at_terminal(house.command(args), &[]);
        assert_eq!(code, Some(0), "{args:?}: {shown}");
        assert!(!was_here(&house), "{args:?}");
    }
}

#[test]
fn what_only_tells_people_something_needs_no_trust() {
    let house = house();
    house.write("home.yaml", PLAYBOOK);
    std::fs::create_dir_all(house.path("home/config/recover")).unwrap();
    std::fs::write(house.path("home/config/recover/vendor-tools.toml"), CATALOG).unwrap();
    house.write("vendor-tools.toml", "[acmeflash]\nsummary = \"writes\"\n");
    house.run(&RUN).exits(0).says("what it changes starts no program and judges none");
    // The user's own catalog is the measure, not the shipped one.
    house.write("vendor-tools.toml", "[acmeflash]\nprograms = [\"acmeflash\"]\n");
    house.run(&RUN).exits(0).says("what it changes starts no program");
    for key in [
        "faults = []",
        "rules = []",
        "install = \"sh\"",
        "terminal = true",
        "programs = [\"sh\"]",
        "environment = {A = \"b\"}",
    ] {
        house.write("vendor-tools.toml", format!("[acmeflash]\n{key}\n"));
        house.run(&RUN).exits(3).says(&format!("acmeflash.{}", key.split(' ').next().unwrap()));
    }
}

#[test]
fn the_users_own_counts_as_ever() {
    let house = house();
    std::fs::create_dir_all(house.path("home/config/recover")).unwrap();
    std::fs::rename(house.path("work/vendor-tools.toml"), house.path("home/config/recover/vendor-tools.toml")).unwrap();
    house.run(&RUN).exits(0).says("adds to the shipped catalog of tools.");
    // Also by a link to it, and where it is the current folder's.
    symlink(house.path("home/config/recover/vendor-tools.toml"), house.path("work/vendor-tools.toml")).unwrap();
    house.run(&RUN).exits(0);
    assert!(was_here(&house));
}

#[test]
fn what_others_may_write_is_not_the_users_own() {
    use std::os::unix::fs::PermissionsExt;
    let house = house();
    std::fs::create_dir_all(house.path("home/config/recover")).unwrap();
    let own = house.path("home/config/recover/vendor-tools.toml");
    std::fs::rename(house.path("work/vendor-tools.toml"), &own).unwrap();
    for (changed, open, closed) in [(&own, 0o666, 0o644), (&house.path("home/config/recover"), 0o777, 0o755)] {
        std::fs::set_permissions(changed, std::fs::Permissions::from_mode(open)).unwrap();
        house.run(&RUN).exits(3).says("every user of this computer may write").says("--catalog ");
        assert!(!was_here(&house));
        std::fs::set_permissions(changed, std::fs::Permissions::from_mode(closed)).unwrap();
    }
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o666)).unwrap();
    let named: Vec<&str> = RUN.into_iter().chain(["--catalog", own.to_str().unwrap()]).collect();
    house.run(&named).exits(0).says("it is taken because you named it");
}

/// A relative folder for configuration would make any folder the user's own.
#[test]
fn no_relative_folder_is_the_users_own() {
    let mut house = house();
    std::fs::create_dir_all(house.path("work/recover")).unwrap();
    std::fs::rename(house.path("work/vendor-tools.toml"), house.path("work/recover/vendor-tools.toml")).unwrap();
    house.set("XDG_CONFIG_HOME", ".");
    house.run(&RUN).exits(3).says("no tool is called `acmeflash`");
    house.set("XDG_CONFIG_HOME", "");
    house.set("HOME", ".");
    house.write(".config/recover/vendor-tools.toml", CATALOG);
    house.run(&RUN).exits(3).says("no tool is called `acmeflash`");
    assert!(!was_here(&house));
}

#[test]
fn a_link_counts_by_what_it_leads_to() {
    let house = house();
    let (link, first, second) =
        (house.path("work/vendor-tools.toml"), house.path("first.toml"), house.path("second.toml"));
    std::fs::rename(&link, &first).unwrap();
    std::fs::write(&second, CATALOG).unwrap();
    symlink(&first, &link).unwrap();
    house.run(&["trust", "vendor-tools.toml"]).exits(0).says("first.toml");
    house.run(&RUN).exits(0);
    assert!(was_here(&house));
    std::fs::remove_file(&link).unwrap();
    symlink(&second, &link).unwrap();
    house.run(&RUN).exits(3);
    assert!(!was_here(&house));
}

#[test]
fn a_store_that_cannot_be_relied_on_says_nothing() {
    let house = house();
    let trust = ["trust", "vendor-tools.toml"];
    house.run(&trust).exits(0);
    let whole = std::fs::read_to_string(store(&house)).unwrap();
    for damaged in [&whole[..whole.len() / 2], "", "\u{0}\u{0}"] {
        std::fs::write(store(&house), damaged).unwrap();
        house.run(&RUN).exits(3);
    }
    house.run(&trust).exits(0);
    house.run(&RUN).exits(0);
    assert!(was_here(&house));
    set_mode(&store(&house), 0o666);
    house.run(&RUN).exits(3);
    set_mode(&store(&house), 0o600);
    set_mode(store(&house).parent().unwrap(), 0o777);
    house.run(&RUN).exits(3);
    set_mode(store(&house).parent().unwrap(), 0o755);
    house.run(&RUN).exits(0);
    // A kill in the middle of writing leaves a file of another name.
    std::fs::write(store(&house).with_file_name(".tmpabc"), "{").unwrap();
    house.run(&RUN).exits(0);
}

#[test]
fn where_nothing_can_be_kept_that_is_told() {
    let mut house = house();
    // Neither root nor anybody else makes a folder below a file.
    std::fs::write(house.path("a-file"), "").unwrap();
    house.set("XDG_CONFIG_HOME", house.path("a-file"));
    house
        .run(&["trust", "vendor-tools.toml"])
        .exits(1)
        .says("nothing was changed in what is trusted")
        .says("cannot be written");
    let (code, shown) = at_terminal(house.command(&RUN), &[types(QUESTION, "yes\n"), types(LIST, "yes\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("warning: that you trust vendor-tools.toml cannot be kept"), "{shown}");
    house.run(&NAMED).exits(0);
    assert!(was_here(&house));
}

/// In a namespace of its own the test may mount a tiny file system, without any privilege.
#[test]
fn on_a_full_disk_what_was_trusted_stays() {
    let house = house();
    let (folder, program) = (store(&house).parent().unwrap().to_owned(), env!("CARGO_BIN_EXE_recover"));
    std::fs::create_dir_all(&folder).unwrap();
    let in_namespace = |line: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", line]).current_dir(house.path("work"));
        command.stdin(std::process::Stdio::null()).env_clear();
        for (name, value) in house.command(&[]).get_envs() {
            command.env(name, value.unwrap());
        }
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output()
    };
    let mount = format!("mount -t tmpfs -o size=16k,mode=755 none '{}'", folder.display());
    match in_namespace(&mount) {
        Ok(output) if output.status.success() => {}
        other => return eprintln!("skipped: this user may not mount anything, not even in a namespace ({other:?})"),
    }
    let trust = format!("'{program}' trust vendor-tools.toml");
    let output = in_namespace(&format!(
        "{mount}; {trust} || exit 40; cat /dev/zero > '{0}/filler' 2>/dev/null; cp '{0}/trusted.json' ../before; {trust} --forget; \
         echo forgotten $?; echo '# more' >> vendor-tools.toml; {trust}; echo trusted $?; cmp ../before '{0}/trusted.json' && ls -A '{0}'",
        folder.display()
    ))
    .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for part in ["forgotten 1\n", "trusted 1\n", "filler\ntrusted.json\n", "cannot be written: No space left on device"]
    {
        assert!(told.contains(part), "no `{part}` in {told}");
    }
}

#[test]
fn hostile_names_steer_nothing() {
    let house = house();
    let hostile = "a\\u001b[31m\\n- nothing\\u202e";
    house.write("vendor-tools.toml", format!("{CATALOG}\n[\"{hostile}\"]\nprograms = [\"{hostile}\"]\n"));
    for args in [&RUN[..], &["trust", "vendor-tools.toml"]] {
        let ran = house.run(args);
        assert!(!ran.text().contains("\u{1b}[31m") && !ran.text().contains('\u{202e}'), "{:?}", ran.text());
        assert!(!ran.text().lines().any(|line| line.starts_with("- nothing")), "{}", ran.text());
    }
    let (_, shown) = at_terminal(house.command(&RUN), &[types(QUESTION, "no\n")]);
    assert!(!shown.contains("\u{1b}[31m") && !shown.contains('\u{202e}'), "{shown:?}");
}

#[test]
fn only_a_sound_catalog_can_be_trusted() {
    let house = house();
    house.run(&["trust", "missing/vendor-tools.toml"]).exits(2).says("cannot be read");
    house.run(&["trust", "acme.yaml"]).exits(2).says("--catalog");
    house.write("vendor-tools.toml", "[acmeflash\n");
    house.run(&["trust", "vendor-tools.toml"]).exits(3);
    house.write("vendor-tools.toml", CATALOG.replace("summary", "sumary"));
    house.run(&["trust", "vendor-tools.toml"]).exits(3).says("unknown key `sumary`");
    house.run(&["run", "acme.yaml", "--catalog", "missing.toml"]).exits(2).says("missing.toml cannot be read");
    assert!(!store(&house).exists());
}

#[test]
fn a_dry_run_tells_which_program_each_tool_is() {
    let house = house();
    let program = house.path("work/bin/acmeflash").display().to_string();
    let dry = ["run", "acme.yaml", "--dry-run"];
    let ran = house.run(&dry).exits(0);
    ran.says(&format!("acmeflash {program} (found by RECOVER_TOOL_ACMEFLASH), from the catalogs vendor-tools.toml"))
        .says("a real run takes it only once you trust it");
    house.run(&["trust", "vendor-tools.toml"]).exits(0);
    house.run(&dry).exits(0).says("you trust it");
    // What is put before the arguments of each call shows what kind of program it is.
    house.write(
        "vendor-tools.toml",
        CATALOG.replace("\"acmeflash\"]", "\"acmeflash\"]\nfirst_args = [\"-c\", \"evil\"]"),
    );
    house.run(&dry).exits(0).says(&format!("{program} -c evil"));
    let events = house.run(&[&dry[..], &["--message-format", "json"]].concat()).exits(0).events();
    let tool = events.iter().find(|event| event["event"] == "planned_tool").unwrap();
    assert_eq!(tool["tool"], "acmeflash");
    assert_eq!(tool["catalogs"], serde_json::json!(["vendor-tools.toml"]));
    std::fs::remove_file(house.path("work/vendor-tools.toml")).unwrap();
    let ran = house.run(&["run", "rt1062", "--dry-run", "--files", "bin", "--simulate"]).exits(0);
    ran.says("the bench plays it").says("from the shipped catalog");
    assert!(!was_here(&house));
}
