use super::*;
use crate::config::{ADVISE, Access, Config, DOCTOR, LOOK, PRINT, RECORD, REPLAY, RUN, TARGETS};
use clap::Args as _;

fn parse<const COMMAND: Commands>(arguments: &[String]) -> Flags<COMMAND> {
    let command = Flags::<COMMAND>::augment_args(Command::new("w").no_binary_name(true));
    Flags::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
}

/// A value that is not the default.
fn other(setting: &Setting, flag: &Flag) -> String {
    let is_number = matches!(setting.shape(), Shape::Number);
    match (kind(setting, flag), flag.long) {
        (Kind::Switch, _) => String::new(),
        (Kind::Process, _) => "4711".to_owned(),
        (Kind::Time, _) => "100ms".to_owned(),
        (Kind::Path, _) => "/some/file".to_owned(),
        // The default is never the last one.
        (Kind::Words, _) => setting.shape().words().last().unwrap().get_name().to_owned(),
        (Kind::Text, "select") => "port=1".to_owned(),
        (Kind::Text, "listen" | "prometheus-listen" | "web-listen") => "[::1]:4711".to_owned(),
        (Kind::Text, "otlp-endpoint") => "http://collector:4318".to_owned(),
        (Kind::Text, _) if is_number => setting.bounds.1.to_string(),
        (Kind::Text, _) => "zzz".to_owned(),
    }
}

fn each_sets_its_setting<const COMMAND: Commands>(count: usize) {
    let all = flags(COMMAND);
    assert!(all.len() >= count, "{}", all.len());
    for (setting, flag) in all {
        let value = other(setting, flag);
        let text = if value.is_empty() { format!("--{}", flag.long) } else { format!("--{}={value}", flag.long) };
        let layer = parse::<COMMAND>(&[text]).layer().unwrap();
        match setting.access {
            Access::Field { of, .. } => {
                let given = of(&mut layer.values().clone()).json();
                assert_ne!(given, of(&mut Config::default()).json(), "--{}", flag.long);
            }
            _ => assert_eq!(layer.otlp, Some(true), "--{}", flag.long),
        }
    }
    assert!(parse::<COMMAND>(&[]).given.is_empty());
}

#[test]
fn each_flag_of_each_command_sets_its_setting() {
    each_sets_its_setting::<RUN>(15);
    each_sets_its_setting::<RECORD>(7);
    each_sets_its_setting::<ADVISE>(7);
    each_sets_its_setting::<REPLAY>(8);
    each_sets_its_setting::<PRINT>(11);
    each_sets_its_setting::<TARGETS>(7);
    each_sets_its_setting::<DOCTOR>(7);
    each_sets_its_setting::<LOOK>(8);
}

#[test]
fn a_path_may_be_any_bytes() {
    use std::os::unix::ffi::OsStringExt as _;
    let path = OsString::from_vec(b"/x\xff".to_vec());
    let command = Flags::<RUN>::augment_args(Command::new("w").no_binary_name(true));
    let matches = command.try_get_matches_from(["--output-file".into(), path.clone()]).unwrap();
    let layer = Flags::<RUN>::from_arg_matches(&matches).unwrap().layer().unwrap();
    assert_eq!(layer.values().output_file.as_deref(), Some(path.as_ref()));
}

#[test]
fn a_mistake_names_its_flag() {
    let mistake = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        parse::<RUN>(&arguments).layer().unwrap_err().to_string()
    };
    let select = "--select `prt=1`: unknown label `prt` at column 1; did you mean `port`?";
    assert_eq!(mistake(&["--select", "pid=1", "--select", "prt=1", "--pid", "3"]), select);
    assert!(mistake(&["--select", ""]).starts_with("--select ``: "));
    assert!(mistake(&["--otlp-endpoint", "c:4317"]).starts_with("--otlp-endpoint: `c:4317` must begin with "));
    let secret = mistake(&["--otlp-endpoint", "https://me:hunter2@c:4317/"]);
    assert!(
        secret.contains("a password does not belong on the command line") && !secret.contains("hunter2"),
        "{secret}"
    );
}

/// Whoever is on the host reads command lines.
#[test]
fn no_flag_takes_a_secret() {
    let secrets: Vec<_> = config::settings().filter(|setting| setting.secret).collect();
    assert!(secrets.iter().all(|setting| setting.flags.is_empty()), "{secrets:?}");
    let names = config::settings().flat_map(|setting| setting.flags).map(|flag| flag.long);
    for name in names {
        assert!(!["header", "token", "password", "key"].iter().any(|word| name.contains(word)), "--{name}");
    }
}
