//! What a rule of the configuration says about the processes that it takes in.

use std::sync::Arc;

use wirespan_protocols::describe::options::Options;

use super::sampler::Sampler;

/// See the module. What a rule does not say is as for all others.
#[derive(Clone, Debug, Default)]
pub struct Treatment {
    /// `service.name`: counts more than everything that the process, its pod or its unit says.
    pub service_name: Option<Arc<str>>,
    /// Resource attributes, which count more, too.
    pub attributes: Vec<(Arc<str>, Arc<str>)>,
    /// Which exchanges become spans.
    pub sampler: Option<Sampler>,
    /// What the descriptions of exchanges need, where the rule says something of it.
    pub options: Option<Options>,
    /// Names of the protocols whose exchanges are told; all of them if the rule does not say.
    pub protocols: Option<Vec<&'static str>>,
    /// Most payload bytes that are copied per turn.
    pub turn_budget: Option<u32>,
    /// Whether what they encrypt with TLS is read.
    pub tls: bool,
}

/// Whether what a process encrypts with TLS is read: as the rule that takes it in says, if there is one.
#[must_use]
pub fn reads_tls(rule: Option<&Arc<Treatment>>, otherwise: bool) -> bool {
    rule.map_or(otherwise, |rule| rule.tls)
}

impl Treatment {
    /// Whether exchanges of a protocol are told.
    #[must_use]
    pub fn tells(&self, protocol: &str) -> bool {
        self.protocols.as_ref().is_none_or(|names| names.contains(&protocol))
    }
}
