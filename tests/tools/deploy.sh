#!/usr/bin/env bash
#
# Are the files under deploy/ understood by the programs that will read them?   deploy.sh FOLDER-OF-PYTHON-TOOLS
#
# systemd, nginx and Caddy read theirs; PostgreSQL runs its script twice, and the roles are tried: what they may do,
# and what they may not. compose.yaml and the Containerfile are read as text, because no container engine is at hand.
set -euo pipefail

python_tools="$(realpath "$1")"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
programs="${CARGO_TARGET_DIR:-target}/deploy-tools"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
faults=0

main() {
    check "systemd understands kluis.service" read_unit
    check "kluis.service leaves little open" rate_unit
    check "nginx understands nginx.conf" read_nginx
    check "Caddy understands the Caddyfile" read_caddy
    check "PostgreSQL runs postgres-roles.sql, twice" run_roles
    check "roles of PostgreSQL may do what they should, and no more" try_roles
    check "compose.yaml gives nobody more than needed" read_compose
    check "the Containerfile takes the right compiler and runs as nobody" read_containerfile
    [ "$faults" -eq 0 ]
}

# In a subshell with errexit, which a condition would switch off.
check() {
    local status=0
    printf -- '- %s\n' "$1"
    set +e
    (set -e && "$2")
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        printf '  not so: %s\n' "$1" >&2
        faults=$((faults + 1))
    fi
}

# A program out of a Debian package, unpacked beside the build's output: installing it would start a service.
program_of() {
    local package="$1" path="$2"
    if [ ! -x "$programs/$package$path" ]; then
        mkdir -p "$work/download" "$programs/$package"
        (cd "$work/download" && apt-get download -qq "$package" >/dev/null 2>&1) ||
            (apt-get update -qq && cd "$work/download" && apt-get download -qq "$package" >/dev/null)
        dpkg-deb --extract "$work/download/${package}"_*.deb "$programs/$package"
    fi
    realpath "$programs/$package$path"
}

unit() {
    sed 's|^ExecStart=/usr/local/bin/kluis.*|ExecStart=/bin/true|' deploy/kluis.service >"$work/kluis.service"
}

read_unit() {
    unit
    systemd-analyze verify --man=no --recursive-errors=no "$work/kluis.service"
}

# systemd's own measure of exposure, in tenths: from 100 (as root) down.
rate_unit() {
    unit
    systemd-analyze security --offline=yes --threshold=15 --no-pager "$work/kluis.service" | tail -n 1
}

read_nginx() {
    local nginx
    nginx="$(program_of nginx /usr/sbin/nginx)"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=crm.example.org \
        -keyout "$work/privkey.pem" -out "$work/fullchain.pem" 2>/dev/null
    # The test binds the ports: high ones need no root. A machine without IPv6 can't bind those of IPv6.
    sed -e "s|/etc/ssl/kluis|$work|" -e 's/^\( *listen .*\)\b80;/\128080;/' -e 's/^\( *listen .*\)\b443 /\128443 /' \
        deploy/nginx.conf >"$work/kluis.conf"
    [ -s /proc/net/if_inet6 ] || sed -i '/listen \[::\]/d' "$work/kluis.conf"
    mkdir -p "$work/nginx/logs"
    printf 'pid %s; error_log stderr; events {} http { %s include %s; }\n' "$work/nginx/pid" \
        "client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f; uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;" \
        "$work/kluis.conf" >"$work/nginx.conf"
    "$nginx" -t -q -e stderr -p "$work/nginx" -c "$work/nginx.conf"
}

read_caddy() {
    local caddy
    caddy="$(program_of caddy /usr/bin/caddy)"
    HOME="$work" "$caddy" validate --config deploy/Caddyfile --adapter caddyfile >"$work/caddy.log" 2>&1 || {
        cat "$work/caddy.log" >&2
        return 1
    }
}

super() {
    psql "$KLUIS_TEST_POSTGRES_URL" --no-psqlrc --quiet "$@"
}

# One of the roles, signed in to one of the databases: as ROLE DATABASE SQL
as() {
    local server="${KLUIS_TEST_POSTGRES_URL##*@}"
    PGPASSWORD="test-$1" psql "postgres://$1@${server%%/*}/$2" --no-psqlrc --quiet --tuples-only -v ON_ERROR_STOP=1 -c "$3"
}

may() {
    as "$@" >/dev/null 2>"$work/psql.log" || {
        printf '  %s should be able to: %s\n  %s\n' "$1" "$3" "$(cat "$work/psql.log")" >&2
        return 1
    }
}

may_not() {
    if as "$@" >/dev/null 2>&1; then
        printf '  %s should not be able to: %s\n' "$1" "$3" >&2
        return 1
    fi
}

