# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The form of each field of a household's own service: types, texts, numbers. Pure.

What fits here has a normal form, and can be written into a compose file as it is.
"""

from __future__ import annotations

import re
import typing as t

from .fault import Entry, Fault, Faults

PATH = re.compile(r"/[A-Za-z0-9._@+-]+(/[A-Za-z0-9._@+-]+)*")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*[A-Za-z0-9]")
USER = re.compile(r"[0-9]{1,9}(:[0-9]{1,9})?")
MEMORY = re.compile(r"[1-9][0-9]*[kmg]b?", re.IGNORECASE)
DURATION = re.compile(r"([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?")
DURATIONS = ("interval", "timeout", "start_period", "start_interval")
TESTS = ("CMD", "CMD-SHELL")
QUOTES = 'put it in quotes ("..."), because YAML reads 022 as 18 and NO as false'
PORTS = "use a number from 1 to 65535"
LEAST_MEMORY = 6 << 20  # Docker's own minimum
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def faults(entry: Entry) -> Faults:
    """Yield what is wrong with the form of a service's fields; unknown fields are judged elsewhere."""
    if "image" not in entry.fields:
        yield entry.fault("image", "it is not set", "name the image as its documentation does, with a tag")
    for field, value in entry.fields.items():
        if field in CHECKS and value is None:
            yield entry.fault(field, "it is left blank", "give it a value, or remove the line")
        elif field in CHECKS:
            yield from CHECKS[field](entry, value)


def is_text(value: t.Any) -> bool:
    """Say whether a value is one that a compose file can hold: a text without control characters."""
    return isinstance(value, str) and all(sign.isprintable() or sign in "\t\n" for sign in value)


def _text(form: re.Pattern[str], expected: str) -> t.Callable[[str], t.Callable[[Entry, t.Any], Faults]]:
    def of(field: str) -> t.Callable[[Entry, t.Any], Faults]:
        def check(entry: Entry, value: t.Any) -> Faults:
            if not isinstance(value, str) or not form.fullmatch(value):
                yield entry.fault(field, f"{value!r} cannot be used", expected)

        return check

    return of


def _namespace(entry: Entry, value: t.Any) -> Faults:
    if value not in ("vpn", "lan"):
        yield entry.fault("namespace", f"{value!r} is not a namespace", "write vpn (its way out is the tunnel) or lan")


def _port(field: str) -> t.Callable[[Entry, t.Any], Faults]:
    def check(entry: Entry, value: t.Any) -> Faults:
        if not is_port(value):
            yield entry.fault(field, f"{value!r} is not a port", PORTS)
        elif field == "published_port" and "port" not in entry.fields:
            yield entry.fault(field, "port is not set", "write in port where the service listens in its container")

    return check


def is_port(value: t.Any) -> bool:
    digits = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return digits.isascii() and digits.isdecimal() and 0 < int(digits) < 65536


def _environment(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, t.Mapping):
        yield entry.fault("environment", "it is not a mapping", "write NAME: value, one to a line, without a dash")
        return
    for name, text in value.items():
        where = f"environment.{name}"
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            yield entry.fault("environment", f"{name!r} is not the name of a variable", "use letters, digits and _")
        elif not isinstance(text, str):
            yield entry.fault(where, "it is a text, and YAML has read something else", QUOTES)
        elif not is_text(text):
            yield entry.fault(where, "it holds a control character", "write printable characters only")


def _secret_files(entry: Entry, value: t.Any) -> Faults:
    """Contents are never shown."""
    if not isinstance(value, t.Mapping):
        yield entry.fault("secret_files", "it is not a mapping", "write file_name: its content, from the vault")
        return
    for name, text in value.items():
        if not isinstance(name, str) or not FILE.fullmatch(name):
            yield entry.fault("secret_files", f"{name!r} is not the name of a file", "use letters, digits, - . and _")
        elif not isinstance(text, str):
            yield entry.fault(f"secret_files.{name}", "it is a text, and YAML has read something else", QUOTES)
        elif not text.strip():
            yield entry.fault(f"secret_files.{name}", "it is empty", "give it its content, in the vault")


def _volumes(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, list):
        yield entry.fault("volumes", "it is not a list", "begin each volume with a dash")
        return
    for number, one in enumerate(value):
        where = f"volumes[{number}]"
        if not isinstance(one, t.Mapping):
            remedy = "write {source: /folder/of/the/host, target: /in/the/container}"
            yield entry.fault(where, f"{one!r} is not a mapping", remedy)
            continue
        for key in [key for key in one if key not in ("source", "target", "read_only")]:
            yield entry.fault(where, f"there is no field {key!r}", "use source, target and read_only")
        for key in ("source", "target"):
            path = one.get(key)
            if not is_path(path):
                expected = "write an absolute path of letters, digits, - . _ @ and +, without . or .. as a folder"
                yield entry.fault(f"{where}.{key}", f"{path!r} cannot be used", expected)
        if not isinstance(one.get("read_only", False), bool):
            yield entry.fault(f"{where}.read_only", f"{one['read_only']!r} cannot be used", "write true or false")


