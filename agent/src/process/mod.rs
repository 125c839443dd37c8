//! Processes: discovery, labels, selectors.
