#!/bin/sh
# Cargo calls this as `instrument.sh rustc ARGUMENTS` for the crates of the workspace (RUSTC_WORKSPACE_WRAPPER): they are compiled with the
# coverage that libFuzzer follows, by the same flags as cargo-fuzz gives, all of them stable. Build scripts have no libFuzzer inside.
set -eu
rustc=$1
shift
case " $* " in
*" --crate-name build_script_build "* | *" --print="* | *" -vV "*) exec "$rustc" "$@" ;;
esac
exec "$rustc" "$@" -Copt-level=1 -Cdebug-assertions=yes -Coverflow-checks=yes -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
