use super::*;

fn mistakes(text: &str) -> Vec<String> {
    validate("w.yaml", text, &|_| None).err().unwrap_or_default().iter().map(Error::to_string).collect()
}

#[test]
fn every_mistake_is_told_once_in_order() {
    let text = r#"file_format: "1.0"
log_levl: info
tracer_provider:
  processors:
    - batch:
        schedule_delay: soon
        exporter:
          otlp_http:
            endpoint: localhost:4318
            compresion: gzip
            headers:
              - nam: x
  sampler:
    parent_basd:
meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_http: {endpoint: "ftp://c/", timeout: never}
wirespan:
  select: ["prot=1", "port=2", "port="]
  selct: [a]
  output: "${A"
  backend: socket
  capture:
    ring_bytes: 100000
  routes:
    - pattern: users
      service: shop
  returned_rows: yes
"#;
    assert_eq!(
        mistakes(text),
        [
            "w.yaml:2:1: unknown key `log_levl`; did you mean `log_level`?",
            "w.yaml:6:25: `schedule_delay` must be a whole number",
            "w.yaml:9:23: `endpoint`: expected a URL with http:// or https:// and a host, like http://localhost:4318/v1/traces",
            "w.yaml:10:13: otlp_http: unknown key `compresion`; did you mean `compression`?",
            "w.yaml:12:17: a header needs a `name`",
            "w.yaml:14:5: tracer_provider.sampler: unknown key `parent_basd`; did you mean `parent_based`?",
            "w.yaml:19:33: `endpoint`: expected a URL with http:// or https:// and a host, like http://localhost:4318/v1/metrics",
            "w.yaml:19:54: `timeout`: 'never' is not a number of milliseconds (0 to 4294967295)",
            "w.yaml:21:12: selector `prot=1`: unknown label `prot` at column 1; did you mean `port`?",
            "w.yaml:21:32: selector `port=`: expected a value for `port`, found the end, at column 6",
            "w.yaml:22:3: wirespan: unknown key `selct`; did you mean `select`?",
            "w.yaml:23:11: `${` without `}`",
            "w.yaml:24:12: `backend`: unknown value `socket`; did you mean `sockets`?",
            "w.yaml:26:17: `ring_bytes` must be a power of two, such as 16777216",
            "w.yaml:28:16: route pattern `users`: must begin with `/`",
            "w.yaml:30:18: `returned_rows` must be true or false",
        ]
    );
}

#[test]
fn what_is_no_yaml_ends_the_search() {
    let found = mistakes("wirespn: 1\nwirespan: [a\n");
    assert!(found.len() == 1 && found[0].starts_with("w.yaml:3:1: not YAML: "), "{found:?}");
    assert_eq!(mistakes("- a\n"), ["w.yaml:1:1: the file must be a mapping"]);
}

#[test]
fn the_number_of_mistakes_is_bounded() {
    let text: String = (0..1000).map(|at| format!("key{at}: 1\n")).collect();
    assert_eq!(mistakes(&text).len(), MOST);
}

#[test]
fn what_is_right_has_none() {
    assert_eq!(validate("w.yaml", "file_format: \"1.0\"\n", &|_| None), Ok(Vec::new()));
    let odd = validate("w.yaml", "file_format: \"1.0\"\nresource:\n  a: b\n", &|_| None);
    assert_eq!(odd, Ok(vec!["w.yaml:2:1: `resource` has no effect here".to_owned()]));
}
