# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that are broken by hand, and what a run must say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import playbook
from contract import Household, name_of
from jellyfin import administrators_token, ask
from rpc import session

# Changes a key of a JSON file in place, as somebody with an editor does: file, key, value.
EDIT = (
    'python3 -c "import json,sys;p,k,v=sys.argv[1:];d=json.load(open(p));'
    "d[k]=json.loads(v);open(p,'w').write(json.dumps(d))\""
)
# The daemon writes this file when it stops, so a hand that means it stops the daemon first.
WHILE_STOPPED = " && ".join(
    (
        f"docker stop {name_of('transmission')}",
        f"{EDIT} {{config}}/settings.json message-level 5",
        f"docker start {name_of('transmission')}",
    )
)
JOURNAL = "/etc/systemd/journald.conf.d/60-mediaserver.conf"


@dataclass(frozen=True)
class Drift:
    """One thing broken: its name, a shell command or function that breaks it, and what a run must find."""

    name: str
    breaking: str | Callable[[Household], object]
    finding: str


JACKETT = "{root}/config/jackett/Jackett/ServerConfig.json"
# In its own form, in which the check before each start wants it.
JACKETT_WHILE_STOPPED = " && ".join(
    (
        f"docker stop {name_of('jackett')}",
        f'sed -i \'s/"CacheTtl": [0-9]*/"CacheTtl": 7/\' {JACKETT}',
        f"docker start {name_of('jackett')}",
    )
)


def slow_down(house: Household) -> None:
    session(house, "session-set", {"speed-limit-down": 7})


def look_seldom(house: Household) -> None:
    token = administrators_token(house)
    settings = ask(house, "/System/Configuration", token=token)[1]
    assert ask(house, "/System/Configuration", token=token, body={**settings, "LibraryMonitorDelay": 77})[0] == 204


def stop_watching(house: Household) -> None:
    token = administrators_token(house)
    libraries = ask(house, "/Library/VirtualFolders", token=token)[1]
    (movies,) = (one for one in libraries if one["Name"] == "Movies")
    changed = {"Id": movies["ItemId"], "LibraryOptions": {**movies["LibraryOptions"], "EnableRealtimeMonitor": False}}
    assert ask(house, "/Library/VirtualFolders/LibraryOptions", token=token, body=changed)[0] == 204


def see_everything(house: Household) -> None:
    token = administrators_token(house)
    (child,) = (one for one in ask(house, "/Users", token=token)[1] if one["Name"] == "child")
    policy = {**child["Policy"], "EnableAllFolders": True}
    assert ask(house, f"/Users/{child['Id']}/Policy", token=token, body=policy)[0] == 204


# {root}, {config}, {media} and {user} stand for the household's values.
TABLE = (
    # First, because it would put things right before anybody looks.
    Drift("a stopped monitor", "systemctl stop vpn-monitor", "vpn-monitor.service is started"),
    Drift("a file's mode", "chmod 0600 {root}/lib/mediaserver/files.py", "{root}/lib/mediaserver/files.py"),
    Drift("a live sysctl", "sysctl -qw fs.inotify.max_user_instances=300", "fs.inotify.max_user_instances=512"),
    Drift(
        "a sysctl file",
        "sed -i /inotify/d /etc/sysctl.d/60-mediaserver.conf",
        "/etc/sysctl.d/60-mediaserver.conf",
    ),
    Drift(
        "a unit file",
        "sed -i s/TimeoutStopSec=.*/TimeoutStopSec=1/ /etc/systemd/system/mediaserver.service",
        "/etc/systemd/system/mediaserver.service",
    ),
    Drift(
        "a rule of the inner barrier's file",
        "sed -i s/drop/accept/ {root}/gateway/run/holder/inner.nft",
        "file {root}/gateway/run/holder/inner.nft is written",
    ),
    Drift("a setting changed by RPC", slow_down, "speed-limit-down"),
    Drift("a setting that only the file has", WHILE_STOPPED, "message-level"),
    Drift("a setting of Jackett", JACKETT_WHILE_STOPPED, "CacheTtl"),
    Drift("a setting of Jellyfin", look_seldom, "system.LibraryMonitorDelay"),
    Drift("a library's option", stop_watching, "Movies.options.EnableRealtimeMonitor"),
    Drift("a member's libraries", see_everything, "child.policy.EnableAllFolders"),
    Drift("a stopped container", "docker stop mediaserver-wireguard-1", "container mediaserver-wireguard-1"),
    Drift("a removed directory", "rmdir {media}/misc", "{media}/misc"),
    Drift("the private key's mode", "chmod 0644 {root}/gateway/private.key", "{root}/gateway/private.key"),
    Drift("a line of compose.yml", "sed -i 1d {root}/compose.yml", "{root}/compose.yml"),
    Drift("a group too many", "usermod -aG games {user}", "Create the service account"),
    Drift("the journal's limits", f"sed -i s/MaxUse=.*/MaxUse=9G/ {JOURNAL}", JOURNAL),
    Drift("a line of an entry point", "echo '# x' >> {root}/entrypoints/vpn.sh", "{root}/entrypoints/vpn.sh"),
    Drift(
        "a unit that no longer starts at boot",
        "systemctl disable mediaserver-barrier",
        "Load the outer barrier",
    ),
)


# Broken in a round of its own: repairing the first restarts the engine, and with it whatever else was broken.
PULLING_OTHERS_ALONG = (
    Drift("a key of daemon.json", EDIT + " /etc/docker/daemon.json live-restore true", "/etc/docker/daemon.json"),
    Drift(
        "what compose does",
        "sed -i s/service_healthy/service_started/ {root}/compose.yml",
        "{root}/compose.yml",
    ),
    Drift("a line of .env", "sed -i s/^TZ=.*/TZ=EST5EDT/ {root}/.env", "{root}/.env"),
)


def words(house: Household) -> dict[str, str]:
    root = house["mediaserver_root"]
    return {
        "root": root,
        "config": f"{root}/config/transmission",
        "media": house["mediaserver_media"],
        "user": house["mediaserver_user"],
    }


def break_by_hand(host: Any, house: Household, drift: Drift) -> None:
    if isinstance(drift.breaking, str):
        command = drift.breaking
        for word, value in words(house).items():
            command = command.replace("{" + word + "}", value)
        done = host.run(command)
        assert done.rc == 0, f"{drift.name} could not be broken: {done.stderr}"
    else:
        drift.breaking(house)


def findings(run: playbook.Run) -> set[str]:
    """Name every single thing that a run changed or would change."""
    return {finding for task in run.changed for finding in _findings(task)}


def _findings(task: playbook.Task) -> list[str]:
    result = task.result
    if "paths" in result:
        return list(result["paths"])
    if result.get("changes"):
        return list(result["changes"])
    if "actions" in result:
        return sorted({f"container {action['id'].split()[-1]}" for action in result["actions"]})
    command = result.get("cmd") or []
    if command[:2] == ["sysctl", "-w"]:
        return list(command[2:])
    if result.get("stdout_lines"):
        return list(result["stdout_lines"])
    return [task.name.rsplit(" : ", 1)[-1]]
