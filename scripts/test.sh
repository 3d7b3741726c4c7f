#!/usr/bin/env bash
# Sets EarthShader up for development in this folder (.venv) and checks it: bash scripts/test.sh [option of pytest]...
# Lint, types and all quick tests; pytest lists what it skipped and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/set_up.sh

# The viewer's test drives a Chromium.
set_up_browser() {
    command -v chromedriver >/dev/null && return
    # Ubuntu's packages of that name are stubs that ask for snap.
    if grep -qs '^ID=debian' /etc/os-release && install_packages chromium chromium-driver; then
        return
    fi
    warn "There is no chromedriver, so the viewer's tests are skipped: install Chromium and its driver (on Debian: apt-get install chromium chromium-driver)."
}

set_up_python "[development]"
set_up_libraries
set_up_browser

failed=
say "ruff"
.venv/bin/ruff check . || failed+=" ruff"
say "mypy"
.venv/bin/mypy || failed+=" mypy"
say "pytest"
# As many tests at once as there are cores; a process that has none left takes some of another's.
.venv/bin/python -m pytest -q -rs -m "not slow" -n "$(nproc)" --maxprocesses 4 --dist worksteal "$@" </dev/null || failed+=" pytest"

[ -z "$failed" ] || fail "These found something wrong:$failed."
say "All is well."
