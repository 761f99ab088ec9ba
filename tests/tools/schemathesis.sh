#!/usr/bin/env bash
#
# Does the running service keep its own document, whoever asks?   schemathesis.sh PROGRAM FOLDER-OF-PYTHON-TOOLS
#
# Starts `PROGRAM demo --json` on a free port of 127.0.0.1 with its data in a temporary folder. Once it listens, the
# demonstration prints one line of JSON:
#     {"url": "http://127.0.0.1:PORT", "tokens": {"hq_analyst": "…", "manager": "…", "sales": "…", "privacy_officer": "…"}}
# Then schemathesis reads URL/v1/openapi.json and tries every operation, in turn with the token of each role. The
# seed is fixed; KLUIS_LONG=1 tries ten times as much. The reports stand in target/schemathesis/<role>.
set -euo pipefail

program="$(realpath "$1")"
python_tools="$(realpath "$2")"
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly settings="$PWD/schemathesis.toml"
readonly reports="${CARGO_TARGET_DIR:-$(realpath ../..)/target}/schemathesis"
work="$(mktemp -d)"
# It keeps what it found beside itself; that is no part of the project.
cd "$work"
readonly seed=20261122
if [ "${KLUIS_LONG:-}" = 1 ]; then
    examples=250
    limit=3600
else
    examples=25
    limit=300
fi
demo=""
faults=0

main() {
    local role url
    trap finish EXIT
    start_demo
    url="$(jq -r .url "$work/ready.json")"
    [ "$(jq '.tokens | length' "$work/ready.json")" -ge 4 ] || give_up "the demonstration gave fewer than four tokens"
    for role in $(jq -r '.tokens | keys[]' "$work/ready.json"); do
        try_role "$role" "$url" "$(jq -r --arg role "$role" '.tokens[$role]' "$work/ready.json")"
    done
    kill -0 "$demo" 2>/dev/null || give_up "the demonstration died during the run"
    [ "$faults" -eq 0 ]
}

give_up() {
    printf '%s\n' "$1" >&2
    tail -n 30 "$work/log" >&2 || true
    exit 1
}

start_demo() {
    # Limits of rate would only hide what is looked for.
    KLUIS_DATA_DIRECTORY="$work/data" KLUIS_SERVER_LISTEN="127.0.0.1:$(free_port)" \
        KLUIS_RATE_PER_SECOND=100000 KLUIS_RATE_BURST=100000 KLUIS_RATE_SIGN_IN_PER_MINUTE=100000 \
        "$program" demo --json >"$work/out" 2>"$work/log" </dev/null &
    demo=$!
    local waited
    for waited in $(seq 1 600); do
        if grep -m 1 '^{' "$work/out" >"$work/ready.json" 2>/dev/null && jq -e '.url' "$work/ready.json" >/dev/null 2>&1; then
            printf 'the demonstration was ready after %s tenths of a second\n' "$waited"
            return
        fi
        kill -0 "$demo" 2>/dev/null || give_up "the demonstration ended instead of listening"
        sleep 0.1
    done
    give_up "the demonstration wasn't ready within a minute"
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

try_role() {
    local role="$1" url="$2" status=0
    printf -- '- as %s\n' "$role"
    mkdir -p "$reports/$role"
    # The token goes through the environment, so that it stands in no list of processes and in no report.
    SCHEMATHESIS_TOKEN="$3" timeout --kill-after=10 $((limit + 120)) "$python_tools/bin/schemathesis" \
        --config-file "$settings" run "$url/v1/openapi.json" --url "$url/v1" \
        --max-examples "$examples" --seed "$seed" --continue-on-failure --output-sanitize true \
        --report junit --report-junit-path "$reports/$role/junit.xml" \
        >"$reports/$role/output.txt" 2>&1 || status=$?
    # A run that tried nothing is no success.
    grep -E '^ +(Selected|Tested|[0-9]+ generated)' "$reports/$role/output.txt" || status=99
    if [ "$status" -ne 0 ]; then
        tail -n 150 "$reports/$role/output.txt"
        printf '  %s: schemathesis ended with %s\n' "$role" "$status" >&2
        faults=$((faults + 1))
    fi
}

finish() {
    if [ -n "$demo" ]; then
        kill "$demo" 2>/dev/null || true
        wait "$demo" 2>/dev/null || true
    fi
    rm -rf "$work"
}

main
