//! What the numbers were measured on.

use std::process::Command;

use crate::table::wrapped;

pub(crate) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc =
        Command::new(rustc).arg("-V").output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let rustc = rustc.unwrap_or_default();
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = file("/proc/sys/kernel/osrelease");
    let load = file("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned();
    let today = jiff::Zoned::now().strftime("%Y-%m-%d");
    wrapped(&format!(
        "{today}, {}, {cores} cores, Linux {}, {}; load {load} at the beginning.",
        processor(&file("/proc/cpuinfo")),
        kernel.trim(),
        rustc.join(" "),
    ))
    .trim_end()
    .to_owned()
}

fn processor(cpuinfo: &str) -> String {
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    value("model name").or_else(|| value("CPU part")).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
