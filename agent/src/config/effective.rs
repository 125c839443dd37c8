//! The effective configuration as others take it.

use std::path::PathBuf;

use super::groups::Cluster;
use super::settings::Config;
use crate::enrich::{containers, kubernetes};
use crate::trace::redact::names::Names;
use crate::trace::route::Routes;
use wirespan_protocols::describe::options::Options;

impl Config {
    /// What the trace stage needs of it.
    #[must_use]
    pub fn trace(&self) -> crate::trace::Config {
        let mut routes = Routes::new();
        for route in &self.routes {
            // Checked when it was read; a second look finds nothing new.
            let _ = routes.add(route.service.as_deref(), &route.pattern);
        }
        if self.guess_routes {
            routes.guess();
        }
        crate::trace::Config {
            sampler: self.sampler,
            connection_spans: self.connection_spans,
            exchange_ids: self.exchange_ids,
            deference: self.sdk.into(),
            options: Options {
                routes,
                known_methods: self.known_methods.clone(),
                returned_rows: self.returned_rows,
                secrets: Names::new(&self.redact_also, &self.redact_except),
            },
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
