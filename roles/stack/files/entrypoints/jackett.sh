#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Jackett discards a file that is truncated or has a value of a wrong type, and starts without a password.
set -eu

. /entrypoints/last-good.sh
. /entrypoints/keep-whole.sh
. /entrypoints/namespace.sh

# A check: as Jackett writes the file, with one field in a line, each of its type, and a password.
is_claimed() {
    is_json_object "$1" && LC_ALL=C awk '
        function is(names, what, list, n) {
            n = split(names, list, " ")
            while (n) type[list[n--]] = what
        }
        function bad(why) {
            if (!failed) print why
            failed = 1
        }
        BEGIN {
            is("port flaresolverrmaxtimeout proxytype", "int")
            is("cachettl cachemaxresultsperindexer", "long")
            is("proxyport", "int or null")
            is("allowexternal allowcors updatedisabled updateprerelease cacheenabled proxyisanonymous", "bool")
            is("localbindaddress blackholedir basepathoverride baseurloverride flaresolverrurl", "text")
            is("omdbapikey omdbapiurl proxyurl proxyusername proxypassword", "text")
            is("apikey instanceid", "key")
            is("adminpassword", "hash")
            fits["int"] = "^-?[0-9]+$"
            fits["long"] = "^-?[0-9]+$"
            fits["int or null"] = "^(-?[0-9]+|null)$"
            fits["bool"] = "^(true|false)$"
            fits["text"] = "^(\".*\"|null)$"
            fits["key"] = "^\"[^\"\\\\]*[^\"\\\\ ][^\"\\\\]*\"$"
            fits["hash"] = "^\"[0-9a-f]+\"$"
        }
        NR == 1 && $0 == "{" { next }
        $0 == "}" { next }
        inside && (/^    / || /^  []}],?$/) { inside = /^    /; next }
        !/^  "[^"\\]*": ./ { bad("is not as Jackett writes it in line " NR); next }
        {
            value = substr($0, 4)
            name = tolower(substr(value, 1, index(value, "\"") - 1))
            value = substr(value, index(value, "\"") + 3)
            sub(/,$/, "", value)
            inside = value ~ /^[[{]$/
            if (!inside && value !~ /^("([^"\\]|\\.)*"|[^"]*)$/) bad("has more than one field in line " NR)
            if (name in seen) bad("has a field twice in line " NR)
            seen[name]
            if (!(name in type)) next
            what = type[name]
            if (value !~ fits[what]) bad("has a value of the wrong type in line " NR)
            digits = value
            sub(/^-/, "", digits)
            if (what ~ /^int/ && value != "null" && digits + 0 > 2147483647) bad("has a number that is too large in line " NR)
            if (what == "long" && length(digits) > 18) bad("has a number that is too large in line " NR)
            if (what == "hash" && length(value) != 130) bad("has no password")
        }
        END {
            if (!("apikey" in seen && "instanceid" in seen)) bad("has no key")
            if (!("adminpassword" in seen)) bad("has no password")
            exit failed
        }
    ' "$1"
}

last_good jackett /config/Jackett/ServerConfig.json is_claimed
# Indexers, and the keys that decrypt their passwords.
keep_whole jackett /config/Jackett /config/Jackett/Indexers/*.json /config/Jackett/DataProtection/*.xml ||
    echo "jackett: the indexers could not be copied" >&2
until_barred jackett
# The program itself, as the service account, because the image's own entry point needs root. Updates come as a new image.
exec /app/Jackett/jackett --NoUpdates
