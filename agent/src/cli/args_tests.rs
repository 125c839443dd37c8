use super::*;
use crate::config::View;
use crate::config::{Backend, LogLevel};

fn parse(line: &str) -> Args {
    Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"))
}

fn mistake(line: &str) -> String {
    one_line(&Args::try_parse_from(line.split(' ')).unwrap_err())
}

#[test]
fn the_definition_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn the_contract() {
    let Command::Run(run) = parse(
        "wirespan run --config a.yaml --select port=1 --select comm=b --output otlp-json --output-file o \
         --otlp-endpoint http://c:4318 --prometheus-listen :9464 --log-level debug --backend syscalls --duration 1.5"
            .trim(),
    )
    .command
    else {
        panic!("run")
    };
    assert_eq!(run.duration, Some(Duration::from_millis(1500)));
    let layer = run.settings.layer().unwrap();
    let given = layer.values();
    assert_eq!(given.selectors.iter().count(), 2);
    assert_eq!((given.output, given.backend), (Output::OtlpJson, Backend::Syscalls));
    assert_eq!((layer.otlp, given.log_level), (Some(true), LogLevel::Debug));
    assert_eq!(given.prometheus_listen, Some("0.0.0.0:9464".parse().unwrap()));
    for line in [
        "wirespan run",
        "wirespan run -o none -v",
        "wirespan replay x.pcap -o otlp-json",
        "wirespan replay x.pcap --output otlp-json",
        "wirespan record -o x --select pid=1",
        "wirespan doctor --output json",
        "wirespan targets --select exe=nginx --all -o json",
        "wirespan config validate x.yaml",
        "wirespan config print --config x.yaml --output none",
    ] {
        parse(line);
    }
}

#[test]
fn what_people_expect_is_accepted() {
    let Command::Run(run) =
        parse("wirespan run -p 12,13 -p 14 --select port=1 -v --duration 5m --errors --slower-than 100ms --trace-id")
            .command
    else {
        panic!("run")
    };
    assert_eq!(run.duration, Some(Duration::from_secs(300)));
    let layer = run.settings.layer().unwrap();
    let given = layer.values();
    let selectors: Vec<String> = given.selectors.iter().map(ToString::to_string).collect();
    assert_eq!(selectors, ["port=1", "pid=12", "pid=13", "pid=14"]);
    assert_eq!(given.log_level, LogLevel::Debug);
    assert_eq!(given.console.view(), View { trace_ids: true, errors: true, slowest_ns: 100_000_000 });
    assert!(Args::try_parse_from("wirespan run -v --log-level off".split(' ')).is_err());
    let Command::Advise(advise) = parse("wirespan advise --for 1h30m -o json").command else { panic!("advise") };
    assert_eq!((advise.window, advise.output), (Duration::from_secs(5400), Report::Json));
}

#[test]
fn examples_are_accepted() {
    let mut count = 0;
    for help in [
        examples::RUN,
        examples::REPLAY,
        examples::RECORD,
        examples::ADVISE,
        examples::TARGETS,
        examples::TOP,
        examples::REPORT,
        examples::MCP,
        examples::DOCTOR,
        examples::VALIDATE,
        examples::PRINT,
        examples::SCHEMA,
    ] {
        for line in help.lines().filter_map(|line| line.trim().strip_prefix("wirespan ")) {
            // Explanations stand behind two spaces.
            let line = line.split("  ").next().unwrap();
            let parsed = Args::try_parse_from(["wirespan"].into_iter().chain(line.split(' ')));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
            count += 1;
        }
        assert!(help.lines().all(|line| line.len() <= 115), "{help}");
    }
    assert_eq!(count, 34);
}

#[test]
fn every_command_has_examples() {
    let command = Args::command();
    let leaves = command.get_subcommands().flat_map(|one| {
        let inner: Vec<_> = one.get_subcommands().collect();
        if inner.is_empty() { vec![one] } else { inner }
    });
    for leaf in leaves {
        let text = leaf.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(text.starts_with("Examples:"), "{}", leaf.get_name());
    }
}

#[test]
fn the_version_names_what_was_built() {
    let version = Args::try_parse_from(["wirespan", "--version"]).unwrap_err().to_string();
    assert!(version.starts_with(concat!("wirespan ", env!("CARGO_PKG_VERSION"))), "{version}");
}

#[test]
fn mistakes_are_one_line_with_the_right_spelling() {
    assert_eq!(mistake("wirespan run --selct a"), "unexpected argument `--selct`; did you mean `--select`?");
    assert_eq!(mistake("wirespan rnu"), "unknown command `rnu`; did you mean `run`?");
    assert_eq!(
        mistake("wirespan run --output consle"),
        "`--output <OUTPUT>`: unknown value `consle`; did you mean `console`?"
    );
    assert_eq!(
        mistake("wirespan run --backend zzz"),
        "`--backend <BACKEND>`: unknown value `zzz`; write one of auto, sockets, syscalls"
    );
    assert_eq!(mistake("wirespan replay"), "`<FILE>` is missing; see `wirespan --help`");
    assert_eq!(mistake("wirespan run x"), "unexpected argument `x`; see `wirespan --help`");
    for line in ["wirespan run --config", "wirespan run --duration soon", "wirespan config", "wirespan --nope"] {
        assert!(!mistake(line).contains('\n'), "{}", mistake(line));
    }
}

#[test]
fn selectors_and_addresses_are_checked() {
    let error = |line: &str| match parse(line).command {
        Command::Run(run) => run.settings.layer().unwrap_err().to_string(),
        _ => panic!("run"),
    };
    assert_eq!(
        error("wirespan run --select prot=8000"),
        "--select `prot=8000`: unknown label `prot` at column 1; did you mean `port`?"
    );
    assert!(error("wirespan run --otlp-endpoint localhost:4318").starts_with("--otlp-endpoint: "));
    assert!(error("wirespan run --prometheus-listen a:b").starts_with("--prometheus-listen: "));
}
