//! The page: its files, which are in the binary. They load nothing from elsewhere, and have no script or style within the HTML.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, StatusCode};

/// A file of the page.
#[derive(Debug)]
struct File {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File { name: $name, bytes: include_bytes!(concat!("page/", $name)) }),*]
    };
}

/// All of them; the first is served at `/`.
const FILES: &[File] = files![
    "index.html",
    "style.css",
    "icon.svg",
    "main.js",
    "dom.js",
    "format.js",
    "live.js",
    "chart.js",
    "table.js",
    "empty.js",
    "layout.js",
    "map.js",
    "operations.js",
    "traces.js",
    "waterfall.js",
    "advice.js",
    "connections.js",
    "agent.js",
];

/// A file as it is sent.
struct Packed {
    gzip: Bytes,
    tag: String,
}

static PACKED: LazyLock<Vec<Packed>> = LazyLock::new(|| FILES.iter().map(packed).collect());

fn packed(file: &File) -> Packed {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing into a `Vec` cannot fail.
    let _ = encoder.write_all(file.bytes);
    let gzip = encoder.finish().unwrap_or_default().into();
    Packed { gzip, tag: format!("\"{:08x}\"", crc32fast::hash(file.bytes)) }
}

/// Its routes.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new();
    for (at, file) in FILES.iter().enumerate() {
        let path = if at == 0 { "/".to_owned() } else { format!("/page/{}", file.name) };
        router = router.route(&path, get(move |headers: HeaderMap| async move { sent(at, &headers) }));
    }
    router
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    }
}

fn sent(at: usize, headers: &HeaderMap) -> Response {
    let (file, packed) = (&FILES[at], &PACKED[at]);
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Another version of wirespan has other files by the same names: they are asked for each time, and sent when they have changed.
    let known = [(ETAG, &*packed.tag), (CACHE_CONTROL, "no-cache"), (VARY, "accept-encoding")];
    if header(IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == packed.tag) {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    let kind = [(CONTENT_TYPE, kind(file.name))];
    if super::routes::takes_gzip(header(ACCEPT_ENCODING)) {
        return (known, kind, [(CONTENT_ENCODING, "gzip")], packed.gzip.clone()).into_response();
    }
    (known, kind, file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_page_is_small() {
        let all: usize = PACKED.iter().map(|packed| packed.gzip.len()).sum();
        assert!(all <= 80 * 1024, "{all} bytes of gzip");
    }

    /// What the policy forbids would not work; what it cannot forbid must not be there.
    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        let on_disk = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/serve/page")).unwrap();
        assert_eq!(on_disk.count(), FILES.len(), "every file of the folder is served");
        for file in FILES {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            for word in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"]
            {
                assert!(!foreign.contains(word), "{}: {word}", file.name);
            }
            if file.name.ends_with(".html") {
                for word in ["<style", "style=", " on", "javascript:"] {
                    let found = text.split('<').any(|tag| tag.split('>').next().unwrap_or_default().contains(word));
                    assert!(!found && !text.contains("<style"), "{}: {word}", file.name);
                }
                assert!(text.split("<script").skip(1).all(|tag| tag.contains("></script>")), "{}", file.name);
            }
        }
    }

    #[test]
    fn every_module_that_is_imported_is_there() {
        for file in FILES.iter().filter(|file| file.name.ends_with(".js")) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for line in text.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from ")) {
                let Some((_, name)) = line.split_once("'./") else { continue };
                let name = name.split('\'').next().unwrap();
                assert!(FILES.iter().any(|file| file.name == name), "{}: {name}", file.name);
            }
        }
    }
}
