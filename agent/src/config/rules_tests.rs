use crate::config::{Config, file, layer, validate_text};
use crate::process::rules::Reason;
use crate::process::{Process, Users};

fn load(text: &str) -> Result<Config, String> {
    let text = format!("file_format: \"1.0\"\nwirespan:\n  rules:\n{text}");
    let layer = file::parse("w.yaml", &text, &|_| None).map_err(|error| error.to_string())?;
    layer::settle(vec![layer]).map(|(config, _)| config).map_err(|error| error.to_string())
}

const RULES: &str = r#"
    - exclude: [exe=curl, comm=wget]
    - name: shop
      select: k8s.namespace=shop,language=python
      service_name: shop
      attributes: {team: shop, deployment.environment.name: prod, tier: 1}
      protocols: {redis: false}
      sampling: 0.25
      turn_budget: 1024
      routes: ["/orders/{id}", {pattern: "/x/*", service: shop}]
      redaction: {also: [voucher], except: [sig]}
    - select: [port=5432, "systemd.unit=db"]
      protocols: [postgresql]
"#;

#[test]
fn rules_are_read_in_order() {
    let config = load(RULES).unwrap();
    let names: Vec<&str> = config.rules.0.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["1", "shop", "3"]);
    let rules = config.rules(false);
    let judge = |comm: &str| {
        let process = Process { comm: comm.into(), connected: vec![5432], ..Process::default() };
        rules.judge(&process, &Users::default()).reason
    };
    assert_eq!((judge("wget"), judge("postgres")), (Reason::Rule(0), Reason::Rule(2)));
    let treatments = config.treatments();
    let shop = &treatments[1];
    assert_eq!(shop.service_name.as_deref(), Some("shop"));
    assert_eq!(shop.attributes.len(), 3);
    assert!(
        shop.tells("http") && !shop.tells("redis") && treatments[2].tells("postgresql") && !treatments[2].tells("http")
    );
    assert_eq!(shop.turn_budget, Some(1024));
    let options = shop.options.as_ref().unwrap();
    assert_eq!(&*options.routes.find("any", "/orders/7", true).unwrap().pattern, "/orders/{id}");
    assert!(treatments[0].options.is_none() && treatments[0].sampler.is_none());
    assert!(treatments[1].sampler.unwrap().parent_based);
}

#[test]
fn what_is_printed_says_the_same() {
    let config = load(RULES).unwrap();
    let printed = config.to_yaml();
    assert!(printed.contains("      - \"exe=curl\"\n"), "{printed}");
    let layer = file::parse("again", &printed, &|_| None).unwrap();
    assert_eq!(layer::settle(vec![layer]).unwrap().0.rules, config.rules, "{printed}");
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let wrong: Vec<_> = [
        ("    - selct: a", "w.yaml:4:7: wirespan.rules: unknown key `selct`; did you mean `select`?"),
        (
            "    - select: prot=1",
            "w.yaml:4:15: selector `prot=1`: unknown label `prot` at column 1; did you mean `port`?",
        ),
        ("    - {select: comm=a, exclude: comm=b}", "w.yaml:4:33: a rule has `select` or `exclude`; write two rules"),
        (
            "    - {exclude: comm=a, sampling: 1}",
            "w.yaml:4:35: a rule that excludes processes says nothing else of them",
        ),
        ("    - exclude: []", "w.yaml:4:7: `exclude` needs a selector"),
        ("    - sampling: 2", "w.yaml:4:17: `sampling` must be a number from 0 to 1"),
        ("    - protocols: [htp]", "w.yaml:4:19: `protocols`: unknown protocol `htp`; did you mean `http`?"),
        ("    - protocols: {redis: maybe}", "w.yaml:4:26: `redis` must be true or false"),
        (
            "    - attributes: {service.name: a}",
            "w.yaml:4:20: `attributes`: the name of the service is said by `service_name`",
        ),
        (
            "    - attributes: {\"a b\": a}",
            "w.yaml:4:20: `attributes`: `a b` is no name of an attribute (letters, digits, `.`, `_`, `-`, `/`)",
        ),
        ("    - turn_budget: 99999999", "w.yaml:4:20: `turn_budget` must be between 0 and 15360"),
        ("    - routes: users", "w.yaml:4:15: route pattern `users`: must begin with `/`"),
    ]
    .into_iter()
    .filter_map(|(text, expected)| Some(load(text).unwrap_err()).filter(|told| told != expected))
    .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_rule_may_say_nothing() {
    // `exclude:` without a value is as none at all.
    assert!(validate_text("w", "file_format: \"1.0\"\nwirespan: {rules: [{}]}", &|_| None).is_ok());
    assert!(load("    - name: all").unwrap().rules(false).select_all());
}
