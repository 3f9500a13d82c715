# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The preflight checks of a household's own services.

``preflight_registry`` is what the data file of the services says; ``preflight_secrets`` has the texts of secret values.
"""

from __future__ import annotations

import typing as t

from .._core.obstacles import DOCKER_PROXY
from .._services import ways
from .._services.fault import VARIABLE, Household
from .._services.project import project
from .._services.validate import faults
from .host import DOCKER_FILE
from .ownership import PROJECT
from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
    warning,
)
from .stack import listener

ROOT = "data-root"
# Docker's own folder where no setting names another, and the folder of its socket.
DOCKER_ROOT, SOCKETS = "/var/lib/docker", "/run"


def household(settings: Settings) -> Household:
    found = project(settings["preflight_registry"], settings)
    return Household(
        found,
        root=str(settings.get("mediaserver_root", "")),
        data=str(settings.get("mediaserver_data", "")),
        bind_address=str(settings.get("mediaserver_bind_address", ways.EVERY_ADDRESS)),
        natpmp=bool(settings.get("gateway_natpmp")),
        forwarded_port=int(settings.get("gateway_peer_port_forwarded") or 0),
        torrent_port=int(settings.get("transmission_peer_port") or 0),
        secrets=settings.get("preflight_secrets") or {},
    )


def check_own_services(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    if not settings.get(VARIABLE) or "preflight_registry" not in settings:
        return
    known = household(settings)
    for fault in faults(settings[VARIABLE], known):
        yield (problem if fault.serious else warning)(fault.place, fault.problem, fault.remedy)
    yield from _check_exposed(facts, settings, known)
    yield from _check_sources(facts, settings, known)
    if found := ways.ways(known.project):
        yield from _check_proxy(facts, settings)
        yield from _check_listening(facts, known, found)


def _check_proxy(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Without its proxy, Docker would drop the packets between two of its bridges."""
    options = settings.get("docker_daemon_options")
    wanted = options.get(DOCKER_PROXY) if isinstance(options, t.Mapping) else None
    why = "services cannot reach each other over the host, as `reaches` asks for"
    remedy = f"remove {DOCKER_PROXY}, or all reaches"
    if wanted is False:
        yield problem(f"docker_daemon_options.{DOCKER_PROXY}", f"it is false: {why}", remedy)
    for place in facts.get("docker_proxy_off") or []:
        # The role docker writes what the household wants into the file.
        if wanted is None or "command line" in place:
            yield problem("docker", f"found {place}: {why}", remedy)


def _check_exposed(facts: Facts, settings: Settings, known: Household) -> t.Iterator[Problem]:
    """Every own service can write everything below the data, so nothing of the collection or of Docker may be there."""
    wanted, present = _options(facts, settings)
    folders = {
        "mediaserver_root": known.root,
        "mediaserver_state": str(settings.get("mediaserver_state") or ""),
        f"{'docker_daemon_options' if ROOT in wanted else DOCKER_FILE}: {ROOT}": str(
            {**present, **wanted}.get(ROOT) or DOCKER_ROOT
        ),
        "mediaserver_data": SOCKETS,
    }
    data = _real(facts, known.data)
    for place, folder in folders.items():
        if folder and f"{_real(facts, folder)}/".startswith(f"{data}/"):
            yield problem(
                place,
                f"{folder} is in mediaserver_data ({known.data}), where every own service can write",
                "choose a mediaserver_data that has the data alone, or remove mediaserver_extra_services",
            )


def _options(facts: Facts, settings: Settings) -> tuple[t.Mapping[str, t.Any], t.Mapping[str, t.Any]]:
    """Return Docker's settings as the household wants them, and as the file has them now."""
    both = settings.get("docker_daemon_options"), (facts.get("docker_file") or {}).get("settings")
    wanted, present = (value if isinstance(value, t.Mapping) else {} for value in both)
    return wanted, present


def _check_sources(facts: Facts, settings: Settings, known: Household) -> t.Iterator[Problem]:
    """Docker follows a link to wherever it leads, and makes no folder."""
    for one in known.own:
        for volume in one.volumes[2:]:
            real = (facts.get("resolved") or {}).get(volume.source)
            roots = (f"{_real(facts, known.root)}/config/{one.name}/", f"{_real(facts, known.data)}/")
            if real and not f"{real}/".startswith(roots):
                yield problem(
                    VARIABLE,
                    f"{one.name}: {volume.source} is a link to {real}, outside the data and its own configuration",
                    "name the folder itself, and move it there",
                )
            elif real == "" and not volume.source.startswith(f"{known.root}/"):
                # On a new host the role storage makes folders of the data, or mounts the disk that has them.
                tell = problem if settings.get("preflight_installed") else warning
                yield tell(
                    VARIABLE,
                    f"{one.name}: {volume.source} does not exist",
                    f"make it, or leave the volume out: the service has {known.data} at /data",
                )


def _real(facts: Facts, folder: str) -> str:
    entry = (facts.get("folder_entries") or {}).get(folder) or {}
    return str((facts.get("resolved") or {}).get(folder) or entry.get("real") or folder)


def _check_listening(facts: Facts, known: Household, found: t.Iterable[ways.Way]) -> t.Iterator[Problem]:
    """Published ports are judged with all others."""
    reached = {way.port: way.target.name for way in found if way.port not in known.project.published_ports}
    for entry in facts.get("ports_listening", []):
        if entry["port"] in reached and entry.get("project") != PROJECT:
            name = reached[entry["port"]]
            yield problem(
                VARIABLE,
                f"other services reach {name} at port {entry['port']} of the host, which is taken by {listener(entry)}",
                f"stop or remove that, or have {name} listen at another port",
            )


def secret_texts(settings: Settings, specs: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Return the texts of all variables that the specs mark as secret, with the variables' names."""
    found: dict[str, str] = {}
    for name, spec in specs.items():
        if name != VARIABLE:
            found |= _secret_texts(name, settings.get(name), spec)
    tunnel = settings.get("tunnel") or {}
    keys = [tunnel.get("private_key"), *(peer.get("preshared_key") for peer in tunnel.get("peers") or ())]
    return found | {str(key): "the tunnel's configuration" for key in keys if key}


def _secret_texts(name: str, value: t.Any, spec: t.Mapping[str, t.Any]) -> dict[str, str]:
    if isinstance(value, str):
        return {value: name} if spec.get("no_log") and value.strip() else {}
    found: dict[str, str] = {}
    if isinstance(value, list):
        for item in value:
            found |= _secret_texts(name, item, {"options": spec.get("options"), "no_log": spec.get("no_log")})
    elif isinstance(value, t.Mapping):
        for key, option in (spec.get("options") or {}).items():
            found |= _secret_texts(f"{name}.{key}", value.get(key), option)
    return found
