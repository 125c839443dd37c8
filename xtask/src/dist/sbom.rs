//! What the binary is made of, as a CycloneDX 1.5 document: of the list that `cargo auditable` has put into the binary itself, so that both
//! say the same. Licences and checksums are added from what Cargo knows.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use object::{Object as _, ObjectSection as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::archive::inflate;
use super::release::Release;
use crate::{paths, sh, toolchain};

/// The section of the list: JSON, compressed.
const SECTION: &str = ".dep-v0";

/// What `cargo auditable` writes.
#[derive(Deserialize, Debug)]
struct Listed {
    packages: Vec<Package>,
}

#[derive(Deserialize, Debug)]
struct Package {
    name: String,
    version: String,
    source: String,
    /// `build` for what only build scripts and procedural macros use.
    #[serde(default)]
    kind: Option<String>,
    /// Places in the list.
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

/// What the list does not say of a package.
#[derive(Default, Debug)]
struct Known {
    license: Option<String>,
    checksum: Option<String>,
}

/// The document for a binary.
pub fn of(release: &Release, binary: &Path) -> Result<Vec<u8>> {
    let listed = embedded(&fs::read(binary)?).with_context(|| format!("in {}", binary.display()))?;
    Ok(serde_json::to_vec_pretty(&document(release, &listed, &known()?))?)
}

/// The list inside a binary.
fn embedded(elf: &[u8]) -> Result<Listed> {
    let file = object::File::parse(elf).context("this is no ELF file")?;
    let Some(section) = file.section_by_name(SECTION) else { bail!("it has no list of its packages") };
    Ok(serde_json::from_slice(&inflate(section.data()?)?)?)
}

/// Licences by `cargo metadata`, checksums by Cargo.lock; by name and version.
fn known() -> Result<HashMap<(String, String), Known>> {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["metadata", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&sh::output(&mut cmd)?)?;
    let mut known: HashMap<(String, String), Known> = HashMap::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if let (Some(name), Some(version)) = (text(&package["name"]), text(&package["version"])) {
            // `MIT/Apache-2.0` is how it was once written.
            let license = text(&package["license"]).map(|license| license.replace('/', " OR "));
            known.entry((name, version)).or_default().license = license;
        }
    }
    let lock: toml::Table = fs::read_to_string(paths::root().join("Cargo.lock"))?.parse()?;
    for package in lock.get("package").and_then(toml::Value::as_array).into_iter().flatten() {
        let get = |key| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        if let (Some(name), Some(version)) = (get("name"), get("version")) {
            known.entry((name, version)).or_default().checksum = get("checksum");
        }
    }
    Ok(known)
}

fn document(release: &Release, listed: &Listed, known: &HashMap<(String, String), Known>) -> Value {
    let reference = |package: &Package| format!("pkg:cargo/{}@{}", package.name, package.version);
    let component = |package: &Package| {
        let mut component = json!({
            "type": if package.root { "application" } else { "library" },
            "bom-ref": reference(package),
            "name": package.name,
            "version": package.version,
            "scope": if package.kind.as_deref() == Some("build") { "excluded" } else { "required" },
        });
        if package.source != "local" {
            component["purl"] = json!(reference(package));
        }
        if let Some(known) = known.get(&(package.name.clone(), package.version.clone())) {
            if let Some(license) = &known.license {
                component["licenses"] = json!([{"expression": license}]);
            }
            if let Some(checksum) = &known.checksum {
                component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
            }
        }
        component
    };
    let packages = &listed.packages;
    let root = packages.iter().find(|package| package.root).map(component);
    let needs = |package: &Package| {
        let needed: Vec<String> =
            package.dependencies.iter().filter_map(|at| packages.get(*at)).map(reference).collect();
        json!({"ref": reference(package), "dependsOn": needed})
    };
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": release.date(),
            "component": root,
            "properties": [{"name": "wirespan:commit", "value": release.commit}],
        },
        "components": packages.iter().filter(|package| !package.root).map(component).collect::<Vec<_>>(),
        "dependencies": packages.iter().map(needs).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;

    #[test]
    fn every_package_of_the_list_is_a_component() {
        let listed: Listed = serde_json::from_str(
            r#"{"packages": [
                {"name": "a", "version": "1.0.0", "source": "crates.io"},
                {"name": "b", "version": "2.0.0", "source": "crates.io", "kind": "build", "dependencies": [0]},
                {"name": "wirespan", "version": "0.1.0", "source": "local", "dependencies": [0, 1], "root": true}
            ]}"#,
        )
        .unwrap();
        let release = Release { version: "0.1.0".into(), commit: "abc".into(), time: 0, arch: Arch::Amd64 };
        let of_a = Known { license: Some("MIT OR Apache-2.0".into()), checksum: Some("00ff".into()) };
        let told = document(&release, &listed, &HashMap::from([(("a".into(), "1.0.0".into()), of_a)]));
        assert_eq!(told["metadata"]["component"]["name"], "wirespan");
        assert_eq!(told["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
        let components = told["components"].as_array().unwrap();
        assert_eq!(components.len(), 2);
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(components[0]["hashes"][0]["content"], "00ff");
        assert_eq!((&components[0]["scope"], &components[1]["scope"]), (&json!("required"), &json!("excluded")));
        assert_eq!(told["dependencies"][2]["dependsOn"], json!(["pkg:cargo/a@1.0.0", "pkg:cargo/b@2.0.0"]));
    }

    #[test]
    fn a_binary_without_a_list_is_refused() {
        assert!(embedded(b"#!/bin/sh").is_err());
        let own = std::env::current_exe().unwrap();
        assert!(embedded(&fs::read(own).unwrap()).unwrap_err().to_string().contains("no list"));
    }
}
