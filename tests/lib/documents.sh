# shellcheck shell=bash
#
# Links in the project's own documents lead somewhere.

check_links() {
    local document target folder checked=0 broken=0
    while read -r document; do
        folder="$(dirname "$document")"
        while read -r target; do
            checked=$((checked + 1))
            if [ ! -e "$folder/${target%%#*}" ]; then
                printf '%s: the link %s leads nowhere\n' "$document" "$target" >&2
                broken=$((broken + 1))
            fi
        done < <(links_of "$document")
    done < <(git ls-files --cached --others --exclude-standard -- '*.md')
    printf '%s links within the project\n' "$checked"
    [ "$broken" -eq 0 ]
}

# Targets of [text](target) that are files of this project: no scheme, no anchor alone, no title.
links_of() {
    grep -oE '\]\([^)]+\)' "$1" | sed -E 's/^\]\(<?([^ >)]+).*/\1/' | grep -vE '^([a-z]+:|#|/)' || true
}
