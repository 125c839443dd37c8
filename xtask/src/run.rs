//! `cargo xtask run`: build, then `wirespan run` with the rest of the command line, as root.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{build, sh};

/// Arguments of `cargo xtask run`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Build without optimisation.
    #[arg(long)]
    debug: bool,
    /// Arguments of `wirespan run`.
    #[arg(last = true)]
    args: Vec<String>,
}

/// Builds and becomes the agent: it gets our terminal, our signals and our exit status.
pub fn run(args: &Args) -> Result<()> {
    let binary = build::build(&build::Args { release: !args.debug, ..build::Args::default() })?;
    let mut cmd = command(&binary)?;
    cmd.arg("run").args(&args.args);
    sh::step(sh::shown(&cmd));
    Err(cmd.exec()).with_context(|| format!("cannot run `{}`", sh::shown(&cmd)))
}

/// The agent as root; its variables (`OTEL_*`, `WIRESPAN_*`) come along through sudo.
fn command(binary: &Path) -> Result<Command> {
    Ok(match sh::privilege() {
        sh::Privilege::Root => Command::new(binary),
        sh::Privilege::Sudo => {
            let ours = |name: &String| name.starts_with("OTEL_") || name.starts_with("WIRESPAN_");
            let keep: Vec<String> = std::env::vars().map(|(name, _)| name).filter(ours).collect();
            let mut cmd = Command::new("sudo");
            if !keep.is_empty() {
                cmd.arg(format!("--preserve-env={}", keep.join(",")));
            }
            cmd.arg(binary);
            cmd
        }
        sh::Privilege::None => bail!(
            "tracing needs root (CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE): run as root `{} run`",
            binary.display()
        ),
    })
}
