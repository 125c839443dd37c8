//! What is asked of an API server, by its own addresses: server-side apply, with every unknown field refused.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::NAMESPACE;
use super::objects::Object;
use super::server::Server;

/// Whether anything is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Everything is checked, nothing is stored.
    Dry,
    /// It is stored.
    Real,
}

/// Asks one server.
pub struct Api<'a> {
    server: &'a Server,
    /// Plural name of a kind, and whether it is of a namespace, by API version and kind.
    kinds: HashMap<(String, String), (String, bool)>,
}

impl<'a> Api<'a> {
    /// Knows no kind yet.
    pub fn new(server: &'a Server) -> Self {
        Self { server, kinds: HashMap::new() }
    }

    /// Applies an object, server side. The answer: the object as it is stored, or would be.
    pub fn apply(&mut self, object: &Object, run: Run) -> Result<Value> {
        let dry = if run == Run::Dry { "&dryRun=All" } else { "" };
        let path = format!("{}?fieldManager=xtask&force=true&fieldValidation=Strict{dry}", self.path(object)?);
        let asked = self.ask("PATCH", &path, "application/apply-patch+yaml", &object.yaml);
        asked.with_context(|| format!("{object} is refused:\n{}", object.yaml))
    }

    /// The object as it is stored; `None` if there is none.
    pub fn get(&mut self, object: &Object) -> Result<Option<Value>> {
        let path = self.path(object)?;
        let (status, answer) = self.curl("GET", &path, "application/json", "")?;
        match status {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            _ => bail!("GET {path}: {status}: {}", answer["message"]),
        }
    }

    /// Removes an object.
    pub fn delete(&mut self, object: &Object) -> Result<()> {
        let path = self.path(object)?;
        self.ask("DELETE", &path, "application/json", "")
            .map(drop)
            .with_context(|| format!("{object} cannot be removed"))
    }

    /// Whether a service account may do something in the whole cluster: a verb, a group, a resource (`pods`, `pods/exec`).
    pub fn may(&self, account: &str, verb: &str, group: &str, resource: &str) -> Result<bool> {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{NAMESPACE}:{account}"),
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": subresource},
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = self.ask("POST", path, "application/json", &review.to_string())?;
        answer["status"]["allowed"].as_bool().context("the API server does not say whether it is allowed")
    }

    fn path(&mut self, object: &Object) -> Result<String> {
        let key = (object.api_version.clone(), object.kind.clone());
        if !self.kinds.contains_key(&key) {
            self.learn(&object.api_version)?;
        }
        let (plural, of_a_namespace) =
            self.kinds.get(&key).with_context(|| format!("the API server knows no {}", object.kind))?;
        let place = match of_a_namespace {
            true => format!("namespaces/{}/", object.namespace.as_deref().unwrap_or(NAMESPACE)),
            false => String::new(),
        };
        Ok(format!("{}/{place}{plural}/{}", root(&object.api_version), object.name))
    }

    fn learn(&mut self, version: &str) -> Result<()> {
        let answer = self.ask("GET", &root(version), "application/json", "")?;
        for resource in answer["resources"].as_array().into_iter().flatten() {
            let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
            // The others are parts of resources.
            if !text("name").contains('/') {
                let of_a_namespace = resource["namespaced"].as_bool().unwrap_or_default();
                self.kinds.insert((version.to_owned(), text("kind")), (text("name"), of_a_namespace));
            }
        }
        Ok(())
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Result<Value> {
        let (status, answer) = self.curl(method, path, kind, body)?;
        if !(200..300).contains(&status) {
            bail!("{method} {path}: {status}: {}", answer["message"].as_str().unwrap_or_default());
        }
        Ok(answer)
    }

    fn curl(&self, method: &str, path: &str, kind: &str, body: &str) -> Result<(u16, Value)> {
        let mut cmd = Command::new("curl");
        cmd.args(["-ks", "-X", method, "-H", &format!("Authorization: Bearer {}", self.server.token())]);
        cmd.args(["-H", &format!("Content-Type: {kind}"), "--data-binary", "@-", "-w", "\n%{http_code}"]);
        cmd.arg(format!("{}{path}", self.server.url())).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = cmd.spawn().context("cannot run curl")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(body.as_bytes())?;
        }
        let out = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&out.stdout);
        let (answer, status) = text.rsplit_once('\n').context("curl says nothing")?;
        let status: u16 = status.parse()?;
        let answer = serde_json::from_str(answer).with_context(|| format!("{method} {path}: {status}, and no JSON"))?;
        Ok((status, answer))
    }
}

fn root(version: &str) -> String {
    if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") }
}
