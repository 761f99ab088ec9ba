# shellcheck shell=bash
#
# A PostgreSQL cluster for one run: on a free port of 127.0.0.1, in a folder of its own under "$work", with a random
# password, stopped and removed at the end however the run ends. Tests get its address as KLUIS_TEST_POSTGRES_URL;
# the role in it may create databases, and each test makes one of its own.

# The folder of the newest server programs, 15 or later.
postgres_programs() {
    local folder best=""
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
        [ -x "$folder/initdb" ] || continue
        [ "$("$folder/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 15 ] && best="$folder"
    done
    if [ -z "$best" ] && command -v initdb postgres pg_ctl >/dev/null; then
        best="$(dirname "$(readlink -f "$(command -v initdb)")")"
    fi
    [ -n "$best" ] && printf '%s\n' "$best"
}

start_postgres() {
    local home="$work/postgres" programs password port try
    programs="$(postgres_programs)" || fail "PostgreSQL's server programs (15 or later) are missing"
    mkdir "$home"
    password="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    (umask 077 && printf '%s\n' "$password" >"$home/password")
    own_by_postgres "$home"

    as_postgres "$programs/initdb" --pgdata="$home/data" --username=kluis_test --pwfile="$home/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$home/initdb.log" 2>&1 ||
        fail "initdb failed: $(tail -n 5 "$home/initdb.log")"
    write_postgres_settings "$home"

    printf '%s\n' "$programs" >"$home/programs"
    watch_postgres "$home"
    for try in 1 2 3 4 5; do
        port="$(free_port)"
        if as_postgres "$programs/pg_ctl" --pgdata="$home/data" --log="$home/log" --silent --wait --timeout=60 \
            --options="-p $port" start >/dev/null; then
            printf 'export KLUIS_TEST_POSTGRES_URL=%q\n' \
                "postgres://kluis_test:$password@127.0.0.1:$port/postgres" >>"$work/environment"
            printf 'PostgreSQL %s on port %s, fsync %s\n' "$("$programs/postgres" --version | grep -oE '[0-9.]+' | head -n 1)" \
                "$port" "${KLUIS_TEST_FSYNC:-off}"
            return
        fi
        printf 'start %s on port %s failed\n' "$try" "$port"
    done
    tail -n 20 "$home/log" >&2
    fail "PostgreSQL did not start"
}

# Small and quick; durability only where a test asks for it. The time zone is one with summer time, so that a
# statement that leans on the server's zone is found out.
write_postgres_settings() {
    local fsync="${KLUIS_TEST_FSYNC:-off}"
    as_postgres tee -a "$1/data/postgresql.conf" >/dev/null <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$1'
unix_socket_permissions = 0700
max_connections = 300
shared_buffers = 256MB
max_wal_size = 1GB
fsync = $fsync
full_page_writes = $fsync
synchronous_commit = $fsync
timezone = 'Europe/Amsterdam'
log_timezone = 'UTC'
jit = off
SETTINGS
}

# Below the range that the kernel hands out by itself.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

stop_postgres() {
    local home="$work/postgres"
    if [ -f "$home/data/postmaster.pid" ]; then
        as_postgres "$(cat "$home/programs")/pg_ctl" --pgdata="$home/data" --silent --mode=immediate --wait stop ||
            printf 'the PostgreSQL cluster in %s did not stop\n' "$home" >&2
    fi
}

# Should this script be killed without a chance to tidy up, a second process stops the cluster and removes it.
watch_postgres() {
    export -f stop_postgres as_postgres postgres_user
    export work
    # shellcheck disable=SC2016  # the inner shell expands them
    setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; if [ -d "$work" ]; then stop_postgres; rm -rf "$work"; fi' \
        watch $$ </dev/null >/dev/null 2>&1 &
}

# PostgreSQL refuses to run as root: then it runs as the account that its package made, or as nobody.
postgres_user() {
    if getent passwd postgres >/dev/null; then printf 'postgres'; else printf 'nobody'; fi
}

as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd "$work" && exec runuser -u "$(postgres_user)" -- "$@")
    else
        "$@"
    fi
}

own_by_postgres() {
    [ "$(id -u)" -ne 0 ] || chown -R "$(postgres_user)" "$1"
}
