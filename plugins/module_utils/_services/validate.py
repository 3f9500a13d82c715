# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Refuses own services (mediaserver_extra_services) that cannot work, or that would open a barrier. Pure.

Every fault of every service is named at once. Fields are judged by their form first: the other checks see a service
only where its form is right.
"""

from __future__ import annotations

import collections
import difflib
import re
import typing as t
from dataclasses import replace

from .._core.errors import InvalidValue
from . import own, own_forms, own_limits, own_ways
from .env import image_name
from .fault import VARIABLE, Entry, Fault, Faults, Household
from .model import LAN_NETWORK
from .registry import env_name

# A host name (RFC 1123), because other services use it as one; the longest container's name is the prefix and 31 more.
NAME = re.compile(r"[a-z]([a-z0-9-]{0,29}[a-z0-9])?")
# Names that mean something else in a container's /etc/hosts, in the compose file, or beside the project's containers.
RESERVED = {"localhost", "host", LAN_NETWORK, "default", "none", "bridge"}
RESERVED_PREFIX = "claim"  # mediaserver-claim-jellyfin-1 is the container of Jellyfin's first-run wizard
SIMILAR = 0.6

# Fields of compose that a household may look for here: why it cannot set them, and what to do.
ISOLATION = "it would open both barriers and the host to the service"
INSTEAD = {
    "privileged": (ISOLATION, "remove it, and name the capabilities that the image's documentation asks for"),
    "network_mode": ("its network follows from `namespace`", "write namespace: vpn or namespace: lan"),
    "networks": ("its network follows from `namespace`", "write namespace: vpn or namespace: lan"),
    "pid": (f"a foreign process namespace: {ISOLATION}", "remove it"),
    "ipc": (f"a foreign IPC namespace: {ISOLATION}", "remove it"),
    "uts": (f"a foreign host name's namespace: {ISOLATION}", "remove it"),
    "userns_mode": (f"the host's user namespace: {ISOLATION}", "remove it"),
    "cgroup": (f"the host's cgroup namespace: {ISOLATION}", "remove it"),
    "security_opt": (ISOLATION, "remove it"),
    "devices": ("own services get no devices of the host", "remove it"),
    "sysctls": ("the namespace's kernel settings are the holder's", "remove it"),
    "cap_add": ("it is not a field here", "write capabilities"),
    "ports": ("it is not a field here", "write port (in the container) and published_port (of the host)"),
    "secrets": ("it is not a field here", "write secret_files"),
    "mem_limit": ("it is not a field here", "write memory"),
    "env_file": ("it is not a field here", "write environment, and secret_files for what is secret"),
    "extra_hosts": ("it follows from `reaches`", "write reaches"),
    "depends_on": ("a service in the VPN namespace waits for the namespace, the others start at once", "remove it"),
    "entrypoint": ("an own service starts as its image says", "remove it, or make an image that starts as you need"),
    "command": ("an own service starts as its image says", "remove it, or make an image that starts as you need"),
}


def faults(listed: t.Any, household: Household) -> Faults:
    """Yield all that is wrong with a household's own services."""
    if not isinstance(listed, (list, tuple)):
        yield Fault(VARIABLE, "it is not a list", "begin each service with a dash, as docs/own-services.md shows")
        return
    entries = []
    for index, fields in enumerate(listed):
        if isinstance(fields, t.Mapping):
            entries.append(Entry(index, str(fields.get("name") or ""), fields))
        else:
            place = f"{VARIABLE}[{index}]"
            yield Fault(place, "it is not a mapping", "write name, image and the other fields below one dash")
    yield from _names(entries, household)
    sound = []
    for entry in entries:
        found = [*_unknown(entry), *own_forms.faults(entry)]
        yield from found
        if not any(one.serious for one in found):
            sound.append(entry)
    household = replace(household, secrets={**(household.secrets or {}), **_secrets(sound)})
    for entry in sound:
        yield from own_limits.faults(entry, household)
    yield from own_ways.faults(sound, household)


def _secrets(entries: t.Iterable[Entry]) -> dict[str, str]:
    """Return the texts of all own services' secrets, with their places."""
    return {
        text: entry.place(f"secret_files.{name}")
        for entry in entries
        for name, text in (entry.fields.get("secret_files") or {}).items()
    }


def require(listed: t.Any, household: Household) -> None:
    """Raise InvalidValue for the first fault that is serious: nothing that is refused may become a container."""
    for fault in faults(listed, household):
        if fault.serious:
            raise InvalidValue(f"{fault.place}: {fault.problem}; {fault.remedy}")


def _names(entries: t.Sequence[Entry], household: Household) -> Faults:
    registered = {one.name: one for one in household.registry.services}
    times = collections.Counter(entry.name for entry in entries)
    taken = _env_lines(household)
    for entry in entries:
        name = entry.name
        if not name:
            yield entry.fault("name", "it has no name", "give it one, such as sonarr")
        elif not isinstance(entry.fields["name"], str) or not NAME.fullmatch(name):
            expected = "lower-case letters, digits and hyphens inside, beginning with a letter, 31 at most"
            yield entry.fault("name", f"{entry.fields['name']!r} is not a usable name", f"use {expected}")
        elif name in registered:
            yield entry.fault("name", "a service of the collection has this name", "choose another name")
        elif name in RESERVED or name == RESERVED_PREFIX or name.startswith(f"{RESERVED_PREFIX}-"):
            yield entry.fault("name", "this name is used by the collection for something else", "choose another name")
        elif times[name] > 1:
            yield entry.fault("name", f"{times[name]} own services have this name", "give each a name of its own")
        elif clash := taken & {f"{env_name(name)}_IMAGE", f"{env_name(name)}_PORT"}:
            yield entry.fault("name", f"its line {clash.pop()} of .env is another one's", "choose another name")


def _env_lines(household: Household) -> set[str]:
    """Return the lines of .env that the collection writes for its own services, also for those left out."""
    registry = household.registry
    lines = {*registry.env, *registry.env_order}
    for one in registry.services:
        lines |= {image_name(one), *one.env, *(port.env for port in one.ports)}
    return lines


def _unknown(entry: Entry) -> Faults:
    for field in map(str, entry.fields):
        if field in own.FIELDS:
            continue
        if field in INSTEAD:
            why, remedy = INSTEAD[field]
            yield entry.fault(field, why, remedy)
            continue
        similar = difflib.get_close_matches(field, sorted(own.FIELDS), n=1, cutoff=SIMILAR)
        remedy = f"write {similar[0]}" if similar else f"use some of {', '.join(sorted(own.FIELDS))}"
        yield entry.fault(field, "there is no field of this name", remedy)
