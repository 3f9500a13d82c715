# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by entry points. A service whose configuration is missing, cut off or wrong would start open to everybody, so
# each start checks it: a good file is copied beside itself, a bad one is replaced by that copy.
# A check is a function of one file that prints in one line what is wrong with it, and fails. Everything is chained,
# because the shell does not stop at a failure inside a condition.

# Damaged files that are kept, the youngest.
LAST_GOOD_KEEP=5

# last_good NAME FILE CHECK: succeeds when FILE may be started with, as it was or restored.
last_good() {
    if last_good_problem=$(last_good_check "$2" "$3"); then
        cmp -s "$2" "$2.good" || last_good_copy "$2" "$2.good" "$3" 600 ||
            echo "$1: $2 is good, but no copy of it could be kept" >&2
        return 0
    fi
    if ! last_good_check "$2.good" "$3" >/dev/null; then
        echo "$1: $2 $last_good_problem, and there is no good copy of it. It would be open to everybody," \
            "so it does not start. Run the playbook again." >&2
        return 1
    fi
    last_good_aside=none
    if [ -e "$2" ] || [ -L "$2" ]; then
        last_good_aside="$2.damaged-$(date -u +%Y%m%dT%H%M%SZ)"
        # A file stays until its replacement takes its name, so that nobody ever finds none.
        if [ -f "$2" ] && [ ! -L "$2" ]; then
            cp -p "$2" "$last_good_aside" || last_good_aside=none
        else
            mv "$2" "$last_good_aside" || return 1
        fi
    fi
    # Another start at the same time may have been faster.
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
    # Awk may take a zero for the end of a line.
    elif [ "$(LC_ALL=C tr -dc '\000' <"$1" | wc -c)" -ne 0 ]; then
        echo "holds zeros"
    else
        "$2" "$1"
        return
    fi
    return 1
}

# last_good_copy FROM TO CHECK MODE: in one step, with FROM's owner; without MODE, TO's stays. The copy is checked too,
# because FROM may be in another's hands by now.
last_good_copy() {
    last_good_new=$(mktemp "$2.new-XXXXXX") || return 1
    if cp -p "$1" "$last_good_new" && chmod "${4:-$(last_good_mode "$2")}" "$last_good_new" &&
        last_good_check "$last_good_new" "$3" >/dev/null && last_good_sync "$last_good_new" && mv "$last_good_new" "$2"; then
        last_good_sync "${2%/*}"
        # What a power cut left; younger ones may be another start's.
        find "${2%/*}" -maxdepth 1 -name "${2##*/}.new-??????" -mmin +10 -exec rm -f {} +
        return 0
    fi
    rm -f "$last_good_new"
    return 1
}

# Programs of the group may have had to read the file.
last_good_mode() {
    if [ -f "$1" ] && [ ! -L "$1" ]; then
        stat -c %a "$1"
    else
        echo 600
    fi
}

# Old ones cannot name what is to be synced.
last_good_sync() {
    sync "$1" 2>/dev/null || sync
}

# last_good_prune FILE...: leave the youngest, which come last, as the date in their names says.
last_good_prune() {
    while [ "$#" -gt "$LAST_GOOD_KEEP" ]; do
        rm -f "$1"
        shift
    done
}

# A check: a whole JSON object. Strings, then plain values, then lists and objects shrink to one sign.
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
                print "is cut off or no JSON"
                exit 1
            }
        }
    ' "$1"
}
