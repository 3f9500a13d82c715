# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual changes on a household, and the finding that a run must report for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import playbook
from contract import Household, name_of
from jellyfin import administrators_token, ask
from rpc import session

# Sets a key of a JSON file in place: file, key, value.
EDIT = (
    'python3 -c "import json,sys;p,k,v=sys.argv[1:];d=json.load(open(p));'
    "d[k]=json.loads(v);open(p,'w').write(json.dumps(d))\""
)
# While the daemon is stopped, because it overwrites this file at its end.
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
    """One manual change: its name, the shell command or function, and the finding of a run."""

    name: str
    change: str | Callable[[Household], object]
    finding: str


JACKETT = "{root}/config/jackett/Jackett/ServerConfig.json"
# In the file's own format, which the entry point checks before each start.
JACKETT_WHILE_STOPPED = " && ".join(
    (
        f"docker stop {name_of('jackett')}",
        f'sed -i \'s/"CacheTtl": [0-9]*/"CacheTtl": 7/\' {JACKETT}',
        f"docker start {name_of('jackett')}",
    )
)


def limit_speed(household: Household) -> None:
    session(household, "session-set", {"speed-limit-down": 7})


def raise_monitor_delay(household: Household) -> None:
    token = administrators_token(household)
    settings = ask(household, "/System/Configuration", token=token)[1]
    assert ask(household, "/System/Configuration", token=token, body={**settings, "LibraryMonitorDelay": 77})[0] == 204


def disable_realtime_monitor(household: Household) -> None:
    token = administrators_token(household)
    libraries = ask(household, "/Library/VirtualFolders", token=token)[1]
    (movies,) = (one for one in libraries if one["Name"] == "Movies")
    changed = {"Id": movies["ItemId"], "LibraryOptions": {**movies["LibraryOptions"], "EnableRealtimeMonitor": False}}
    assert ask(household, "/Library/VirtualFolders/LibraryOptions", token=token, body=changed)[0] == 204


def enable_all_folders(household: Household) -> None:
    token = administrators_token(household)
    (child,) = (one for one in ask(household, "/Users", token=token)[1] if one["Name"] == "child")
    policy = {**child["Policy"], "EnableAllFolders": True}
    assert ask(household, f"/Users/{child['Id']}/Policy", token=token, body=policy)[0] == 204


# {root}, {config}, {media} and {user} are replaced by the household's values.
TABLE = (
    # First, because vpn-monitor would repair other changes before the run.
    Drift("a stopped monitor", "systemctl stop vpn-monitor", "vpn-monitor.service is started"),
    Drift("a file's mode", "chmod 0600 {root}/lib/mediaserver/_core/files.py", "{root}/lib/mediaserver/_core/files.py"),
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
    Drift("a setting changed by RPC", limit_speed, "speed-limit-down"),
    Drift("a setting that only the file has", WHILE_STOPPED, "message-level"),
    Drift("a setting of Jackett", JACKETT_WHILE_STOPPED, "CacheTtl"),
    Drift("a setting of Jellyfin", raise_monitor_delay, "system.LibraryMonitorDelay"),
    Drift("a library's option", disable_realtime_monitor, "Movies.options.EnableRealtimeMonitor"),
    Drift("a member's libraries", enable_all_folders, "child.policy.EnableAllFolders"),
    Drift("a stopped container", "docker stop mediaserver-wireguard-1", "container mediaserver-wireguard-1"),
    Drift("a removed directory", "rmdir {media}/misc", "{media}/misc"),
    Drift("the private key's mode", "chmod 0644 {root}/gateway/private.key", "{root}/gateway/private.key"),
    Drift("a line of compose.yml", "sed -i 1d {root}/compose.yml", "{root}/compose.yml"),
    Drift("an additional group", "usermod -aG games {user}", "Create the service account"),
    Drift("the journal's limits", f"sed -i s/MaxUse=.*/MaxUse=9G/ {JOURNAL}", JOURNAL),
    Drift("a line of an entry point", "echo '# x' >> {root}/entrypoints/vpn.sh", "{root}/entrypoints/vpn.sh"),
    Drift(
        "a line of Transmission's script",
        "echo '# x' >> {root}/entrypoints/torrent-done.sh",
        "{root}/entrypoints/torrent-done.sh",
    ),
    Drift("a setting of the import", EDIT + " {root}/import.json ignore []", "{root}/import.json"),
    Drift("a stopped timer of the import", "systemctl stop mediaserver-import.timer", "Start the import"),
    Drift(
        "a unit that no longer starts at boot",
        "systemctl disable mediaserver-barrier",
        "Load the outer barrier",
    ),
)


# Tested separately: the repair of the first restarts Docker, and with it all other changes.
WITH_CONSEQUENCES = (
    Drift("a key of daemon.json", EDIT + " /etc/docker/daemon.json live-restore true", "/etc/docker/daemon.json"),
    Drift(
        "a dependency in compose.yml",
        "sed -i s/service_healthy/service_started/ {root}/compose.yml",
        "{root}/compose.yml",
    ),
    Drift("a line of .env", "sed -i s/^TZ=.*/TZ=EST5EDT/ {root}/.env", "{root}/.env"),
)


def values(household: Household) -> dict[str, str]:
    root = household["mediaserver_root"]
    return {
        "root": root,
        "config": f"{root}/config/transmission",
        "media": household["mediaserver_media"],
        "user": household["mediaserver_user"],
    }


def apply(host: Any, household: Household, drift: Drift) -> None:
    if isinstance(drift.change, str):
        command = drift.change
        for name, value in values(household).items():
            command = command.replace("{" + name + "}", value)
        done = host.run(command)
        assert done.rc == 0, f"{drift.name} could not be applied: {done.stderr}"
    else:
        drift.change(household)


def findings(run: playbook.Run) -> set[str]:
    """Return everything that a run has changed or would change."""
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
