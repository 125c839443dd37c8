//! What passes inside TLS, read by the keys of the libraries that encrypt it.

mod libraries;
mod older;
mod same;
