//! What each command line means, and which ones are refused.

use super::*;

fn request(line: &str) -> Result<Request, clap::Error> {
    Arguments::try_parse_from(line.split_whitespace())?.request()
}

fn run(line: &str) -> RunArgs {
    match request(line) {
        Ok(Request::Run(run)) => *run,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> ErrorKind {
    let error = request(line).expect_err(line);
    if error.kind() != ErrorKind::DisplayHelp {
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    error.kind()
}

#[test]
fn clap_finds_nothing_wrong() {
    Arguments::command().debug_assert();
}

#[test]
fn four_ways_to_name_the_playbook() {
    for line in [
        "recover rt1062 --files x",
        "recover --files x rt1062",
        "recover --playbook rt1062 --files x",
        "recover run rt1062 --files x",
        "recover run --playbook rt1062 --files x",
    ] {
        let run = run(line);
        assert_eq!((run.playbook.as_str(), run.options.files), ("rt1062", PathBuf::from("x")), "{line}");
    }
    assert_eq!(run("recover run rt1062").options.files, PathBuf::from("."));
    assert_eq!(run("recover openmv cam h7 --files x").playbook, "openmv cam h7");
}

#[test]
fn simulation_takes_names_only_after_an_equals_sign() {
    let names = |line: &str| run(line).options.simulate.map(|simulation| simulation.names);
    assert_eq!(names("recover run rt1062"), None);
    assert_eq!(names("recover run --simulate rt1062"), Some(vec![]));
    assert_eq!(names("recover run rt1062 --simulate=brick,flaky-usb"), Some(vec!["brick".into(), "flaky-usb".into()]));
}

#[test]
fn repeatable_options_keep_their_order() {
    let options =
        run("recover run b --set a=1 --set b=x=y --tool blhost=/opt/blhost --allow-irreversible fuse").options;
    let values: Vec<_> =
        options.settings.iter().map(|setting| (setting.name.as_str(), setting.value.as_str())).collect();
    assert_eq!(values, [("a", "1"), ("b", "x=y")]);
    assert_eq!(options.tools, [ToolPath { tool: "blhost".into(), program: "/opt/blhost".into() }]);
    assert_eq!(options.allow_irreversible[0].as_str(), "fuse");
}

#[test]
fn refuses_what_cannot_be_meant() {
    assert_eq!(refusal("recover --message-format json"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refusal("recover run"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refusal("recover check"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refusal("recover run b --playbook c"), ErrorKind::ArgumentConflict);
    assert_eq!(refusal("recover --playbook b list"), ErrorKind::ArgumentConflict);
    assert_eq!(refusal("recover a --playbook b"), ErrorKind::ArgumentConflict);
    assert_eq!(refusal("recover run b --port p --serial s"), ErrorKind::ArgumentConflict);
    assert_eq!(refusal("recover run b --simulate --tool blhost=x"), ErrorKind::ArgumentConflict);
    assert_eq!(refusal("recover run b --bench d"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refusal("recover run b --set a"), ErrorKind::ValueValidation);
    assert_eq!(refusal("recover run b --tool =x"), ErrorKind::ValueValidation);
}

#[test]
fn help_begins_with_the_rescue() {
    let help = Arguments::command().render_help().to_string();
    let rescue = help.find("To rescue a camera").unwrap();
    assert!(rescue < help.find("Usage:").unwrap());
}

#[test]
fn without_a_board_one_looks_around() {
    for line in ["recover", "recover --files x", "recover --simulate"] {
        assert!(matches!(request(line), Ok(Request::LookAround(_))), "{line}");
    }
    assert_eq!(refusal("recover help"), ErrorKind::DisplayHelp);
    assert_eq!(refusal("recover help run"), ErrorKind::DisplayHelp);
}

#[test]
fn a_slip_in_a_verb_is_seen_through() {
    assert_eq!(verb_like("chekc").as_deref(), Some("check"));
    assert_eq!(verb_like("rt1062"), None);
}

#[test]
fn times_are_said_as_at_a_bench() {
    let now: jiff::Zoned = "2026-11-30T03:00[Europe/Berlin]".parse().unwrap();
    let when = |text: &str| text.parse::<When>().unwrap_or_else(|error| panic!("{text}: {error}"));
    let since = |text: &str| when(text).beginning(&now).unwrap().to_string();
    for (text, told) in [
        ("today", "2026-11-29T23:00:00Z"),
        ("yesterday", "2026-11-28T23:00:00Z"),
        ("2026-11-02", "2026-11-01T23:00:00Z"),
        ("2026-11-02T14:30", "2026-11-02T13:30:00Z"),
        ("2026-11-02 14:30", "2026-11-02T13:30:00Z"),
        ("2026-11-02T14:30Z", "2026-11-02T14:30:00Z"),
        ("02:30", "2026-11-30T01:30:00Z"),
        // It is three in the morning.
        ("22:00", "2026-11-29T21:00:00Z"),
        ("8h", "2026-11-29T18:00:00Z"),
        ("90min", "2026-11-30T00:30:00Z"),
        ("2d", "2026-11-28T02:00:00Z"),
    ] {
        assert_eq!(since(text), told, "{text}");
    }
    let until = |text: &str, since: Option<&str>| {
        let since = since.and_then(|since| when(since).beginning(&now));
        when(text).end(&now, since).unwrap().to_string()
    };
    assert_eq!(until("2026-11-02", None), "2026-11-02T23:00:00Z");
    assert_eq!(until("today", None), "2026-11-30T23:00:00Z");
    assert_eq!(until("yesterday", None), "2026-11-29T23:00:00Z");
    assert_eq!(until("06:00", Some("22:00")), "2026-11-30T05:00:00Z");
    assert_eq!(until("14:00", Some("06:00")), "2026-11-29T13:00:00Z");
    assert_eq!(until("06:00", None), "2026-11-29T05:00:00Z");
    assert_eq!(until("1h", None), "2026-11-30T01:00:00Z");
    for wrong in ["", "soon", "8", "-8h", "14", "25:00", "2026-13-01", "2026"] {
        assert!(wrong.parse::<When>().is_err(), "{wrong}");
    }
}

#[test]
fn a_report_is_about_named_runs_or_about_a_time_and_a_unit() {
    let report = |line: &str| match request(line) {
        Ok(Request::Report(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(report("recover report a b").runs, ["a", "b"]);
    assert!(report("recover report --since today --simulated").simulated);
    assert_eq!(report("recover report --unit 4711").unit.as_deref(), Some("4711"));
    for line in [
        "recover report",
        "recover report --simulated",
        "recover report last --simulated",
        "recover report last --since today",
        "recover report --since today --verify",
        "recover report --since today --bundle x",
        "recover report --since soon",
    ] {
        refusal(line);
    }
}
