//! The tables of `docs/configuration.md` that the table of settings and the definition of the flags make. The test says
//! when they are stale; with `WIRESPAN_TEST_DOCS=write` it writes them, for `cargo xtask docs`.

use std::path::Path;

use clap::CommandFactory as _;

use super::Args;
use crate::config::{self, Access, Config, Setting, Shape, Variable};

const PAGE: &str = "../docs/configuration.md";

/// A table in Markdown.
fn table(head: &str, rows: impl IntoIterator<Item = String>) -> String {
    let columns = head.matches(" | ").count() + 1;
    let mut text = format!("| {head} |\n|{}\n", "---|".repeat(columns));
    for row in rows {
        text.push_str(&format!("| {row} |\n").replace("|  |", "| |"));
    }
    text
}

/// A sentence as part of a table: without its end, and with a small beginning unless a name begins there.
fn phrase(sentence: &str) -> String {
    let text = sentence.trim().trim_end_matches('.');
    let mut rest = text.chars();
    match (rest.next(), rest.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

/// What a setting is, with its words and where there is more.
fn meaning(setting: &Setting) -> String {
    let mut text = phrase(setting.doc);
    let words: Vec<String> = setting.shape().words().iter().map(|word| format!("`{}`", word.get_name())).collect();
    if words.len() > 1 && !words.iter().all(|word| text.contains(word)) {
        text += &format!(": {}", words.join(", "));
    }
    let keys = if let Access::Section(table) = setting.access { table } else { &[] };
    let keys = keys.iter().filter(|key| !matches!(key.access, Access::Unused));
    let keys: Vec<String> = keys.map(|key| format!("`{}`", key.path)).collect();
    if keys.len() > 1 {
        text += &format!(": {}", keys.join(", "));
    }
    if !setting.see.is_empty() {
        text += &format!(" ({})", setting.see);
    }
    if setting.secret {
        text += "; hidden by `config print`";
    }
    text
}

/// The default of a setting, and its bounds.
fn default(setting: &Setting, with_bounds: bool) -> String {
    let own = match setting.access {
        Access::Field { of, .. } => of(&mut Config::default()).json(),
        _ => serde_json::Value::Null,
    };
    let mut text = match own {
        _ if !setting.default.is_empty() => setting.default.to_owned(),
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(word) => format!("`{word}`"),
        serde_json::Value::Bool(truth) => format!("`{truth}`"),
        other => other.to_string(),
    };
    if with_bounds && setting.bounds != (0, u32::MAX.into()) {
        text += &format!("; {} to {}", setting.bounds.0, setting.bounds.1);
    }
    text
}

/// One row for each flag, with all commands that have it.
fn flags() -> String {
    let command = Args::command();
    let mut rows: Vec<(String, Vec<String>, String)> = Vec::new();
    let mut add = |name: &str, leaf: &clap::Command| {
        for flag in leaf.get_arguments().filter(|flag| !flag.is_positional()) {
            let (names, rest) = flag_row(flag);
            match rows.iter_mut().find(|(known, _, same)| *known == names && *same == rest) {
                Some((_, commands, _)) => commands.push(name.to_owned()),
                None => rows.push((names, vec![name.to_owned()], rest)),
            }
        }
    };
    for one in command.get_subcommands() {
        add(one.get_name(), one);
        one.get_subcommands().for_each(|inner| add(&format!("{} {}", one.get_name(), inner.get_name()), inner));
    }
    table(
        "flag | of | meaning | default",
        rows.into_iter().map(|(names, commands, rest)| format!("{names} | {} | {rest}", commands.join(", "))),
    )
}

/// A flag as it is written, and what it means.
fn flag_row(flag: &clap::Arg) -> (String, String) {
    let words: Vec<String> = flag.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let is_switch = !flag.get_action().takes_values();
    let value = match flag.get_value_names() {
        _ if is_switch => String::new(),
        _ if !words.is_empty() => format!(" {}", words.join("\\|")),
        names => names.unwrap_or_default().iter().map(|name| format!(" {name}")).collect(),
    };
    let long = format!("`--{}{value}`", flag.get_long().unwrap_or_default());
    let names = match flag.get_short() {
        Some(short) => format!("`-{short}`, {long}"),
        None => long,
    };
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    let meaning = phrase(help.split(" [default").next().unwrap_or_default());
    // Other flags of a setting are short forms of its first one. Commands have flags of the same name for other things.
    let is_its = |setting: &&Setting| {
        let own = setting.flags.first();
        own.is_some_and(|own| own.long == flag.get_id().as_str() && super::flags::help(setting, own) == help)
    };
    let of_setting = config::settings().find(is_its);
    let usual: Vec<String> = flag.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    let default = match of_setting {
        _ if is_switch => String::new(),
        Some(setting) if usual.is_empty() => default(setting, false),
        _ => usual.join(", "),
    };
    (names, format!("{meaning} | {default}"))
}

/// wirespan's own variables.
fn own_variables() -> String {
    let rows = variables().filter(|(_, variable)| variable.is_own()).map(|(setting, variable)| {
        let mut same = match setting.flags.first() {
            Some(flag) => format!("`--{}`", flag.long),
            None => format!("`{}` of the file", setting.path),
        };
        if matches!(setting.shape(), Shape::Truth) {
            same += ": `true` or `false`";
        }
        let between: Vec<String> = variable.between.iter().map(|separator| format!("`{separator}`")).collect();
        if !between.is_empty() {
            same += &format!("; several with {} between them", between.join(" or "));
        }
        format!("`{}` | {same}", variable.name)
    });
    table("variable | same as", rows)
}

fn variables() -> impl Iterator<Item = (&'static Setting, &'static Variable)> {
    config::settings().flat_map(|setting| setting.variables.iter().map(move |variable| (setting, variable)))
}

/// Variables of OpenTelemetry.
fn standard_variables() -> String {
    let row = |prefix: &str, setting: &Setting, variable: &Variable| {
        format!("`{prefix}{}` | {} | {}", variable.name, meaning(setting), default(setting, false))
    };
    let of = |prefix: &'static str, keys: &'static [Setting]| {
        keys.iter().flat_map(move |key| key.variables.iter().map(move |variable| row(prefix, key, variable)))
    };
    let rest = variables().filter(|(_, variable)| !variable.is_own());
    let rows = of("OTEL_EXPORTER_OTLP_", config::OTLP_KEYS)
        .chain(of("OTEL_EXPORTER_OTLP_METRICS_", config::OTLP_METRICS_KEYS))
        .chain(rest.map(|(setting, variable)| row("", setting, variable)));
    table("variable | meaning | default", rows)
}

/// Keys of the section `wirespan`.
fn own_keys() -> String {
    let rows = config::settings().filter_map(|setting| {
        let key = setting.path.strip_prefix("wirespan.")?;
        Some(format!("`{key}` | {} | {}", meaning(setting), default(setting, true)))
    });
    table("key of `wirespan:` | meaning | default, bounds", rows)
}

/// Keys of OpenTelemetry that have an effect.
fn standard_keys() -> String {
    let keys = config::settings().filter(|setting| {
        !setting.path.is_empty() && !setting.path.starts_with("wirespan.") && !matches!(setting.access, Access::Unused)
    });
    let rows = keys.map(|setting| format!("`{}` | {} | {}", setting.path, meaning(setting), default(setting, true)));
    table("key | meaning | default, bounds", rows)
}

/// Keys of OTLP exporters.
fn exporter_keys() -> String {
    let keys = config::OTLP_KEYS.iter().chain(config::OTLP_METRICS_KEYS).filter(|setting| !setting.path.is_empty());
    let rows = keys.map(|setting| {
        let variables: Vec<String> =
            setting.variables.iter().map(|variable| format!("`…_{}`", variable.name)).collect();
        format!("`{}` | {} | {}", setting.path, meaning(setting), variables.join(", "))
    });
    table("key | meaning | variable", rows)
}

/// The page with its tables made anew.
fn made(page: &str) -> String {
    let tables = [
        ("flags", flags()),
        ("own variables", own_variables()),
        ("standard variables", standard_variables()),
        ("own keys", own_keys()),
        ("standard keys", standard_keys()),
        ("exporter keys", exporter_keys()),
    ];
    let mut page = page.to_owned();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- begin: {name} (generated) -->\n"), format!("<!-- end: {name} -->"));
        let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{end}"));
        page = format!("{before}{begin}{table}{end}{after}");
    }
    page
}

#[test]
fn the_tables_of_the_manual_are_those_of_the_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let made = made(&page);
    if std::env::var("WIRESPAN_TEST_DOCS").is_ok_and(|what| what == "write") {
        std::fs::write(&path, made).unwrap();
    } else {
        for (stands, belongs) in page.lines().zip(made.lines()) {
            assert_eq!(stands, belongs, "stale: run `cargo xtask docs`");
        }
        assert_eq!(page.len(), made.len(), "stale: run `cargo xtask docs`");
    }
}

/// For editors, without the program.
#[test]
fn the_published_schema_is_that_of_the_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/wirespan.schema.json");
    let made = format!("{:#}\n", config::schema());
    if std::env::var("WIRESPAN_TEST_DOCS").is_ok_and(|what| what == "write") {
        std::fs::write(&path, made).unwrap();
    } else {
        assert!(std::fs::read_to_string(&path).unwrap_or_default() == made, "stale: run `cargo xtask docs`");
    }
}
