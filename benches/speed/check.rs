//! How long `recover check` takes for the playbooks of a large house, beside `yamllint` on the same files.

use std::process::{Command, Stdio};
use std::time::Duration;

use recover::documents::library::shipped_playbook;

use crate::place::{of_house, time};
use crate::spread::Spread;
use crate::support::House;
use crate::table::{Aim, Rows};

const COPIES: usize = 1000;
const ROUNDS: usize = 5;

pub(crate) fn measure(rows: &mut Rows) {
    let house = House::new();
    let playbook = shipped_playbook("rt1062").unwrap();
    let names: Vec<String> = (0..COPIES).map(|number| format!("rt1062-{number}.yaml")).collect();
    for name in &names {
        house.write(name, &playbook.text);
    }
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let yamllint = Command::new("yamllint").arg("--version").stdout(Stdio::null()).status().is_ok();
    let (mut own, mut others): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(time(&mut house.command(&[&["check"], &files[..]].concat())));
        if yamllint {
            let script = "yamllint -d relaxed \"$@\" >/dev/null; exit 0";
            let mut lint = of_house(&house, "/bin/sh", &[&["-c", script, "sh"], &files[..]].concat());
            lint.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            others.push(time(&mut lint));
        }
    }
    let seconds = Spread::of(own.iter().map(Duration::as_secs_f64));
    rows.add("`recover check`, 1,000 copies of rt1062.yaml", Aim::AtMost(0.8), &seconds, " s", 2);
    if yamllint {
        let shown = Spread::of(others.iter().map(Duration::as_secs_f64)).shown(2);
        rows.remark(format!("yamllint takes {shown} s for the same files."));
    }
}
