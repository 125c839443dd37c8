//! Getting events out of the kernel: probe what it grants, choose a backend, load, attach, read the ring buffer.
