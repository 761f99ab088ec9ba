#!/usr/bin/env bash
#
# Do the linters' rules bite? Each bad/<linter>/<rule>.json is a merge patch (RFC 7396) that spoils good.json in one
# place; the linter must then report that rule. About good.json itself, nobody may say a word. And no rule of ours
# may be without its sample.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
faults=0

main() {
    spoil spectral
    spoil redocly
    check_spectral
    check_redocly
    check_every_rule_has_a_sample
    [ "$faults" -eq 0 ] || exit 1
    printf 'all %s rules bite, and the good sample is clean\n' "$(find bad -name '*.json' | wc -l)"
}

complain() {
    printf '%s\n' "$*" >&2
    faults=$((faults + 1))
}

# Writes one spoilt document per sample, and the good one beside them.
spoil() {
    local sample
    mkdir "$work/$1"
    cp good.json "$work/$1/good.json"
    for sample in "bad/$1"/*.json; do
        jq -n --slurpfile good good.json --slurpfile patch "$sample" '
            def merge($patch):
                if ($patch | type) != "object" then $patch
                else
                    (if type == "object" then . else {} end)
                    | reduce ($patch | keys_unsorted[]) as $key (.;
                        if $patch[$key] == null then del(.[$key]) else .[$key] |= merge($patch[$key]) end)
                end;
            $good[0] | merge($patch[0])' >"$work/$1/$(basename "$sample")"
    done
}

# One run over all documents; each finding is written as "<document> <rule>".
check_spectral() {
    local status=0
    node_modules/.bin/spectral lint --ruleset ruleset.yaml --fail-severity hint --format json --quiet \
        --output "$work/spectral.json" "$work/spectral/*.json" >"$work/log" 2>&1 || status=$?
    # 1: something was found, which is what this is about. Everything else is a broken rule set.
    if [ "$status" -ne 1 ]; then
        cat "$work/log" >&2
        complain "spectral ended with $status"
        return
    fi
    jq -r '.[] | "\(.source | sub(".*/"; "")) \(.code)"' "$work/spectral.json" | sort -u >"$work/spectral.txt"
    compare spectral "$work/spectral.txt"
}

check_redocly() {
    local document
    for document in "$work"/redocly/*.json; do
        node_modules/.bin/redocly lint --config redocly.yaml --format json "$document" 2>"$work/log" >"$work/redocly.json" ||
            [ "$(jq '.totals.errors' "$work/redocly.json")" -gt 0 ] || cat "$work/log" >&2
        jq -r --arg name "$(basename "$document")" '.problems[] | "\($name) \(.ruleId)"' "$work/redocly.json"
    done | sort -u >"$work/redocly.txt"
    compare redocly "$work/redocly.txt"
}

compare() {
    local sample rule
    if grep '^good\.json ' "$2" >&2; then
        complain "$1 complains about good.json"
    fi
    for sample in "bad/$1"/*.json; do
        rule="$(basename "$sample" .json)"
        grep -qxF "$rule.json $rule" "$2" || complain "$1: $rule does not bite on $sample"
    done
}

check_every_rule_has_a_sample() {
    local rule
    while read -r rule; do
        [ -f "bad/spectral/$rule.json" ] || complain "the rule $rule of ruleset.yaml has no bad/spectral/$rule.json"
    done < <(sed -n '/^rules:/,$s/^  \([a-z0-9][a-z0-9A-Z-]*\):.*/\1/p' ruleset.yaml)
    while read -r rule; do
        [ -f "bad/redocly/$rule.json" ] || complain "the rule $rule of redocly.yaml has no bad/redocly/$rule.json"
    done < <(sed -n '/^rules:/,$s/^  \([a-zA-Z0-9-]*\): error.*/\1/p' redocly.yaml)
}

main
