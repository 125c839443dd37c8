use super::*;
use crate::metrics::settings::Reading;
use crate::metrics::testing::snapshot;

fn lines<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(start)).collect()
}

#[test]
fn the_text_format() {
    let text = render(&snapshot(false, Reading::Cumulative), Format::Text);
    let labels = r#"service_name="shop",service_instance_id="4711",http_request_method="GET",http_route="/say/\"hi\"\\\n",http_response_status_code="200",tls_resumed="true""#;
    for line in [
        "# HELP http_server_request_duration_seconds Duration of HTTP server requests.".to_owned(),
        "# TYPE http_server_request_duration_seconds histogram".to_owned(),
        format!("http_server_request_duration_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
        format!("http_server_request_duration_seconds_bucket{{{labels},le=\"0.5\"}} 2"),
        format!("http_server_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
        format!("http_server_request_duration_seconds_sum{{{labels}}} 99.304"),
        format!("http_server_request_duration_seconds_count{{{labels}}} 3"),
        "# TYPE wirespan_tcp_io_bytes_total counter".to_owned(),
        r#"wirespan_tcp_io_bytes_total{service_name="shop",service_instance_id="4711"} 1000000"#.to_owned(),
        r#"wirespan_tcp_io_bytes_total{service_name="blog",service_instance_id="4711"} 1000000"#.to_owned(),
        "# TYPE wirespan_tcp_connections_open gauge".to_owned(),
        r#"target_info{service_name="shop",service_instance_id="4711",process_pid="4711",team=""} 1"#.to_owned(),
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\nis missing in:\n{text}");
    }
    assert_eq!(lines(&text, "# TYPE wirespan_tcp_io_bytes_total").len(), 1, "one family for all resources");
    assert!(!text.contains("# {") && !text.contains("# EOF"));
}

#[test]
fn open_metrics_has_exemplars_units_and_an_end() {
    let text = render(&snapshot(false, Reading::Cumulative), Format::OpenMetrics);
    for line in [
        "# TYPE wirespan_tcp_io_bytes counter",
        "# UNIT wirespan_tcp_io_bytes bytes",
        "# UNIT http_server_request_duration_seconds seconds",
        "# TYPE target info",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\nis missing in:\n{text}");
    }
    let buckets = lines(&text, "http_server_request_duration_seconds_bucket");
    let exemplars: Vec<_> = buckets.iter().filter_map(|line| line.split_once(" # ")).map(|(_, rest)| rest).collect();
    let expected = |id: &str, value: &str| {
        format!("{{trace_id=\"{}\",span_id=\"{}\"}} {value} 1795246369.000", id.repeat(16), id.repeat(8))
    };
    assert_eq!(exemplars, [expected("01", "0.004"), expected("02", "0.3")]);
    assert!(buckets.iter().any(|line| line.contains("le=\"1.0\"")), "whole bounds have a fraction");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn exponential_buckets_become_explicit() {
    let text = render(&snapshot(true, Reading::Cumulative), Format::Text);
    let buckets = lines(&text, "http_server_request_duration_seconds_bucket");
    assert_eq!(buckets.len(), 4);
    assert!(buckets[3].ends_with("le=\"+Inf\"} 3"));
}

#[test]
fn what_scrapers_ask_for() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    assert_eq!(Format::accepted("text/plain"), Format::Text);
    assert_eq!(Format::accepted(""), Format::Text);
}

#[test]
fn a_series_is_told_once() {
    let mut twice = snapshot(false, Reading::Cumulative);
    let again = twice.groups.clone();
    twice.groups.extend(again);
    let once = render(&snapshot(false, Reading::Cumulative), Format::Text);
    let mut sorted: Vec<_> = once.lines().map(str::to_owned).collect();
    let text = render(&twice, Format::Text);
    let mut others: Vec<_> = text.lines().map(str::to_owned).collect();
    sorted.sort();
    others.sort();
    assert_eq!(sorted, others);
}

/// The format has three escapes and no more; whatever else a program calls itself stays within its quotes and its line.
#[test]
fn names_of_strangers_stay_within_their_quotes() {
    let mut hostile = snapshot(false, Reading::Cumulative);
    let lines_before = render(&hostile, Format::Text).lines().count();
    let name = format!("{}\"}} 1\nforged{{x=\"", crate::shown::testing::HOSTILE);
    for group in &mut hostile.groups {
        let mut resource = Resource::clone(&group.resource);
        resource.service_name = format!("{name}{}", resource.service_name).into();
        group.resource = resource.into();
    }
    let text = render(&hostile, Format::Text);
    assert_eq!(text.split('\n').count(), lines_before + 1);
    assert!(
        text.split('\n').all(|line| !line.starts_with("forged") && !line.starts_with("wirespan: forged")),
        "{text}"
    );
}

#[test]
fn no_label_is_one_of_prometheus_itself() {
    let text = render(&snapshot(false, Reading::Cumulative), Format::Text);
    assert!(text.contains("service_name=\"shop\""));
    assert!(!text.contains("job=") && !text.contains("instance="), "{text}");
}
