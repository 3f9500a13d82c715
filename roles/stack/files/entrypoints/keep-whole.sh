# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by entry points, after last-good.sh. Services write their files in place and without fsync, so a power cut can
# leave any of them empty or truncated. Each start copies files that are complete, and restores others from their copies.
# Nothing here prevents a start. last-good.sh does, for files without which a service would need no password.

# Folder of the copies below the configuration folder, with the same subfolders.
KEEP_WHOLE_FOLDER=.last-whole

# keep_whole NAME ROOT FILE...: checks, restores and copies FILEs below ROOT, some of which may not exist.
keep_whole() {
    keep_whole_name=$1 keep_whole_root=$2
    keep_whole_store=$2/$KEEP_WHOLE_FOLDER
    shift 2
    # Only regular files that exist.
    for keep_whole_file; do
        shift
        if [ -f "$keep_whole_file" ] && [ ! -L "$keep_whole_file" ]; then set -- "$@" "$keep_whole_file"; fi
    done
    [ "$#" -gt 0 ] || return 0
    mkdir -p "$keep_whole_store" && chmod 700 "$keep_whole_store" || return 0
    find "$keep_whole_store" -type f -name '*.new' -exec rm -f {} +
    keep_whole_bad=$(keep_whole_damaged "$@")
    printf '%s\n' "$keep_whole_bad" | while IFS= read -r keep_whole_file; do
        [ -z "$keep_whole_file" ] || keep_whole_restore "$keep_whole_file"
    done
    keep_whole_copy "$@"
}

