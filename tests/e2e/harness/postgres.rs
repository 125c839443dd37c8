//! PostgreSQL servers: one a test, copied from a cluster that is made once and kept in the target folder.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use rustix::process::Signal;

use super::parts::postgres_programs;
use super::process::{Folder, Owned, eventually, free_port, run, settle};

/// A PostgreSQL server with the superuser `postgres`, trusted from everywhere, and the database `shop`.
pub struct Postgres {
    process: Owned,
    folder: Folder,
    pub port: u16,
}

/// The user whom PostgreSQL may run as: it refuses root.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
        Some((ids.next().unwrap(), ids.next().unwrap()))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("there is no user to run PostgreSQL as"))
}

fn as_user(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user() {
        command.uid(user).gid(group);
    }
    // It wants a working directory that it may read.
    command.current_dir("/");
    command
}

fn give(path: &Path) {
    if let Some((user, group)) = user() {
        run(Command::new("chown").arg("-R").arg(format!("{user}:{group}")).arg(path));
    }
}

impl Postgres {
    /// The installed version.
    pub fn start() -> Self {
        Self::of(&postgres_programs())
    }

    /// The installed version, on another address besides those of the loopback interface.
    pub fn start_on(address: &str) -> Self {
        Self::of_on(&postgres_programs(), &format!("127.0.0.1,::1,{address}"))
    }

    /// The one with these programs.
    pub fn of(programs: &Path) -> Self {
        Self::of_on(programs, "127.0.0.1,::1")
    }

    fn of_on(programs: &Path, addresses: &str) -> Self {
        let folder = Folder::new();
        let data = folder.join("data");
        run(Command::new("cp").arg("-a").args([&cluster(programs), &data]));
        let sockets = folder.join("sockets");
        fs::create_dir(&sockets).unwrap();
        give(folder.path());
        let port = free_port();
        let mut command = as_user(programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(&sockets).args(["-p", &port.to_string()]);
        let settings = [
            &format!("listen_addresses={addresses}"),
            "fsync=off",
            "shared_buffers=16MB",
            "log_min_duration_statement=0",
            "log_line_prefix=",
            "max_prepared_transactions=4",
            "max_connections=200",
            "autovacuum=off",
            "wal_level=logical",
        ];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.stdout(folder.output("log")).stderr(folder.output("log"));
        let server = Self { process: Owned::start(&mut command, Signal::QUIT), folder, port };
        let ready = || {
            let mut asked = Command::new(programs.join("pg_isready"));
            if !programs.join("pg_isready").is_file() {
                asked = Command::new("pg_isready");
            }
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().is_ok_and(|status| status.success())
        };
        eventually("PostgreSQL is ready", ready);
        server
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The folder of its unix socket.
    pub fn sockets(&self) -> PathBuf {
        self.folder.join("sockets")
    }

    /// What it logged: with each statement its duration.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    /// A connection string of libpq.
    pub fn dsn(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=shop", self.port)
    }

    /// Makes it grant encryption, with a certificate that it signed itself.
    #[track_caller]
    pub fn serve_tls(&self) {
        let (key, certificate) = (self.folder.join("tls.key"), self.folder.join("tls.crt"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        // PostgreSQL refuses a key that others may read.
        run(Command::new("chmod").arg("600").arg(&key));
        [&key, &certificate].into_iter().for_each(|path| give(path));
        self.execute(&format!("ALTER SYSTEM SET ssl_key_file = '{}'", key.display()));
        self.execute(&format!("ALTER SYSTEM SET ssl_cert_file = '{}'", certificate.display()));
        self.execute("ALTER SYSTEM SET ssl = on");
        self.execute("SELECT pg_reload_conf()");
        eventually("PostgreSQL grants encryption", || self.execute("SHOW ssl").trim() == "on");
    }

    /// Makes it ask those of other addresses for a password, by SCRAM.
    #[track_caller]
    pub fn ask_for_passwords(&self, addresses: &str, password: &str) {
        self.execute(&format!("ALTER USER postgres PASSWORD '{password}'"));
        self.admit(&format!("hostssl all all {addresses} scram-sha-256"));
    }

    /// Makes it trust those of other addresses, too.
    #[track_caller]
    pub fn trust(&self, addresses: &str) {
        self.admit(&format!("host all all {addresses} trust"));
    }

    /// Adds a rule to those of who may come in.
    #[track_caller]
    fn admit(&self, rule: &str) {
        let count = || self.execute("SELECT count(*) FROM pg_hba_file_rules").trim().parse::<u32>().unwrap();
        let (before, file) = (count(), self.folder.join("data/pg_hba.conf"));
        fs::write(&file, fs::read_to_string(&file).unwrap() + rule + "\n").unwrap();
        self.execute("SELECT pg_reload_conf()");
        // It reads the file itself; the server has read it a moment later.
        assert_eq!(count(), before + 1);
        settle();
    }

    /// Runs statements that prepare a test.
    #[track_caller]
    pub fn execute(&self, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.dsn(), "-c", sql]);
        run(&mut psql)
    }
}

/// A fresh cluster of these programs' version. Making it takes seconds, copying it a tenth of one.
fn cluster(programs: &Path) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let version = run(Command::new(programs.join("postgres")).arg("--version"));
    let name = version.trim().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if kept.join("made").is_file() {
        return kept;
    }
    let _ = fs::remove_dir_all(&kept);
    let folder = Folder::new();
    give(folder.path());
    let data = folder.join("data");
    let mut initdb = as_user(programs.join("initdb"));
    initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"]);
    run(&mut initdb);
    let mut single = as_user(programs.join("postgres"));
    single.args(["--single", "-D"]).arg(&data).arg("postgres");
    let script = folder.write("script", "create database shop;\n");
    let output = single.stdin(fs::File::open(script).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    run(Command::new("cp").arg("-a").args([&data, &kept]));
    fs::write(kept.join("made"), "").unwrap();
    kept
}
