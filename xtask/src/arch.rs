//! The processors that wirespan is built for, and what each is called where.

use serde::Deserialize;

/// A processor, by the name that Debian, container images and Go have for it.
#[derive(clap::ValueEnum, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64
    Amd64,
    /// AArch64
    Arm64,
}

impl Default for Arch {
    fn default() -> Self {
        Self::HERE
    }
}

impl Arch {
    /// The one that this runs on.
    pub const HERE: Self = if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::Amd64 };

    /// Does this run on it?
    pub fn is_here(self) -> bool {
        self == Self::HERE
    }

    /// As Debian, container images and Go spell it.
    pub fn debian(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As Rust spells it, aya, RPM and qemu.
    pub fn rust(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// Rust's target with glibc.
    pub fn gnu(self) -> String {
        format!("{}-unknown-linux-gnu", self.rust())
    }

    /// Rust's target with musl.
    pub fn musl(self) -> String {
        format!("{}-unknown-linux-musl", self.rust())
    }

    /// Debian's C compiler for it, which is a cross compiler elsewhere.
    pub fn gcc(self) -> String {
        format!("{}-linux-gnu-gcc", self.rust())
    }

    /// The packages of Debian that have that compiler and the C library.
    pub fn gcc_packages(self) -> [String; 2] {
        [format!("gcc-{}-linux-gnu", self.rust().replace('_', "-")), format!("libc6-dev-{}-cross", self.debian())]
    }
}

#[cfg(test)]
mod tests {
    use super::Arch;

    #[test]
    fn names_are_those_of_debian_and_rust() {
        assert_eq!(Arch::HERE.rust(), std::env::consts::ARCH);
        assert_eq!(Arch::Arm64.gcc(), "aarch64-linux-gnu-gcc");
        assert_eq!(Arch::Arm64.gcc_packages(), ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]);
        assert_eq!(Arch::Amd64.gcc_packages()[0], "gcc-x86-64-linux-gnu");
    }
}