def is_path(path: t.Any) -> bool:
    """Say whether a path leads where it seems to: absolute, in its shortest form, of harmless characters."""
    return isinstance(path, str) and bool(PATH.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def _capabilities(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        yield entry.fault("capabilities", f"{value!r} is not a list of names", "write it like [CHOWN, SETUID, SETGID]")


def _healthcheck(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, t.Mapping):
        yield entry.fault("healthcheck", "it is not a mapping", "write test, and interval and others if you need them")
        return
    for key in [key for key in value if key not in ("test", "retries", *DURATIONS)]:
        known = ", ".join(("test", "retries", *DURATIONS))
        yield entry.fault("healthcheck", f"there is no field {key!r}", f"use some of {known}")
    test = value.get("test")
    if isinstance(test, list) and (not test or test[0] not in TESTS or len(test) < 2):
        remedy = "begin the list with CMD (a program and its arguments) or CMD-SHELL, or write the command as a text"
        yield entry.fault("healthcheck.test", f"{test!r} cannot be used", remedy)
    elif not _is_command(test if isinstance(test, list) else [test]):
        yield entry.fault("healthcheck.test", f"{test!r} cannot be used", "write the command as a text")
    for key in DURATIONS:
        text = value.get(key, "1s")
        if not isinstance(text, str) or not text or not DURATION.fullmatch(text):
            yield entry.fault(f"healthcheck.{key}", f"{text!r} is not a duration", "write it like 30s or 1m30s")
    retries = value.get("retries", 1)
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 1:
        yield entry.fault("healthcheck.retries", f"{retries!r} cannot be used", "use 1 or more")


def _is_command(words: t.Sequence[t.Any]) -> bool:
    return bool(words) and all(is_text(word) and word for word in words)


def _memory(entry: Entry, value: t.Any) -> Faults:
    text = str(value)
    if not isinstance(value, str) or not MEMORY.fullmatch(text):
        yield entry.fault("memory", f"{value!r} cannot be used", "write it like 512m or 1g")
    elif int(re.sub(r"\D", "", text)) * UNITS[text.lower().removesuffix("b")[-1]] < LEAST_MEMORY:
        yield entry.fault("memory", f"{text} is less than Docker takes", "use 6m or more")


def _reaches(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, t.Mapping):
        yield entry.fault("reaches", "it is not a mapping", "write the other service's name: its port")
        return
    for name, port in value.items():
        if not is_port(port):
            yield entry.fault(f"reaches.{name}", f"{port!r} is not a port", f"{PORTS}, as that service has it")


def _forwarded_port(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, t.Mapping) or not set(value) <= {"file", "command"} or "file" not in value:
        remedy = "write file: /config/..., and a command that is run when the file has changed"
        yield entry.fault("forwarded_port", "it is not a mapping of file and command", remedy)
        return
    file = value["file"]
    if not is_path(file) or not str(file).startswith("/config/"):
        yield entry.fault("forwarded_port.file", f"{file!r} cannot be used", "name a file below /config")
    command = value.get("command", ["true"])
    if not isinstance(command, list) or not _is_command(command):
        remedy = "write the program and its arguments as a list of texts"
        yield entry.fault("forwarded_port.command", "it is not a list of texts", remedy)


def _backup(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, t.Mapping) or not set(value) <= {"files", "databases"}:
        yield entry.fault("backup", "it is not a mapping of files and databases", "write lists of paths below /config")
        return
    for key, paths in value.items():
        for path in paths if isinstance(paths, list) else [paths]:
            if not isinstance(paths, list) or not is_path(f"/{path}"):
                remedy = "write a list of paths as seen from /config, such as config.xml, without . or .."
                yield entry.fault(f"backup.{key}", f"{path!r} cannot be used", remedy)


def _flag(entry: Entry, value: t.Any) -> Faults:
    if not isinstance(value, bool):
        yield entry.fault("restart_when_unhealthy", f"{value!r} cannot be used", "write true or false")


CHECKS: dict[str, t.Callable[[Entry, t.Any], t.Iterator[Fault]]] = {
    "image": _text(IMAGE, "write it like owner/name:tag")("image"),
    "namespace": _namespace,
    "port": _port("port"),
    "published_port": _port("published_port"),
    "user": _text(USER, 'write numbers in quotes, like "2000:2000"; by default it is mediaserver_uid')("user"),
    "environment": _environment,
    "secret_files": _secret_files,
    "volumes": _volumes,
    "capabilities": _capabilities,
    "healthcheck": _healthcheck,
    "memory": _memory,
    "reaches": _reaches,
    "forwarded_port": _forwarded_port,
    "backup": _backup,
    "restart_when_unhealthy": _flag,
}
