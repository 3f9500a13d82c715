# SPDX-License-Identifier: GPL-3.0-or-later
"""What a household must find again after a restore, as rows that can be compared."""

from __future__ import annotations

import json
import shlex
from typing import Any

from contract import Household
from jellyfin import administrators_token, ask, log_in
from rpc import session

# Of files that no program writes at each start: Transmission writes its resume files, and Jellyfin its settings.
FOLDERS = ("config/transmission/torrents", "secrets")


def record(host: Any, household: Household, tokens: dict[str, str]) -> dict[str, Any]:
    """Return the rows by their subject. ``tokens``: of clients that have logged in before."""
    return {
        **of_jellyfin(household, tokens),
        "torrents": of_transmission(household),
        "public key": host.check_output("sh -c 'wg pubkey < /opt/mediaserver/gateway/private.key'"),
        "owners, modes, times": of_files(host, household),
        "links": links(host, household),
        "household's id": host.check_output("cat /opt/mediaserver/secrets/backup/household"),
    }


def of_jellyfin(household: Household, tokens: dict[str, str]) -> dict[str, Any]:
    token = administrators_token(household)
    users = {one["Name"]: one["Id"] for one in ask(household, "/Users", token=token)[1]}
    libraries = ask(household, "/Library/VirtualFolders", token=token)[1]
    marks = {}
    for name, user in users.items():
        query = f"userId={user}&recursive=true&includeItemTypes=Movie,Episode&enableUserData=true&fields=Path"
        found = ask(household, f"/Items?{query}", token=token)[1]["Items"]
        marks[name] = {one["Path"]: (one["Id"], one["UserData"]["Played"]) for one in found}
    return {
        "server id": ask(household, "/System/Info/Public")[1]["Id"],
        "libraries": {one["Name"]: (one["ItemId"], sorted(one["Locations"])) for one in libraries},
        "users": users,
        "items and watched marks": marks,
        "old tokens": {name: ask(household, "/Users/Me", token=one)[0] for name, one in tokens.items()},
        "passwords": log_in(household, "child", household["jellyfin_users"][0]["password"])[0],
    }


def of_transmission(household: Household) -> dict[str, Any]:
    fields = ["hashString", "name", "percentDone", "error", "downloadDir", "labels"]
    found = session(household, "torrent-get", {"fields": fields})["torrents"]
    return {one.pop("hashString"): one for one in found}


def of_files(host: Any, household: Household) -> list[str]:
    """Return type, mode, owner, time and target of links of files."""
    places = " ".join(shlex.quote(f"{household['mediaserver_root']}/{one}") for one in FOLDERS)
    form = shlex.quote("%P %y %m %U:%G %T@ %l\\n")
    text = host.check_output(f"find {places} -not -type d -printf {form}")
    return sorted(text.splitlines())


def links(host: Any, household: Household) -> dict[str, str]:
    """Return number of names and size of each file of the library: a link to its download is still one."""
    media = shlex.quote(household["mediaserver_media"])
    found = host.check_output(f"find {media} -type f -printf '%n %s %P\\n'")
    rows = (row.split(" ", 2) for row in found.splitlines())
    return {path: f"{names} names, {size} bytes" for names, size, path in rows}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the subjects that differ, each with both rows."""
    return [
        f"{name}: {json.dumps(before[name], default=str)} is {json.dumps(after.get(name), default=str)}"
        for name in before
        if before[name] != after.get(name)
    ]
