# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by entry points. With a configuration that is missing, truncated or wrong, a service would start without a
# password. So each start checks the file: a good one is copied beside it, a bad one is replaced by that copy.
# A check is a function of one file that prints in one line what is wrong with it, and fails. Commands are chained, because
# "set -e" has no effect inside a condition.

# Number of damaged files to keep, the latest ones.
LAST_GOOD_KEEP=5

# last_good NAME FILE CHECK: succeeds when the service may start with FILE, as it was or restored.
last_good() {
    if last_good_problem=$(last_good_check "$2" "$3"); then
        cmp -s "$2" "$2.good" || last_good_copy "$2" "$2.good" "$3" 600 ||
            echo "$1: $2 is good, but it could not be copied" >&2
        return 0
    fi
    if ! last_good_check "$2.good" "$3" >/dev/null; then
        echo "$1: $2 $last_good_problem, and there is no good copy of it. The service would need no password," \
            "so it does not start. Run the playbook again." >&2
        return 1
    fi
    last_good_aside=none
    if [ -e "$2" ] || [ -L "$2" ]; then
        last_good_aside="$2.damaged-$(date -u +%Y%m%dT%H%M%SZ)"
        # A file stays until its replacement takes its name, so that it exists at any time.
        if [ -f "$2" ] && [ ! -L "$2" ]; then
            cp -p "$2" "$last_good_aside" || last_good_aside=none
        else
            mv "$2" "$last_good_aside" || return 1
        fi
    fi
    # A concurrent start may have restored it.
    if ! last_good_copy "$2.good" "$2" "$3" "" && ! last_good_check "$2" "$3" >/dev/null; then
        echo "$1: $2 $last_good_problem, and its good copy could not be put back; is the disk full?" >&2
        return 1
    fi
    last_good_prune "$2".damaged-[0-9]*T[0-9]*Z
    echo "$1: $2 $last_good_problem; the copy from its last good start is back (the bad one: $last_good_aside)" >&2
}

last_good_check() {
    if [ -L "$1" ] || [ ! -f "$1" ]; then
        echo "is missing"
    elif [ ! -s "$1" ]; then
        echo "is empty"
    # Awk may treat a NUL byte as the end of a line.
    elif [ "$(LC_ALL=C tr -dc '\000' <"$1" | wc -c)" -ne 0 ]; then
        echo "contains NUL bytes"
    else
        "$2" "$1"
        return
    fi
    return 1
}

# last_good_copy FROM TO CHECK MODE: replaces TO in one step, with FROM's owner; without MODE, TO keeps its mode. The copy
# is checked as well, because another process may change FROM meanwhile.
last_good_copy() {
    last_good_new=$(mktemp "$2.new-XXXXXX") || return 1
    if cp -p "$1" "$last_good_new" && chmod "${4:-$(last_good_mode "$2")}" "$last_good_new" &&
        last_good_check "$last_good_new" "$3" >/dev/null && last_good_sync "$last_good_new" && mv "$last_good_new" "$2"; then
        last_good_sync "${2%/*}"
        # Temporary files that a power cut left. Later ones may belong to a concurrent start.
        find "${2%/*}" -maxdepth 1 -name "${2##*/}.new-??????" -mmin +10 -exec rm -f {} +
        return 0
    fi
    rm -f "$last_good_new"
    return 1
}

# The mode of the file, because programs of its group may need to read it.
last_good_mode() {
    if [ -f "$1" ] && [ ! -L "$1" ]; then
        stat -c %a "$1"
    else
        echo 600
    fi
}

# Older versions of sync accept no file.
last_good_sync() {
    sync "$1" 2>/dev/null || sync
}

# last_good_prune FILE...: keep the latest ones, which are last, because their names hold the date.
last_good_prune() {
    while [ "$#" -gt "$LAST_GOOD_KEEP" ]; do
        rm -f "$1"
        shift
    done
}

# A check: a complete JSON object. Strings, then plain values, then lists and objects are reduced to one character.
is_json_object() {
    LC_ALL=C awk '
        { text = text $0 "\n" }
        END {
            begin = text
            gsub(/"([^"\\\001-\037]|\\.)*"/, "@", text)
            gsub(/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/, "#", text)
            gsub(/[ \t\r\n]/, "", text)
            while (gsub(/\[([@#](,[@#])*)?\]|\{(@:[@#](,@:[@#])*)?\}/, "#", text)) {}
            if (text != "#" || begin !~ /^[ \t\r\n]*\{/) {
                print "is truncated or not JSON"
                exit 1
            }
        }
    ' "$1"
}
