//! What the control groups of a process tell: its container and its systemd unit.

use super::Group;

/// Longest UID of a pod: a UUID, or the hash of a static pod's manifest.
const MAX_UID: usize = 36;

impl Group {
    /// Reads the text of `/proc/PID/cgroup`: lines of `hierarchy:controllers:path` (cgroups(7)).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut group = Self::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            if group.container_id.is_none() {
                group.container_id = path.rsplit('/').find_map(container_id).map(Into::into);
                group.pod_uid = path.rsplit('/').find_map(pod_uid).map(Into::into);
            }
            if controllers.is_empty() || controllers == "name=systemd" {
                if group.path.len() <= 1 {
                    group.path = path.into();
                }
                if group.unit.is_none() {
                    group.unit = unit(path).map(Into::into);
                }
            }
        }
        group
    }
}

/// The id in one component of a path: 64 hexadecimal digits, alone (`/docker/ID`, kubelet's cgroupfs driver), between
/// a prefix of the runtime and `.scope` (`docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`,
/// `libpod-ID.scope`), or after colons (`kubepods-…:cri-containerd:ID`).
fn container_id(component: &str) -> Option<&str> {
    let name = component.strip_suffix(".scope").unwrap_or(component);
    let start = name.len().checked_sub(64)?;
    let (prefix, id) = (name.get(..start)?, name.get(start..)?);
    if !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    // The monitors of containers run outside of them, in a scope that is named by the same id.
    let monitor = prefix.ends_with("conmon-");
    ((prefix.is_empty() || prefix.ends_with(['-', ':'])) && !monitor).then_some(id)
}

/// The UID of a pod in one component: `podUID` (kubelet's cgroupfs driver), `kubepods-burstable-podUID.slice` (its systemd driver, which
/// writes `_` for `-`), and the same before colons.
fn pod_uid(component: &str) -> Option<String> {
    let name = component.split(':').next().unwrap_or(component);
    let name = name.strip_suffix(".slice").unwrap_or(name);
    let uid = match name.strip_prefix("pod") {
        Some(uid) => uid,
        None => name.strip_prefix("kubepods-")?.rsplit_once("pod")?.1,
    };
    let is_uid =
        uid.len() <= MAX_UID && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'_'));
    (!uid.is_empty() && is_uid).then(|| uid.replace('_', "-"))
}

/// The unit: the first component that is no slice; for a user's manager the unit within, if there is one.
fn unit(path: &str) -> Option<&str> {
    let mut components = path.split('/').filter(|component| !component.is_empty()).map(unescape);
    let is_unit = |component: &str| component.ends_with(".service") || component.ends_with(".scope");
    let system = components.find(|component| !component.ends_with(".slice")).filter(|found| is_unit(found))?;
    if !system.starts_with("user@") {
        return Some(system);
    }
    Some(components.find(|component| !component.ends_with(".slice")).filter(|found| is_unit(found)).unwrap_or(system))
}

/// systemd puts `_` before names of control groups that would collide with files of the kernel.
fn unescape(component: &str) -> &str {
    component.strip_prefix('_').unwrap_or(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a";

    #[test]
    fn containers_by_runtime() {
        for path in [
            "/docker/ID",
            "/system.slice/docker-ID.scope",
            "/system.slice/docker-ID.scope/init",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            "/kubepods/besteffort/pod1-2/ID",
            "/kubepods.slice/x.slice/crio-ID.scope",
            "/machine.slice/libpod-ID.scope/container",
            "/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:ID",
            "/../ID",
        ] {
            let group = Group::parse(&format!("0::{}\n", path.replace("ID", ID)));
            assert_eq!(group.container_id.as_deref(), Some(ID), "{path}");
        }
        for path in ["/", "/system.slice/nginx.service", "/machine.slice/libpod-conmon-ID.scope", "/docker/xID", "/é"]
        {
            let group = Group::parse(&format!("0::{}\n", path.replace("ID", ID)));
            assert_eq!(group.container_id, None, "{path}");
        }
    }

    #[test]
    fn pods_by_driver() {
        let uid = "0b9e1c52-3f0a-4c1e-9a55-0d6f0f0f8d11";
        for path in [
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID_.slice/cri-containerd-ID.scope",
            "/kubepods.slice/kubepods-podUID_.slice/crio-ID.scope",
            "/kubepods/besteffort/podUID/ID",
            "/system.slice/containerd.service/kubepods-burstable-podUID_.slice:cri-containerd:ID",
        ] {
            let path = path.replace("UID_", &uid.replace('-', "_")).replace("UID", uid).replace("ID", ID);
            assert_eq!(Group::parse(&format!("0::{path}\n")).pod_uid.as_deref(), Some(uid), "{path}");
        }
        for path in ["/docker/ID", "/kubepods.slice/ID", "/machine.slice/libpod-ID.scope", "/kubepods/pod/ID"] {
            assert_eq!(Group::parse(&format!("0::{}\n", path.replace("ID", ID))).pod_uid, None, "{path}");
        }
    }

    #[test]
    fn the_first_hierarchy() {
        let group = Group::parse(&format!("12:memory:/docker/{ID}\n1:name=systemd:/docker/{ID}\n0::/\n"));
        assert_eq!(group.container_id.as_deref(), Some(ID));
        assert_eq!(&*group.path, format!("/docker/{ID}"));
        assert_eq!(group.unit, None);
    }

    #[test]
    fn units() {
        for (path, expected) in [
            ("/system.slice/nginx.service", Some("nginx.service")),
            ("/system.slice/nginx.service/sub/group", Some("nginx.service")),
            (r"/system.slice/system-postgresql.slice/postgresql@15-main.service", Some("postgresql@15-main.service")),
            ("/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope")),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", Some("web.service")),
            ("/user.slice/user-1000.slice/user@1000.service/init.scope", Some("init.scope")),
            ("/user.slice/user-1000.slice/user@1000.service", Some("user@1000.service")),
            ("/init.scope", Some("init.scope")),
            ("/system.slice/_cpu.service", Some("cpu.service")),
            ("/docker/abc.service", None),
            ("/", None),
        ] {
            assert_eq!(Group::parse(&format!("0::{path}\n")).unit.as_deref(), expected, "{path}");
        }
    }
}
