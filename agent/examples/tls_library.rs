//! Which library of TLS a file holds: `cargo run --example tls_library FILE...`
fn main() {
    for path in std::env::args_os().skip(1) {
        let began = std::time::Instant::now();
        let found = std::fs::File::open(&path).ok().and_then(|file| wirespan::resolve::tls_library(&file));
        println!("{} {found:x?} {:?}", path.display(), began.elapsed());
    }
}