run_roles() {
    local round part
    for round in 1 2; do
        for part in data keys; do
            roles_script "$part" || {
                printf '  round %s\n' "$round" >&2
                return 1
            }
        done
    done
    # Without passwords, and without saying which part, it must stop.
    if super -v part=data -f deploy/postgres-roles.sql >/dev/null 2>&1; then return 1; fi
    if KLUIS_OWNER_PASSWORD=x KLUIS_APP_PASSWORD=x super -f deploy/postgres-roles.sql >/dev/null 2>&1; then return 1; fi
}

roles_script() {
    local owner=kluis_owner app=kluis_app
    if [ "$1" = keys ]; then owner=kluis_keys_owner app=kluis_keys; fi
    KLUIS_OWNER_PASSWORD="test-$owner" KLUIS_APP_PASSWORD="test-$app" \
        super -v part="$1" -f deploy/postgres-roles.sql >"$work/roles.log" 2>&1 || {
        cat "$work/roles.log" >&2
        return 1
    }
}

try_roles() {
    may kluis_owner kluis "CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE audit_events (seq INT)"
    roles_script data
    may kluis_app kluis "INSERT INTO t VALUES (1); UPDATE t SET id = 2; SELECT * FROM t; DELETE FROM t"
    may kluis_app kluis "INSERT INTO audit_events VALUES (1); SELECT * FROM audit_events"
    may_not kluis_app kluis "UPDATE audit_events SET seq = 2"
    may_not kluis_app kluis "DELETE FROM audit_events"
    may_not kluis_app kluis "TRUNCATE t"
    may_not kluis_app kluis "DROP TABLE t"
    may_not kluis_app kluis "ALTER TABLE t DISABLE ROW LEVEL SECURITY"
    may_not kluis_app kluis "CREATE TABLE u (id INT)"
    may_not kluis_app kluis "CREATE TEMPORARY TABLE u (id INT)"
    may_not kluis_app kluis_keys "SELECT 1"
    may_not kluis_keys kluis "SELECT 1"
    may_not kluis_owner kluis_keys "SELECT 1"
    may kluis_keys kluis_keys "SELECT 1"
    may kluis_app kluis "SELECT 1 / (current_setting('log_parameter_max_length_on_error') = '0')::INT"
    # The row-level wall stands for the service, as it is not the owner.
    may kluis_owner kluis "ALTER TABLE t ENABLE ROW LEVEL SECURITY; INSERT INTO t VALUES (7)"
    may kluis_app kluis "SELECT 1 / (COUNT(*) = 0)::INT FROM t"
    super -c "DROP DATABASE kluis" -c "DROP DATABASE kluis_keys" -c "DROP ROLE kluis_owner, kluis_app, kluis_keys_owner, kluis_keys"
}

read_compose() {
    "$python_tools/bin/python" - deploy/compose.yaml <<'PYTHON'
import os, sys, yaml

path = sys.argv[1]
compose = yaml.safe_load(open(path))
folder = os.path.dirname(path)
faults = []
for name, service in compose["services"].items():
    tag = service["image"].partition(":")[2]
    if not tag or tag == "latest":
        faults.append(f"{name}: the image has no fixed version")
    if "no-new-privileges:true" not in service.get("security_opt", []):
        faults.append(f"{name}: no-new-privileges is missing")
    if service.get("privileged") or service.get("network_mode") == "host":
        faults.append(f"{name}: more rights than a container should have")
    for kind in ("networks", "secrets"):
        for used in service.get(kind, []):
            if used not in compose[kind]:
                faults.append(f"{name}: {kind} has no {used}")
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            if not os.path.exists(os.path.join(folder, source)):
                faults.append(f"{name}: {source} is not there")
        elif source not in compose["volumes"]:
            faults.append(f"{name}: volumes has no {source}")
    for variable, value in service.get("environment", {}).items():
        if any(word in variable for word in ("PASSWORD", "SECRET", "ROOT_KEY", "_URL")) and not variable.endswith("_FILE"):
            if variable != "KLUIS_SERVER_PUBLIC_URL":
                faults.append(f"{name}: {variable} belongs into a file")
for name in ("kluis", "migrate"):
    service = compose["services"][name]
    if service.get("user") != "10001:10001" or not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        faults.append(f"{name}: must run as nobody, on a read-only file system, without capabilities")
for name in ("database", "keys", "kluis"):
    if compose["services"][name].get("ports"):
        faults.append(f"{name}: publishes a port")
if compose["services"]["database"]["volumes"] == compose["services"]["keys"]["volumes"]:
    faults.append("database and keys share a volume")
print("\n".join(f"  {fault}" for fault in faults), end="\n" if faults else "")
sys.exit(bool(faults))
PYTHON
}

read_containerfile() {
    local file=deploy/Containerfile
    grep -qE '^FROM rust:[0-9.]+-bookworm AS build$' "$file"
    grep -qE '^FROM debian:bookworm-slim$' "$file"
    # The last word on who it runs as comes before the program starts.
    grep -nE '^(USER|ENTRYPOINT|FROM)' "$file" | tail -n 2 | head -n 1 | grep -q 'USER 10001:10001'
    # The compiler's version is the one that Cargo.toml asks for.
    grep -q "rust:$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)-" "$file"
}

main
