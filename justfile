# What contributors type; `just` alone lists it.

_list:
    @just --list

# All that a change has to pass, as CI runs it.
check:
    .ci/run

# Every test; FILTERS are parts of test names.
test *FILTERS:
    tests/run {{FILTERS}}

# Long fault matrices, many random cases, the static runner.
long *FILTERS:
    tests/long {{FILTERS}}

# The runner as one static file, for hosts with an older libc or none.
static:
    tests/static

# Checks, generates, lints and runs a spec once on this machine.
try SPEC *JOB:
    ./try {{SPEC}} {{JOB}}

# Code in its own format.
format:
    cargo fmt
