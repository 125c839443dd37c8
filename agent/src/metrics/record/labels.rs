//! Labels being put together, without allocation.

use wirespan_semconv as semconv;

use crate::metrics::label::{Label, Text};
use crate::trace::connection::Site;
use std::sync::Arc;

/// Most labels of a measurement.
const MAX: usize = 14;

/// A few labels. What is beyond [`MAX`] is left out; no recorder has so many.
pub(super) struct Labels<'a> {
    items: [Label<'a>; MAX],
    count: usize,
}

impl Default for Labels<'_> {
    fn default() -> Self {
        Self { items: [("", Text::Static("")); MAX], count: 0 }
    }
}

impl<'a> Labels<'a> {
    pub(super) fn push(&mut self, key: &'static str, text: Text<'a>) {
        if let Some(place) = self.items.get_mut(self.count) {
            *place = (key, text);
            self.count += 1;
        }
    }

    pub(super) fn known(&mut self, key: &'static str, text: &'static str) {
        self.push(key, Text::Static(text));
    }

    pub(super) fn text(&mut self, key: &'static str, text: &'a str) {
        self.push(key, Text::Str(text));
    }

    pub(super) fn shared(&mut self, key: &'static str, text: &'a Arc<str>) {
        self.push(key, Text::Shared(text));
    }

    pub(super) fn number(&mut self, key: &'static str, number: i64) {
        self.push(key, Text::Int(number));
    }

    pub(super) fn port(&mut self, key: &'static str, port: Option<u16>) {
        if let Some(port) = port {
            self.number(key, port.into());
        }
    }

    pub(super) fn error(&mut self, error: Option<&'a str>) {
        if let Some(error) = error {
            self.text(semconv::ERROR_TYPE, error);
        }
    }

    /// `network.peer.*`.
    pub(super) fn peer(&mut self, peer: &'a Site) {
        if !peer.address.is_empty() {
            self.shared(semconv::NETWORK_PEER_ADDRESS, &peer.address);
        }
        self.port(semconv::NETWORK_PEER_PORT, peer.port);
    }

    pub(super) fn as_slice(&self) -> &[Label<'a>] {
        &self.items[..self.count]
    }
}
