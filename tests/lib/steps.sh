# shellcheck shell=bash
#
# Steps of the test command: their order, their needs, how they are run, timed and counted.
# A step is a function `step_<name>`. It runs in a subshell of its own, where the first failing command ends it;
# what later steps need from it, it writes as `export` lines to "$work/environment".

work=""  # the folder of this run, made by tests/run
step_names=()
declare -A step_needs=() step_says=() step_state=()
chosen=()
summary=()
passed=0
failed=0

step() {
    step_names+=("$1")
    step_needs[$1]="${2/#-/}"
    step_says[$1]="$3"
}

parse_options() {
    while [ $# -gt 0 ]; do
        case "$1" in
            --long) export KLUIS_LONG=1 ;;
            --only)
                is_step "${2:-}" || usage "--only wants the name of a step; see --list"
                choose "$2"
                shift
                ;;
            --list)
                list_steps
                exit 0
                ;;
            *) usage "unknown option: $1" ;;
        esac
        shift
    done
    [ "${#chosen[@]}" -gt 0 ] || chosen=("${step_names[@]}")
}

is_step() {
    [ -n "$1" ] && [ -n "${step_says[$1]:-}" ]
}

usage() {
    printf '%s\nusage: tests/run [--long] [--only STEP]… [--list]\n' "$1" >&2
    exit 2
}

list_steps() {
    local name
    for name in "${step_names[@]}"; do
        printf '%-14s %s\n' "$name" "${step_says[$name]}"
    done
}

# A step and, before it, what it needs.
choose() {
    local need
    for need in ${step_needs[$1]//,/ }; do
        choose "$need"
    done
    chosen+=("$1")
}

run_steps() {
    local name started
    started="$(now)"
    : >"$work/environment"
    for name in "${step_names[@]}"; do
        if is_chosen "$name"; then
            run_step "$name"
        fi
    done
    printf '\n'
    printf '%s\n' "${summary[@]}"
    printf '%-6s %-14s %s\n\n' "" "in all" "$(since "$started")"
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

is_chosen() {
    local name
    for name in "${chosen[@]}"; do
        [ "$name" != "$1" ] || return 0
    done
    return 1
}

run_step() {
    local name="$1" status=0 started need
    started="$(now)"
    headline "$name: ${step_says[$name]}"
    for need in ${step_needs[$name]//,/ }; do
        if [ "${step_state[$need]}" != ok ]; then
            printf 'not possible, because the step %s failed\n' "$need"
            status=1
        fi
    done
    if [ "$status" -eq 0 ]; then
        # Not in a condition: there, bash would go on after a failing command inside the step.
        set +e
        (
            set -e
            # shellcheck source=/dev/null
            . "$work/environment"
            "step_$name"
        )
        status=$?
        set -e
    fi
    close_step "$name" "$status" "$(since "$started")"
}

close_step() {
    local name="$1" status="$2" took="$3" line
    if [ "$status" -eq 0 ]; then
        step_state[$name]=ok
        passed=$((passed + 1))
        line="$(printf '%-6s %-14s %s' ok "$name" "$took")"
        printf '%s\n' "$(paint 32 "$line")"
    else
        step_state[$name]=failed
        failed=$((failed + 1))
        line="$(printf '%-6s %-14s %s' FAILED "$name" "$took")"
        printf '%s\n' "$(paint 31 "$line")"
    fi
    summary+=("$line")
}

headline() {
    printf '\n%s\n' "$(paint 1 "== $1")"
}

# Colours are for a person at a terminal only.
paint() {
    if [ "$coloured" = yes ]; then
        printf '\033[%sm%s\033[0m' "$1" "$2"
    else
        printf '%s' "$2"
    fi
}

# `paint` is called inside $( ), where standard output is no terminal any more: so the question is asked once, here.
coloured=no
if [ -t 1 ] && [ "${CI:-}" != true ] && [ -z "${NO_COLOR:-}" ]; then
    coloured=yes
fi

now() {
    printf '%s' "${EPOCHREALTIME/[.,]/}"
}

# Seconds since a moment of `now`, with one decimal.
since() {
    local tenths=$((($(now) - $1) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
