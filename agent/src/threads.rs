//! Threads of the agent. One that dies of a mistake of ours is not missed silently: the main loop sees it and ends.

use std::sync::OnceLock;
use std::thread::JoinHandle;

static DIED: OnceLock<String> = OnceLock::new();

struct Watched(String);

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The first one is the cause; others may have died of it.
            let _ = DIED.set(std::mem::take(&mut self.0));
        }
    }
}

/// Starts a thread whose death is known to [`died`].
///
/// # Errors
/// When the system grants no thread.
pub fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    let watched = Watched(name.clone());
    std::thread::Builder::new().name(name).spawn(move || {
        let _watched = watched;
        body();
    })
}

/// The name of a thread that panicked, if one did.
#[must_use]
pub fn died() -> Option<&'static str> {
    DIED.get().map(String::as_str)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_that_panics_is_known() {
        assert!(super::spawn("ends-well".into(), || {}).unwrap().join().is_ok());
        let _ = super::spawn("dies".into(), || panic!("as it should")).unwrap().join();
        assert_eq!(super::died(), Some("dies"));
    }
}
