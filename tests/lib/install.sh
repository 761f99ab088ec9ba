# shellcheck shell=bash
# shellcheck disable=SC2154  # $work, the folder of this run, comes from tests/run
#
# What the tests need from the machine: installed when missing and root (or sudo) allows it, named when not.
# Quick when everything is there: then no package tool is started at all.

install_debian_packages() {
    find_missing
    if [ "${#missing[@]}" -gt 0 ]; then
        install_missing
        find_missing
        [ "${#missing[@]}" -eq 0 ] || fail "installed, and still not usable here: ${missing[*]}"
    fi
    printf 'all Debian packages are there\n'
}

# A command that proves that a thing is there, and the Debian package that brings it.
find_missing() {
    missing=()
    want "command -v cc" build-essential
    want "command -v pkg-config" pkg-config
    want "command -v git" git
    want "command -v curl" curl
    want "command -v jq" jq
    want "command -v openssl" openssl
    want "command -v shellcheck" shellcheck
    want "command -v node" nodejs
    want "command -v npm" npm
    want "command -v psql" postgresql-client
    want "command -v systemd-analyze" systemd
    want "python3 -c 'import ensurepip, venv'" python3-venv
    # 15 or newer
    want "postgres_programs" postgresql
    if [ -d tests/browser ]; then
        want "command -v chromium" chromium
        want "command -v chromedriver" chromium-driver
    fi
}

want() {
    if ! eval "$1" >/dev/null 2>&1; then
        missing+=("$2")
    fi
}

install_missing() {
    root=()
    printf 'installing: %s\n' "${missing[*]}"
    command -v apt-get >/dev/null || fail "no apt-get here; install by hand what is named above"
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || fail "neither root nor sudo; install by hand: apt-get install ${missing[*]}"
        root=(sudo -n)
    fi
    "${root[@]}" apt-get update -qq
    case " ${missing[*]} " in
        *" postgresql "*)
            install_packages postgresql-common
            forbid_main_cluster
            ;;
    esac
    install_packages "${missing[@]}"
}

install_packages() {
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        >"$work/apt.log" 2>&1 || {
        tail -n 30 "$work/apt.log" >&2
        fail "apt-get could not install $*"
    }
}

# The tests start a cluster of their own; a second one that runs as a service would only be in the way.
forbid_main_cluster() {
    "${root[@]}" sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
}

require_toolchain() {
    local wanted
    wanted="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
    command -v cargo >/dev/null || fail "no cargo here; install the Rust toolchain, $wanted or newer"
    cargo fmt --version >/dev/null 2>&1 || fail "cargo fmt is missing: add the toolchain's component rustfmt"
    cargo clippy --version >/dev/null 2>&1 || fail "cargo clippy is missing: add the toolchain's component clippy"
    cargo --version
}

# A build that runs out of disk fails in the linker, with a message that names anything but the disk.
require_space() {
    local wanted=10 free
    mkdir -p "$TARGET"
    free="$(df --output=avail --block-size=1G "$TARGET" | tail -n 1 | tr -d ' ')"
    # What was built before stands there already.
    [ ! -d "$TARGET/debug/deps" ] || wanted=3
    [ "$free" -ge "$wanted" ] || fail "$free GB are free for $TARGET; $wanted GB are needed"
    printf '%s GB are free for what is built\n' "$free"
}

# The linters of the OpenAPI document, exactly as the lock file says; nothing is done when they are there already.
install_node_tools() {
    local stamp=tests/tools/node_modules/.installed wanted
    [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] || fail "redocly wants Node.js 20 or newer; here is $(node --version)"
    wanted="$(cat tests/tools/package.json tests/tools/package-lock.json | sha256sum)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        npm ci --prefix tests/tools --loglevel=error
        printf '%s\n' "$wanted" >"$stamp"
    fi
    printf 'spectral %s, redocly %s\n' "$(tool_version spectral)" "$(tool_version redocly)"
}

tool_version() {
    "tests/tools/node_modules/.bin/$1" --version 2>/dev/null | tail -n 1
}

# The Python tools in an environment of their own beside the build's output.
install_python_tools() {
    local folder="$PYTHON_TOOLS" wanted
    wanted="$(python3 --version; sha256sum <tests/tools/requirements.txt)"
    if [ "$(cat "$folder/.installed" 2>/dev/null)" != "$wanted" ]; then
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --no-deps --requirement tests/tools/requirements.txt
        "$folder/bin/pip" check
        printf '%s\n' "$wanted" >"$folder/.installed"
    fi
    printf 'schemathesis %s\n' "$("$folder/bin/schemathesis" --version | grep -oE '[0-9.]+' | head -n 1)"
}
