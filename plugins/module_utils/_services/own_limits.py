# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What an own service may not have: foreign folders, capabilities that open a barrier, secrets that are shown. Pure."""

from __future__ import annotations

import re
import typing as t

from .._core.docker import DOCKER_SOCKET
from .fault import Entry, Faults, Household
from .own import CONFIG, DATA, SECRETS, capability

# Capabilities that images need which start as root and change to another account. All others are refused.
ALLOWED = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETPCAP",
    "SETUID",
)
OPENS = re.compile(r"ALL|NET_ADMIN|NET_RAW|SYS_.*")
SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|JWT|PRIVATE_?KEY"
    r"|(API|APP|ACCESS|AUTH|ENCRYPTION|MASTER|SESSION|SIGNING)_?KEY|(^|_)(PASS|PW|PSK|SALT)$|_PWD$"
)
# Of a variable with such a name: a switch, a path, or a measure in the unit that its name ends with.
SWITCH_OR_PATH = re.compile(r"true|false|yes|no|on|off|enabled?|disabled?|none|/\S*", re.IGNORECASE)
MEASURE_NAME = re.compile(r".*_(TTL|LENGTH|SIZE|TIMEOUT|EXPIRY|EXPIRATION|DAYS|HOURS|MINUTES|SECONDS|ROUNDS)")
# Variables by which images read a secret from a file: Docker's own convention, and that of linuxserver.io.
BY_FILE = re.compile(r".*_FILE|FILE__.*")
SOCKET = re.compile(r".*/docker\.sock")
SOCKETS = (DOCKER_SOCKET, f"/var{DOCKER_SOCKET}")
# Where a container has something else; /config and /data are mounted there in any case.
TAKEN = (CONFIG, DATA, SECRETS, "/proc", "/sys", "/dev", "/etc", "/run")
# A secret that is shorter may be a word; inside of another text only longer ones are looked for.
SHORTEST_SECRET, SHORTEST_INSIDE = 4, 8
TAG = re.compile(r".*:(?P<tag>[^/:@]+)")


def faults(entry: Entry, household: Household) -> Faults:
    """Yield what a service of the right form may not have. ``household`` knows the secrets of all services."""
    yield from _image(entry)
    yield from _capabilities(entry)
    yield from _volumes(entry, household)
    yield from _secrets(entry, household)


def _image(entry: Entry) -> Faults:
    image = entry.fields["image"]
    if "@sha256:" in image:
        return
    tag = TAG.fullmatch(image)
    if tag is None or tag["tag"] == "latest":
        found = "it has the tag latest" if tag else "it has no tag, which means latest"
        remedy = "name the version, so that a new one does not come by itself"
        yield entry.fault("image", f"{image}: {found}", remedy, serious=False)


def _capabilities(entry: Entry) -> Faults:
    for given in entry.fields.get("capabilities", ()):
        name = capability(given)
        if OPENS.fullmatch(name):
            problem = f"{given} lets a service change the barriers, or send packets past them"
            yield entry.fault("capabilities", problem, "remove it; a service that needs it cannot run here")
        elif name not in ALLOWED:
            yield entry.fault("capabilities", f"{given} is not offered", f"use some of {', '.join(ALLOWED)}")


def _volumes(entry: Entry, household: Household) -> Faults:
    root, data = household.root, household.data
    config = f"{root}/config/{entry.name}"
    targets = {CONFIG, DATA}
    for number, volume in enumerate(entry.fields.get("volumes", ())):
        where, source, target = f"volumes[{number}]", volume["source"], volume["target"]
        if leads_to_socket(source):
            problem = f"{source} leads to Docker's socket, with which a service could start anything as root"
            yield entry.fault(f"{where}.source", problem, "remove it; no service gets Docker's socket")
        elif not any(_is_below(source, folder) for folder in (data, config) if folder):
            problem = f"{source} is neither below mediaserver_data ({data}) nor below {config}"
            yield entry.fault(f"{where}.source", problem, "name a folder below one of them")
        if any(_is_below(target, folder) for folder in TAKEN) or target in targets:
            problem = f"{target} is used in the container already"
            remedy = f"choose another folder; {CONFIG} is {config}, and {DATA} is {data}"
            yield entry.fault(f"{where}.target", problem, remedy)
        targets.add(target)


def leads_to_socket(source: str) -> bool:
    """Say whether a path is Docker's socket, or a folder in which it is."""
    return bool(SOCKET.fullmatch(source)) or any(_is_below(socket, source) for socket in SOCKETS)


def _is_below(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _secrets(entry: Entry, household: Household) -> Faults:
    known = {text: name for text, name in (household.secrets or {}).items() if len(text) >= SHORTEST_SECRET}
    remedy = (
        f"put it into secret_files; the service has the file below {SECRETS}, and most images take its path in"
        " NAME_FILE or FILE__NAME"
    )
    for name, text in entry.fields.get("environment", {}).items():
        if BY_FILE.fullmatch(name.upper()) and text.startswith(f"{SECRETS}/"):
            continue
        if source := _holds(text, known):
            yield entry.fault(f"environment.{name}", f"it holds the secret of {source}", remedy)
        elif is_secret_by_name(name.upper(), text):
            problem = "it is a secret by its name, and every environment is shown by `docker inspect`"
            yield entry.fault(f"environment.{name}", problem, remedy)
    for field, words in _commands(entry):
        if source := _holds(" ".join(words), known):
            remedy = f"read it from a file below {SECRETS}, and put it into secret_files"
            yield entry.fault(field, f"it holds the secret of {source}, and `docker inspect` shows it", remedy)


def is_secret_by_name(name: str, text: str) -> bool:
    """Return whether a variable of the environment holds a secret, as far as its name (in capitals) tells."""
    if not SECRET_NAME.search(name) or not text or SWITCH_OR_PATH.fullmatch(text):
        return False
    return not (MEASURE_NAME.fullmatch(name) and text.isdecimal())


def _holds(text: str, known: t.Mapping[str, str]) -> str:
    for secret, source in known.items():
        if text == secret or (len(secret.strip()) >= SHORTEST_INSIDE and secret.strip() in text):
            return source
    return ""


def _commands(entry: Entry) -> t.Iterator[tuple[str, list[str]]]:
    test = (entry.fields.get("healthcheck") or {}).get("test", "")
    yield "healthcheck.test", [test] if isinstance(test, str) else list(test)
    yield "forwarded_port.command", list((entry.fields.get("forwarded_port") or {}).get("command", ()))
