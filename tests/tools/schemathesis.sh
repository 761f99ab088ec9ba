#!/usr/bin/env bash
#
# Does the running service keep its own document, whoever asks?
#
#     schemathesis.sh PROGRAM FOLDER-OF-PYTHON-TOOLS [ROLE@ENGINE…]
#
# Starts `PROGRAM demo --json` for each role on a free port of 127.0.0.1, with data of its own: in a temporary folder
# (@sqlite), or in two databases made at KLUIS_TEST_POSTGRES_URL and dropped afterwards (@postgres). Once it listens, the
# demonstration prints one line of JSON:
#     {"url": "http://127.0.0.1:PORT", "tokens": {"hq_analyst": "…", "manager": "…", "sales": "…", "privacy_officer": "…"}}
# Then schemathesis reads URL/v1/openapi.json and tries every operation with the token of the role, in rounds:
#     records   places in paths are filled with ids of records that the role sees (records.py), so that requests get far
#     removals  the same for DELETE, afterwards, because the other operations need their records
#     erasures  the same for erasing customers, of whom nothing is left then
#     ways      through the API along the links of the document
#     anything  made-up ids, only in the long form
# The first role sends wrong requests as well. They are refused before anybody asks who calls, so that the others do it
# only in the long form, KLUIS_LONG=1, which tries more of everything and each role on both databases.
#
# The seed is fixed. What schemathesis says stands in target/schemathesis/<role>. reached.py reads the requests, because
# a run in which nothing was ever answered with a success would prove little.
set -euo pipefail

program="$(realpath "$1")"
python_tools="$(realpath "$2")"
roles=("${@:3}")
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly here="$PWD"
readonly reports="${CARGO_TARGET_DIR:-$(realpath ../..)/target}/schemathesis"
readonly seed=20261122
# How many roles are tried at a time.
readonly width=2
if [ "${KLUIS_LONG:-}" = 1 ]; then
    examples=30
    walks=200
    limit=3600
else
    examples=10
    walks=60
    limit=600
fi
if [ "${#roles[@]}" -eq 0 ]; then
    roles=(manager@sqlite sales@postgres privacy_officer@sqlite hq_analyst@sqlite)
    if [ "${KLUIS_LONG:-}" = 1 ]; then
        roles+=(manager@postgres sales@sqlite privacy_officer@postgres hq_analyst@postgres)
    fi
fi
work="$(mktemp -d)"
# schemathesis keeps what it found in the folder where it runs; that is no part of the project.
cd "$work"

