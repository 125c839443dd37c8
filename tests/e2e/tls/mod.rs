//! What passes inside TLS, read by the keys of the libraries that encrypt it.

mod drivers;
mod libraries;
mod older;
mod openssl;
mod peers;
mod rustls;
mod same;
mod talks;
