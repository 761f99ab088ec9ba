#!/usr/bin/env bash
#
# Is the OpenAPI document as it should be?   openapi.sh PROGRAM FOLDER-OF-PYTHON-TOOLS
#
# PROGRAM openapi prints the document; it must equal openapi/kluis.json, and neither spectral with our rule set, nor
# redocly, nor openapi-spec-validator may find anything in it.
set -euo pipefail

program="$(realpath "$1")"
python_tools="$(realpath "$2")"
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly document=../../openapi/kluis.json
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
faults=0

main() {
    check "the checked-in document is the program's" compare_with_program
    check "openapi-spec-validator" "$python_tools/bin/openapi-spec-validator" --validation-errors all --schema 3.0 "$document"
    check "spectral" node_modules/.bin/spectral lint --ruleset ruleset.yaml --fail-severity hint "$document"
    check "redocly" lint_with_redocly
    [ "$faults" -eq 0 ]
}

# Runs all checks, whatever the first one says.
check() {
    printf -- '- %s\n' "$1"
    if ! "${@:2}"; then
        printf '  %s: faults\n' "$1" >&2
        faults=$((faults + 1))
    fi
}

compare_with_program() {
    "$program" openapi >"$work/kluis.json"
    diff -u "$document" "$work/kluis.json" | head -n 100 || {
        printf 'openapi/kluis.json is out of date: kluis openapi >openapi/kluis.json\n' >&2
        return 1
    }
}

# Warnings count as well; its exit code knows only errors.
lint_with_redocly() {
    node_modules/.bin/redocly lint --config redocly.yaml --format json "$document" >"$work/redocly.json" 2>"$work/log" || true
    jq -e . "$work/redocly.json" >/dev/null || { cat "$work/log" >&2 && return 1; }
    jq -r '.problems[] | "\(.severity) \(.ruleId): \(.message) at \(.location[0].pointer // "")"' "$work/redocly.json"
    [ "$(jq '.totals.errors + .totals.warnings' "$work/redocly.json")" -eq 0 ]
}

main
