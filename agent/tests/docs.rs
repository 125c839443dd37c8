//! What the documentation shows is accepted by the program.

use std::path::{Path, PathBuf};

use wirespan::config;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(name)).unwrap_or_default();
    assert!(!text.is_empty(), "{name} is missing or empty");
    text
}

/// The fenced blocks of a language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn example_configurations_are_valid_without_a_warning() {
    let page = read("docs/configuration.md");
    let unit = read("deploy/systemd/wirespan.yaml");
    let examples = blocks(&page, "yaml");
    assert!(!examples.is_empty(), "no example in docs/configuration.md");
    for (index, text) in examples.into_iter().chain([&*unit]).enumerate() {
        let path = std::env::temp_dir().join(format!("wirespan-docs-{}-{index}.yaml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let warnings = config::validate(&path, &|name| (name == "API_KEY").then(|| "secret".to_owned()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(warnings, Ok(Vec::new()), "{text}");
    }
}

#[test]
fn every_variable_in_the_table_of_our_own_is_known() {
    let page = read("docs/configuration.md");
    let names = page.lines().filter_map(|line| line.strip_prefix("| `WIRESPAN_")?.split('`').next());
    let names: Vec<String> = names.map(|name| format!("WIRESPAN_{name}")).collect();
    assert!(names.len() > 5, "the table was not found");
    assert_eq!(config::unknown_variables(names), Vec::<String>::new());
}

/// Commands by their full names, `config print` and its like included.
fn commands(command: &clap::Command, above: &str) -> Vec<(String, clap::Command)> {
    let inner = command.get_subcommands().filter(|one| one.get_name() != "help").flat_map(|one| {
        let name = format!("{above}{}", one.get_name());
        if one.has_subcommands() { commands(one, &format!("{name} ")) } else { vec![(name, one.clone())] }
    });
    inner.collect()
}

#[test]
fn the_tables_of_commands_and_flags_are_those_of_the_program() {
    use clap::CommandFactory as _;
    use std::collections::BTreeSet;
    let page = read("docs/configuration.md");
    let mut documented = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `-")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        let names: Vec<&str> =
            cells[0].trim_start_matches("| ").split(", ").map(|name| name.trim_matches('`')).collect();
        let long = names.iter().find_map(|name| name.strip_prefix("--")).expect(line).split(' ').next().unwrap();
        let short = names.iter().find(|name| !name.starts_with("--")).and_then(|name| name.chars().nth(1));
        for command in cells[1].split(", ") {
            assert!(documented.insert((command.to_owned(), long.to_owned(), short)), "twice: {command} --{long}");
        }
    }
    let mut real = BTreeSet::new();
    for (name, command) in commands(&wirespan::cli::Args::command(), "") {
        assert!(page.contains(&format!("| `wirespan {name}")), "no row for `wirespan {name}`");
        for argument in command.get_arguments().filter(|one| !one.is_hide_set()) {
            if let Some(long) = argument.get_long().filter(|long| !["help", "version"].contains(long)) {
                real.insert((name.clone(), long.to_owned(), argument.get_short()));
            }
        }
    }
    assert!(real.len() > 40, "{real:?}");
    assert_eq!(
        documented.difference(&real).collect::<Vec<_>>(),
        Vec::<&(String, String, Option<char>)>::new(),
        "only in the page"
    );
    assert_eq!(
        real.difference(&documented).collect::<Vec<_>>(),
        Vec::<&(String, String, Option<char>)>::new(),
        "not in the page"
    );
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "docs/configuration.md",
        "docs/metrics.md",
        "docs/spans.md",
        "docs/troubleshooting.md",
    ] {
        let text = read(page);
        let folder = root().join(page).parent().map(Path::to_path_buf).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.contains("://");
            assert!(outside || folder.join(target).exists(), "{page}: {target}");
        }
    }
}
