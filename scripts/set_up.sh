# What try.sh and test.sh share: a Python environment in .venv and the system's libraries. Read with `source`.
# Everything here may be run again: what is there already is left alone.

say() { printf '== %s\n' "$*"; }
warn() { printf 'note: %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

lists_are_fresh=no

# install_packages PACKAGE...: installs the system's packages if this user may; its status says whether it did.
install_packages() {
    local as_root=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    say "Installing the system packages $*"
    if [ "$lists_are_fresh" = no ]; then
        "${as_root[@]}" apt-get update -qq || warn "apt-get update failed; going on with the lists that are there"
        lists_are_fresh=yes
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null </dev/null
}

# The first Python 3.10 to 3.13; one that can make environments if there is one.
find_python() {
    local candidate found=
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 python; do
        "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || continue
        found=${found:-$candidate}
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            found=$candidate
            break
        fi
    done
    printf '%s' "$found"
}

# set_up_python EXTRAS: .venv with EarthShader in it; EXTRAS is "" or "[name]".
set_up_python() {
    local extras=$1 python version stamp
    if ! .venv/bin/python -c 'import sys, pip; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
        python=$(find_python)
        if [ -z "$python" ]; then
            install_packages python3 python3-venv || true
            python=$(find_python)
        fi
        [ -n "$python" ] || fail "EarthShader needs Python 3.10, 3.11, 3.12 or 3.13: install one and run this again."
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            install_packages "python$version-venv" || install_packages python3-venv ||
                fail "Python's venv module is missing: install it (on Debian and Ubuntu: apt-get install python$version-venv) and run this again."
        fi
        say "Making a Python environment in .venv with $("$python" --version)"
        "$python" -m venv --clear .venv || fail "The environment .venv could not be made: see the lines above."
    fi
    stamp=.venv/installed-$(printf '%s' "$extras" | cat - pyproject.toml | cksum | tr -d ' ')
    if [ ! -e "$stamp" ]; then
        say "Installing EarthShader$extras and what it needs into .venv (some minutes at first)"
        .venv/bin/python -m pip install -qq --editable ".$extras" </dev/null ||
            fail "pip could not install EarthShader: see the lines above; a package index must be reachable."
        touch "$stamp"
    fi
}

# set_up_libraries: what taichi and OpenGL load; without OpenGL everything works, but GLSL is not validated.
set_up_libraries() {
    if ! .venv/bin/python -c 'import taichi' >/dev/null 2>&1; then
        install_packages libx11-6 zlib1g || true
        .venv/bin/python -c 'import taichi' >/dev/null ||
            fail "Taichi does not load: install libX11 (on Debian and Ubuntu: apt-get install libx11-6) and run this again."
    fi
    draws || install_packages libegl1 libgl1 libgl1-mesa-dri || true
    if draws; then
        say "OpenGL: $(.venv/bin/python -c 'from render import gl_backend; print(gl_backend.describe())')"
    else
        warn "There is no OpenGL here, so GLSL is not validated: install Mesa's EGL (on Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri)."
    fi
}

draws() { .venv/bin/python -c 'from render import gl_backend; gl_backend.describe()' >/dev/null 2>&1; }
