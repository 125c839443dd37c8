//! Every entry of the table can be set in each of its ways, and is seen in what is printed.

use std::collections::BTreeSet;

use super::setting::{Access, Setting, file, place};
use super::tests::from;
use super::*;
use serde_json::Value as Json;

/// A value that is not the default: as it stands in the file, and as flags and variables have it.
fn other(setting: &Setting) -> (String, String) {
    let default = field(setting, &mut Config::default()).unwrap();
    let both = |text: String| (text.clone(), text);
    let words = setting.shape().words();
    match setting.path {
        "wirespan.select" => return both("port=4711".to_owned()),
        "wirespan.rules" => return both("[{select: [port=4711], name: a}]".to_owned()),
        "wirespan.routes.patterns" => return ("[\"/a/{b}\"]".to_owned(), "/a/{b}".to_owned()),
        "wirespan.listen" | "wirespan.prometheus_listen" | "wirespan.web_listen" => {
            return both("127.0.0.1:4711".to_owned());
        }
        "wirespan.view.token" => return both("a-secret-of-24-characters".to_owned()),
        "wirespan.limits.cpu" => return both("7%".to_owned()),
        "wirespan.metrics.attributes" => return both("{http.server.request.duration: [http.route]}".to_owned()),
        _ => {}
    }
    match (setting.shape(), default) {
        (Shape::Truth, default) => both((default != Json::Bool(true)).to_string()),
        (Shape::Number | Shape::Milliseconds, default) if setting.power_of_two => {
            both((default.as_u64().unwrap() / 2).to_string())
        }
        (Shape::Milliseconds, Json::Number(default)) => both((default.as_u64().unwrap() + 1).to_string()),
        (Shape::Number, Json::Number(default)) => both((default.as_u64().unwrap() - 1).to_string()),
        (Shape::Words(_), default) => {
            both(words.iter().map(|word| word.get_name().to_owned()).find(|word| *word != default).unwrap())
        }
        (Shape::Texts, _) => ("[zzz]".to_owned(), "zzz".to_owned()),
        _ => both("zzz".to_owned()),
    }
}

/// The value of a setting.
fn field(setting: &Setting, config: &mut Config) -> Option<Json> {
    match setting.access {
        Access::Field { of, .. } => Some(of(config).json()),
        _ => None,
    }
}

fn fields() -> impl Iterator<Item = &'static Setting> {
    settings::all().filter(|setting| matches!(setting.access, Access::Field { .. }))
}

/// A file with one value.
fn file_with(setting: &Setting, value: &str) -> String {
    let mut text = String::from("file_format: \"1.0\"\n");
    let mut indent = String::new();
    for key in setting.path.split('.') {
        match key.strip_suffix("[]") {
            Some(key) => text += &format!("{indent}{key}:\n{indent}- "),
            None if text.ends_with("- ") => text += &format!("{key}:\n"),
            None => text += &format!("{indent}{key}:\n"),
        }
        indent += "  ";
    }
    format!("{} {value}\n", text.trim_end())
}

#[test]
fn the_file_sets_each_and_it_is_printed() {
    let plain = Config::default().to_yaml();
    for setting in fields().filter(|setting| !setting.path.is_empty()) {
        let text = file_with(setting, &other(setting).0);
        let mut config = from(&text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let value = field(setting, &mut config);
        assert_ne!(value, field(setting, &mut Config::default()), "{text}");
        let printed = config.to_yaml();
        assert_ne!(printed, plain, "{text}");
        if setting.secret {
            assert!(!printed.contains(&other(setting).0), "{printed}");
            continue;
        }
        let mut again = from(&printed, &[]).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(field(setting, &mut again), value, "{printed}");
    }
}

#[test]
fn each_variable_sets_its_setting() {
    for setting in fields() {
        for name in setting.variables {
            let (_, text) = other(setting);
            let get = |asked: &str| (asked == name.name).then(|| text.clone());
            let layer = env::read(&get).unwrap();
            let (mut config, _) = layer::settle(vec![layer]).unwrap();
            assert_ne!(field(setting, &mut config), field(setting, &mut Config::default()), "{}={text}", name.name);
            assert_eq!(config.warnings, [""; 0], "{}", name.name);
        }
    }
}

#[test]
fn a_wrong_variable_is_an_error_or_a_warning() {
    let mut count = 0;
    for setting in fields().filter(|setting| !matches!(setting.shape(), Shape::Text | Shape::Path | Shape::Texts)) {
        for name in setting.variables {
            let read = env::read(&|asked: &str| (asked == name.name).then(|| "*".to_owned()));
            match read {
                Err(error) => assert!(name.is_own() && error.to_string().starts_with(name.name), "{error}"),
                Ok(layer) => assert!(!name.is_own() && layer.warnings.len() == 1, "{}", name.name),
            }
            count += 1;
        }
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn names_are_unique_and_documented() {
    let mut seen = BTreeSet::new();
    for setting in settings::all() {
        let variables = setting.variables.iter().map(|variable| variable.name);
        let flags = setting.flags.iter().map(|flag| flag.long);
        for name in variables.chain(flags).chain([setting.path]).filter(|name| !name.is_empty()) {
            assert!(seen.insert(name), "{name} is there twice");
        }
        let doc = setting.doc.trim();
        assert!(doc.ends_with('.') && !doc.contains('|') && doc.len() > 2, "{}: {doc}", setting.path);
        assert!(setting.bounds.0 <= setting.bounds.1, "{}", setting.path);
        assert!(
            !setting.path.is_empty() || !setting.flags.is_empty() || !setting.variables.is_empty(),
            "{doc}: can be given nowhere"
        );
    }
    for path in [settings::OUTPUT, settings::OUTPUT_FILE, settings::PROMETHEUS_LISTEN] {
        assert!(seen.contains(path), "{path}");
    }
}

#[test]
fn defaults_are_within_bounds_and_those_of_an_empty_file() {
    let mut empty = from("file_format: \"1.0\"\n", &[]).unwrap();
    assert_eq!(empty, Config::default());
    for setting in fields() {
        let value = field(setting, &mut empty);
        assert_eq!(value, field(setting, &mut Config::default()));
        if let (Shape::Number | Shape::Milliseconds, Some(Json::Number(number))) = (setting.shape(), value) {
            let (least, most) = setting.bounds;
            assert!((least..=most).contains(&number.as_u64().unwrap()), "{}", setting.path);
        }
    }
}

/// What a new setting takes: this entry, and the code that uses the field.
mod a_new_one {
    use super::*;

    const NEW: &[Setting] = &[file("wirespan.limits.test")
        .doc("Only here.")
        .within(1, 10)
        .variables(&[setting::variable("WIRESPAN_TEST")])
        .access(place!([.limits] processes))];

    #[test]
    fn is_one_entry() {
        let mut layer = Layer::default();
        assert!(layer.write(&NEW[0], Source::Own, "WIRESPAN_TEST", &["7".into()]).is_ok());
        assert_eq!(layer.values().limits.processes, 7);
        let Err(Wrong { what, .. }) = layer.write(&NEW[0], Source::Own, "WIRESPAN_TEST", &["11".into()]) else {
            panic!("11")
        };
        assert_eq!(what, "`11` must be between 1 and 10");
    }
}
