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

#[test]
fn the_page_of_metrics_has_each_with_its_unit_and_kind() {
    use wirespan::metrics::catalog::CATALOG;
    use wirespan::metrics::instrument::Kind;
    let page = read("docs/metrics.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    for instrument in CATALOG {
        let kind = match instrument.kind {
            Kind::Counter | Kind::Total => "counter",
            Kind::UpDown => "up-down counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let row = rows.iter().find(|row| row[0] == instrument.name);
        let row = row.unwrap_or_else(|| panic!("docs/metrics.md lacks `{}`", instrument.name));
        assert_eq!((row[1], row[2]), (kind, instrument.unit), "{}", instrument.name);
    }
    let unknown = rows.iter().filter(|row| row.len() > 3 && row[1].ends_with("counter"));
    for row in unknown {
        assert!(CATALOG.iter().any(|instrument| instrument.name == row[0]), "`{}` is no metric", row[0]);
    }
}