# keep_whole_damaged FILE...: prints those that are not complete.
keep_whole_damaged() {
    # Awk may treat a NUL byte as the end of a line. Such bytes are rare, so all files are searched at once first.
    if [ "$(LC_ALL=C cat "$@" | tr -dc '\000' | head -c 1 | wc -c)" -ne 0 ]; then
        for keep_whole_file; do
            shift
            if [ "$(LC_ALL=C tr -dc '\000' <"$keep_whole_file" | head -c 1 | wc -c)" -ne 0 ]; then
                printf '%s\n' "$keep_whole_file"
            else
                set -- "$@" "$keep_whole_file"
            fi
        done
        [ "$#" -gt 0 ] || return 0
    fi
    LC_ALL=C awk '
        # A complete file ends with the end tag of its first element.
        function xml(file,   line, root, last, end) {
            while ((getline line < file) > 0) {
                if (root == "" && match(line, /<[A-Za-z_]/)) {
                    root = substr(line, RSTART + 1)
                    sub(/[ \t\r\/>].*/, "", root)
                }
                sub(/[ \t\r]+$/, "", line)
                if (line != "") last = line
            }
            end = "</" root ">"
            if (root == "") return 0
            if (length(last) >= length(end) && substr(last, length(last) - length(end) + 1) == end) return 1
            return index(last, "<" root) && last ~ /\/>$/
        }
        # Strings, then plain values, then lists and objects are reduced to one character.
        function json(file,   line, text, begin) {
            while ((getline line < file) > 0) text = text line "\n"
            sub(/^\357\273\277/, "", text)
            begin = text
            gsub(/"([^"\\\001-\037]|\\.)*"/, "@", text)
            gsub(/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/, "#", text)
            gsub(/[ \t\r\n]/, "", text)
            while (gsub(/\[([@#](,[@#])*)?\]|\{(@:[@#](,@:[@#])*)?\}/, "#", text)) {}
            return text == "#" && begin ~ /^[ \t\r\n]*[[{]/
        }
        function first(file,   line) {
            getline line < file
            return line
        }
        function whole(file) {
            if (file ~ /\.xml$/) return xml(file)
            if (file ~ /\.(json|js)$/) return json(file)
            if (file ~ /\.collection$/) return 1
            if (file ~ /\.mblink$/) return first(file) ~ /^\/./
            return first(file) ~ /[^ \t\r]/
        }
        BEGIN {
            for (i = 1; i < ARGC; i++) {
                if (!whole(ARGV[i])) print ARGV[i]
                close(ARGV[i])
            }
            exit
        }
    ' "$@"
}

# keep_whole_restore FILE: replaces FILE in one step, and keeps the damaged one beside the copy. Without a copy FILE stays.
keep_whole_restore() {
    keep_whole_good=$keep_whole_store/${1#"$keep_whole_root"/}
    if [ ! -f "$keep_whole_good" ] || [ -n "$(keep_whole_damaged "$keep_whole_good")" ]; then
        if [ "${1%.mblink}" != "$1" ]; then
            keep_whole_shortcut "$1"
            return
        fi
        echo "$keep_whole_name: $1 is empty or truncated, and there is no whole copy of it. Run the playbook again, which" \
            "restores what it configures; other content of the file is lost." >&2
        return
    fi
    [ ! -s "$1" ] || cp -p "$1" "$keep_whole_good.damaged" || true
    if cp -p "$keep_whole_good" "$1.whole" && last_good_sync "$1.whole" && mv "$1.whole" "$1"; then
        last_good_sync "${1%/*}"
        echo "$keep_whole_name: $1 was empty or truncated; the copy from its last whole start is back" >&2
    else
        rm -f "$1.whole"
        echo "$keep_whole_name: $1 is empty or truncated, and its copy could not be put back; is the disk full?" >&2
    fi
}

# keep_whole_shortcut FILE: restores an empty folder entry of a Jellyfin library, because a scan would remove all items of
# that folder. The library's options also list its folders: the one that no other entry has is written. If there is none,
# the entry is removed.
keep_whole_shortcut() {
    keep_whole_found=$(LC_ALL=C awk '
        BEGIN {
            stem = ARGV[1]
            sub(/.*\//, "", stem)
            sub(/\.mblink$/, "", stem)
            for (i = 3; i < ARGC; i++) {
                if ((getline line < ARGV[i]) > 0 && line != "") taken[line] = 1
                else empty++
                close(ARGV[i])
            }
            while ((getline line < ARGV[2]) > 0)
                while (match(line, /<Path>\/[^<]*<\/Path>/)) {
                    path = substr(line, RSTART + 6, RLENGTH - 13)
                    line = substr(line, RSTART + RLENGTH)
                    gsub(/&lt;/, "<", path)
                    gsub(/&gt;/, ">", path)
                    gsub(/&amp;/, "\\&", path)
                    sub(/\/+$/, "", path)
                    if (path in taken) continue
                    free[++count] = path
                    # Jellyfin names an entry after its folder, without what follows a dot, and appends the digit 1 while
                    # the name is taken.
                    name = path
                    sub(/.*\//, "", name)
                    for (j = 0; j < 2; j++) {
                        if (found == "" && substr(stem, 1, length(name)) == name && substr(stem, length(name) + 1) ~ /^1*$/)
                            found = path
                        sub(/\.[^.]*$/, "", name)
                    }
                }
            if (found == "" && count == 1 && empty == 1) found = free[1]
            print found
            exit
        }
    ' "$1" "${1%/*}/options.xml" "${1%/*}"/*.mblink)
    if [ -z "$keep_whole_found" ]; then
        rm -f "$1" && last_good_sync "${1%/*}"
        echo "$keep_whole_name: $1 was empty, so it is removed: the next scan would have removed all items of its library." \
            "A run of the playbook restores its folder." >&2
    elif printf %s "$keep_whole_found" >"$1.whole" && last_good_sync "$1.whole" && mv "$1.whole" "$1"; then
        last_good_sync "${1%/*}"
        echo "$keep_whole_name: $1 was empty; its folder $keep_whole_found is back, from the library's options" >&2
    else
        rm -f "$1.whole"
        echo "$keep_whole_name: $1 is empty, and could not be written; is the disk full?" >&2
    fi
}

# keep_whole_copy FILE...: copies complete files that differ from their copies, with one sync for all, and removes copies of
# files that were removed.
keep_whole_copy() {
    keep_whole_bad=$(keep_whole_damaged "$@" 2>/dev/null)
    keep_whole_new=
    for keep_whole_file; do
        keep_whole_good=$keep_whole_store/${keep_whole_file#"$keep_whole_root"/}
        [ -f "$keep_whole_file" ] || continue
        if cmp -s "$keep_whole_file" "$keep_whole_good"; then continue; fi
        case "
$keep_whole_bad
" in *"
$keep_whole_file
"*) continue ;; esac
        if mkdir -p "${keep_whole_good%/*}" && cp -p "$keep_whole_file" "$keep_whole_good.new"; then
            keep_whole_new=yes
        else
            rm -f "$keep_whole_good.new"
            echo "$keep_whole_name: $keep_whole_file could not be copied; is the disk full?" >&2
        fi
    done
    if [ -n "$keep_whole_new" ]; then
        sync -f "$keep_whole_store" 2>/dev/null || sync
        find "$keep_whole_store" -type f -name '*.new' | while IFS= read -r keep_whole_file; do
            mv "$keep_whole_file" "${keep_whole_file%.new}"
        done
    fi
    find "$keep_whole_store" -type f | while IFS= read -r keep_whole_file; do
        keep_whole_own=$keep_whole_root/${keep_whole_file#"$keep_whole_store"/}
        [ -e "${keep_whole_own%.damaged}" ] || rm -f "$keep_whole_file"
    done
}
