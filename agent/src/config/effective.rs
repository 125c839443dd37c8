//! The effective configuration as others take it.

use std::path::PathBuf;
use std::sync::Arc;

use super::groups::Cluster;
use super::settings::Config;
use crate::enrich::{containers, kubernetes};
use crate::process::Rules;
use crate::process::rules::{OptIn, Rule};
use crate::trace::redact::names::Names;
use crate::trace::route::Routes;
use crate::trace::sampler::Sampler;
use crate::trace::treatment::Treatment;
use wirespan_protocols::describe::headers::Headers;
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::stream::Direction;

impl Config {
    /// What the trace stage needs of it.
    #[must_use]
    pub fn trace(&self) -> crate::trace::Config {
        crate::trace::Config {
            sampler: self.sampler,
            connection_spans: self.connection_spans,
            exchange_ids: self.exchange_ids,
            tls: self.tls,
            deference: self.sdk.into(),
            options: self.options(&super::Rule::default()),
        }
    }

    /// What descriptions need, with what a rule adds.
    fn options(&self, rule: &super::Rule) -> Options {
        let mut routes = Routes::new();
        for route in rule.routes.iter().chain(&self.routes) {
            // Checked when it was read; a second look finds nothing new.
            let _ = routes.add(route.service.as_deref(), &route.pattern);
        }
        if self.guess_routes {
            routes.guess();
        }
        let both = |own: &[Box<str>], all: &[Box<str>]| own.iter().chain(all).cloned().collect::<Vec<_>>();
        let mut headers = Headers::default();
        let asked = [(Direction::ToServer, &self.request_headers), (Direction::ToClient, &self.response_headers)];
        for ((direction, all), own) in asked.into_iter().zip(&rule.headers) {
            // There is room for a thousand of them.
            all.iter().chain(own).for_each(|name| _ = headers.want(direction, name));
        }
        Options {
            headers: headers.into(),
            routes,
            known_methods: self.known_methods.clone(),
            returned_rows: self.returned_rows,
            secrets: Names::new(
                &both(&rule.redact_also, &self.redact_also),
                &both(&rule.redact_except, &self.redact_except),
            ),
        }
    }

    /// Who is traced. `opt_in`: whether somebody tells of labels of containers.
    #[must_use]
    pub fn rules(&self, opt_in: bool) -> Rules {
        let rule = |rule: &super::Rule| Rule {
            name: rule.name.clone(),
            excludes: rule.excludes,
            selectors: rule.selectors.clone(),
        };
        let opt_in = OptIn::by(&self.opt_in_label).filter(|_| opt_in);
        let rules = self.rules.0.iter().map(rule).collect();
        Rules::new(self.selectors.clone(), rules, opt_in).reading_secrets(self.reads_secrets())
    }

    /// Whether what some processes encrypt with TLS is to be read.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        self.tls || self.rules.0.iter().any(|rule| rule.tls == Some(true))
    }

    /// What each rule says about the processes that it takes in.
    #[must_use]
    pub fn treatments(&self) -> Vec<Arc<Treatment>> {
        self.rules.0.iter().map(|rule| Arc::new(self.treatment(rule))).collect()
    }

    fn treatment(&self, rule: &super::Rule) -> Treatment {
        let ratio = rule.sampling.map(|ratio| Sampler::parse("traceidratio", Some(&ratio.to_string())));
        let sampler =
            ratio.and_then(Result::ok).map(|sampler| Sampler { parent_based: self.sampler.parent_based, ..sampler });
        let is_described = rule.headers.iter().any(|names| !names.is_empty())
            || !rule.routes.is_empty()
            || !rule.redact_also.is_empty()
            || !rule.redact_except.is_empty();
        Treatment {
            service_name: rule.service_name.as_deref().map(Arc::from),
            attributes: rule.attributes.iter().map(|(key, value)| (Arc::from(&**key), Arc::from(&**value))).collect(),
            sampler,
            options: is_described.then(|| self.options(rule)),
            protocols: rule.protocols.clone(),
            turn_budget: rule.turn_budget,
            tls: rule.tls.unwrap_or(self.tls),
        }
    }

    /// Who is asked about containers.
    #[must_use]
    pub fn containers(&self) -> containers::Settings {
        let Cluster { enabled, node, kubeconfig, peers } = self.kubernetes.clone();
        containers::Settings {
            runtimes: self.runtimes.enabled,
            sockets: self.runtimes.sockets.iter().map(|path| PathBuf::from(&**path)).collect(),
            kubernetes: kubernetes::Settings { enabled: enabled.into(), node, kubeconfig, peers },
        }
    }

    /// Value of an `OTEL_EXPORTER_OTLP_*` variable after flags, environment and file.
    #[must_use]
    pub fn otlp_variable(&self, name: &str) -> Option<String> {
        self.otlp_variables.get(name).cloned()
    }
}