main() {
    local role
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    for role in "${roles[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$width" ]; do wait -n || true; done
        rm -rf "${reports:?}/$role"
        mkdir -p "$reports/$role" "$work/$role"
        printf 1 >"$work/$role/status"
        (try_role "$role" >"$reports/$role/summary.txt" 2>&1 && printf 0 >"$work/$role/status") &
    done
    wait
    local faults=0
    for role in "${roles[@]}"; do
        printf -- '- as %s\n' "$role"
        cat "$reports/$role/summary.txt"
        [ "$(cat "$work/$role/status")" = 0 ] || faults=$((faults + 1))
    done
    python3 "$here/reached.py" "$here/unreached.txt" "$here/../../openapi/kluis.json" "$work"/*/*.har ||
        faults=$((faults + 1))
    [ "$faults" -eq 0 ]
}

# Whatever still runs is stopped, by the number that was written down for it.
finish() {
    local file
    for file in "$work"/*/*.pid; do
        [ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
    done
    wait || true
    for file in "$work"/*/databases; do
        [ ! -e "$file" ] || drop_databases "$file"
    done
    rm -rf "$work"
}

# In a subshell of its own.
try_role() {
    local name="$1" role="${1%@*}" engine="${1#*@}" url token faults=0 mode=positive
    if [ "$name" = "${roles[0]}" ] || [ "${KLUIS_LONG:-}" = 1 ]; then mode=all; fi
    cd "$work/$name"
    start_demo "$engine"
    url="$(jq -r .url ready.json)/v1"
    token="$(jq -r --arg role "$role" '.tokens[$role] // empty' ready.json)"
    [ -n "$token" ] || give_up "the demonstration has no token for $role"
    # The token goes through the environment, so that it stands in no list of processes and in no report.
    export SCHEMATHESIS_TOKEN="$token" SCHEMATHESIS_HOOKS="$here/hooks.py" PYTHONDONTWRITEBYTECODE=1
    python3 "$here/records.py" "$url" <"$here/schemathesis.toml" >records.toml || give_up "no settings for $role"
    attempt records records.toml --mode "$mode" --phases examples,coverage,fuzzing --exclude-method DELETE \
        --exclude-operation-id eraseCustomer || faults=1
    attempt removals records.toml --mode "$mode" --phases coverage,fuzzing --include-method DELETE || faults=1
    attempt erasures records.toml --mode "$mode" --phases coverage,fuzzing --include-operation-id eraseCustomer || faults=1
    examples="$walks" attempt ways "$here/schemathesis.toml" --mode "$mode" --phases stateful || faults=1
    if [ "${KLUIS_LONG:-}" = 1 ]; then
        attempt anything "$here/schemathesis.toml" --phases fuzzing || faults=1
    fi
    kill -0 "$(cat demo.pid)" 2>/dev/null || give_up "the demonstration died during the run"
    stop_demo
    return "$faults"
}

# One round: attempt NAME SETTINGS OPTION…
attempt() {
    local round="$1" config="$2" output="$reports/$name/$1.txt" status=0
    timeout --kill-after=10 "$limit" "$python_tools/bin/schemathesis" --config-file "$config" run "$url/openapi.json" \
        --url "$url" --max-examples "$examples" --seed "$seed" --continue-on-failure --output-sanitize true \
        --report har --report-har-path "$round.har" "${@:3}" >"$output" 2>&1 &
    printf '%s\n' "$!" >"$round.pid"
    wait "$!" || status=$?
    rm "$round.pid"
    # A run that tried nothing is no success.
    printf '  %-9s%s\n' "$round" "$(grep -oE '[0-9]+ generated.*' "$output")" || status=99
    if [ "$status" -ne 0 ]; then
        sed -n '/ FAILURES \| ERRORS /,$p' "$output" | head -n 150
        printf '  %s, %s: schemathesis ended with %s\n' "$name" "$round" "$status" >&2
        return 1
    fi
}

give_up() {
    printf '%s\n' "$1" >&2
    tail -n 30 log >&2 || true
    stop_demo
    exit 1
}

start_demo() {
    local engine="$1" _
    local environment=(KLUIS_DATA_DIRECTORY="$PWD/data" KLUIS_SERVER_LISTEN="127.0.0.1:$(free_port)")
    # Limits of rate would only hide what is looked for.
    environment+=(KLUIS_RATE_PER_SECOND=100000 KLUIS_RATE_BURST=100000 KLUIS_RATE_SIGN_IN_PER_MINUTE=100000)
    if [ "$engine" = postgres ]; then
        environment+=(KLUIS_DATABASE_URL="$(new_database data)" KLUIS_KEYS_URL="$(new_database keys)")
    fi
    env "${environment[@]}" "$program" demo --json >out 2>log </dev/null &
    printf '%s\n' "$!" >demo.pid
    for _ in $(seq 1 1200); do
        if grep -m 1 '^{' out >ready.json && jq -e .url ready.json >/dev/null; then
            return
        fi
        kill -0 "$(cat demo.pid)" 2>/dev/null || give_up "the demonstration ended instead of listening"
        sleep 0.1
    done
    give_up "the demonstration wasn't ready within two minutes"
}

stop_demo() {
    kill "$(cat demo.pid)" 2>/dev/null || true
    wait "$(cat demo.pid)" || true
    rm demo.pid
}

new_database() {
    local database
    database="kluis_$(printf '%s' "$(basename "$work")$name" | tr '[:upper:]' '[:lower:]' | tr -dc '[:alnum:]')_$1"
    printf '%s\n' "$database" >>databases
    psql "$KLUIS_TEST_POSTGRES_URL" --no-psqlrc --quiet -c "CREATE DATABASE $database" >&2
    printf '%s/%s' "${KLUIS_TEST_POSTGRES_URL%/*}" "$database"
}

drop_databases() {
    local database
    while read -r database; do
        psql "$KLUIS_TEST_POSTGRES_URL" --no-psqlrc --quiet -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true
    done <"$1"
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s' "$port"
            return
        fi
    done
}

main
