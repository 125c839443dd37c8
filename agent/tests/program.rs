//! The agent as a program: what it does when its output is closed or full, with odd variables and hostile files.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The agent without the variables of whoever runs the tests.
fn wirespan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirespan"));
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"OTEL_") || name.as_bytes().starts_with(b"WIRESPAN_") {
            command.env_remove(name);
        }
    }
    command
}

fn capture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures/http1-headers.pcap")
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirespan-program-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_account_that_nobody_takes_costs_no_span() {
    let whole = wirespan().arg("replay").arg(capture()).output().unwrap();
    assert!(whole.status.success() && whole.stdout.len() > 100 && told(&whole).contains("http 3"), "{}", told(&whole));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for stderr in [Stdio::from(full()), Stdio::from(writer), Stdio::null()] {
        let output = wirespan().arg("replay").arg(capture()).stderr(stderr).output().unwrap();
        assert_eq!((output.status.code(), output.stdout == whole.stdout), (Some(0), true));
    }
    // Closed, not only full.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" replay \"$1\" 2>&-", env!("CARGO_BIN_EXE_wirespan")]).arg(capture());
    let output = shell.output().unwrap();
    assert_eq!((output.status.code(), output.stdout == whole.stdout), (Some(0), true));
}

/// A pipe that is full and not read: the end waits for a moment and no longer.
#[test]
fn an_account_that_is_not_read_holds_nothing_up() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    let fill = std::thread::spawn({
        let mut writer = writer.try_clone().unwrap();
        move || std::io::Write::write_all(&mut writer, &vec![b'x'; 16 << 20])
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!fill.is_finished(), "the pipe is full");
    let begin = Instant::now();
    let output = wirespan().arg("replay").arg(capture()).stderr(writer.try_clone().unwrap()).output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    drop(_reader);
    let _ = (fill.join(), std::io::Write::flush(&mut writer));
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    for arguments in [&["config", "print"][..], &["replay", capture().to_str().unwrap()]] {
        let output = wirespan().args(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains("No space left"), "{}", told(&output));
    }
}

#[test]
fn variables_that_are_not_utf8() {
    let odd = OsStr::from_bytes(b"x\xff");
    let print = |name: &str| wirespan().args(["config", "print"]).env(name, odd).output().unwrap();
    let output = print("SOME_PATH");
    assert!(output.status.success() && told(&output).is_empty(), "{}", told(&output));
    let output = print("OTEL_TRACES_EXPORTER");
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(told(&output), "wirespan: warning: OTEL_TRACES_EXPORTER: the value is not UTF-8; ignored\n");
    let output = print("WIRESPAN_SELECT");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(told(&output), "wirespan: WIRESPAN_SELECT: the value is not UTF-8\n");
    // A name, too.
    let output = wirespan().args(["config", "print"]).env(odd, "1").output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

/// The text of a mistake can quote what was given: one line stays one line.
#[test]
fn a_mistake_cannot_forge_a_line() {
    let hostile = "prot\u{1b}[2J\nwirespan: forged\u{202e}=1";
    let output = wirespan().args(["run", "--select", hostile]).output().unwrap();
    let told = told(&output);
    assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told:?}");
    let folder = Folder::new("forge");
    let file = folder.0.join("odd.yaml");
    std::fs::write(&file, "file_format: \"1.0\"\nwirespan:\n  output_file: \"a\\e[2J\\u202e\\U000e0041b\"\n").unwrap();
    let output = wirespan().args(["config", "print", "--config"]).arg(&file).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("output_file: \"a\\u001b[2J\\u202e\\U000e0041b\""), "{printed}");
}

#[test]
fn log_lines_of_a_replay_can_be_json() {
    let output = wirespan().arg("replay").arg(capture()).args(["--log-format", "json"]).output().unwrap();
    let told = told(&output);
    assert!(told.lines().count() > 1);
    for line in told.lines() {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((read["level"].as_str(), read["time"].as_str().map(str::len)), (Some("info"), Some(24)), "{line}");
        assert!(read["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
fn a_file_without_end_is_refused() {
    let begin = Instant::now();
    for arguments in [&["config", "validate", "/dev/zero"][..], &["config", "print", "--config", "/dev/zero"]] {
        let output = wirespan().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains("large"), "{}", told(&output));
    }
    let output = wirespan().args(["advise", "--diff", "/dev/zero", "/dev/zero"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn files_are_for_their_owner_and_never_behind_a_link() {
    let folder = Folder::new("files");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let (spans, report, precious) = (folder.0.join("spans"), folder.0.join("report"), folder.0.join("precious"));
    let replay = |path: &Path| {
        let arguments = ["--output", "otlp-json", "--output-file"];
        wirespan().arg("replay").arg(capture()).args(arguments).arg(path).output().unwrap()
    };
    let advise = |path: &Path| wirespan().arg("advise").arg(capture()).arg("--report").arg(path).output().unwrap();
    assert!(replay(&spans).status.success() && advise(&report).status.success());
    assert_eq!((mode(&spans), mode(&report)), (0o600, 0o600));
    std::fs::write(&precious, "precious").unwrap();
    let link = folder.0.join("link");
    symlink(&precious, &link).unwrap();
    for output in [replay(&link), advise(&link)] {
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        assert!(told(&output).contains("is a link"), "{}", told(&output));
    }
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    // Pipes that were given by name stay possible.
    let output = replay(Path::new("/dev/stdout"));
    assert!(output.status.success() && output.stdout == std::fs::read(&spans).unwrap(), "{}", told(&output));
}
