# SPDX-License-Identifier: GPL-3.0-or-later
"""Jackett's command line: an unknown option ends the program, a surplus argument does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from jackett_double.server_config import VERSION

BANNER = f"Jackett {VERSION}\n \n"
# Letter, name, type of the value.
SWITCHES = (
    ("i", "Install", ""),
    ("r", "ReserveUrls", ""),
    ("u", "Uninstall", ""),
    ("l", "Logging", ""),
    ("t", "Tracing", ""),
    ("c", "UseClient", "text"),
    ("s", "Start", ""),
    ("k", "Stop", ""),
    ("x", "ListenPublic", ""),
    ("z", "ListenPrivate", ""),
    ("p", "Port", "number"),
    ("n", "IgnoreSslErrors", "text"),
    ("d", "DataFolder", "text"),
    ("", "NoRestart", ""),
    ("", "PIDFile", "text"),
    ("", "NoUpdates", ""),
)
NAMES = {name.lower(): (letter, name, kind) for letter, name, kind in SWITCHES}
LETTERS = {letter: (letter, name, kind) for letter, name, kind in SWITCHES if letter}
WINDOWS = ("Install", "ReserveUrls", "Uninstall", "Start", "Stop")
HELP = "\n".join(f"  {f'-{letter}, ' if letter else ''}--{name}\n" for letter, name, _ in SWITCHES)


class Refused(Exception):
    """The text that is printed before the exit with status 1."""


@dataclass
class Options:
    port: int = 0
    public: bool | None = None
    data: Path | None = None
    pid_file: Path | None = None
    given: dict[str, str] = field(default_factory=dict)

    @property
    def override(self) -> dict[str, object]:
        """Return the fields of the file that the options override."""
        found: dict[str, object] = {"Port": self.port} if self.port else {}
        return found if self.public is None else {**found, "AllowExternal": self.public}


def read(arguments: list[str]) -> Options:
    """Parse the command line. Raises Refused."""
    given: dict[str, str] = {}
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word in ("--help", "--version"):
            raise Refused(BANNER + ("\n" + HELP if word == "--help" else ""))
        if not word.startswith("-") or word == "-":
            continue  # a value without option, as in "--NoUpdates true"
        spelled, _, value = word.lstrip("-").partition("=")
        known = NAMES.get(spelled.lower()) if word.startswith("--") else LETTERS.get(spelled)
        if known is None:
            raise _wrong(f"Option '{spelled}' is unknown.")
        letter, name, kind = known
        shown = f"{letter}, {name}" if letter else name
        if name in given:
            raise _wrong(f"Option '{shown}' is defined multiple times.")
        if kind and not value and left and (not left[0].startswith("-") or left[0][1:].isdecimal()):
            value = left.pop(0)
        if kind == "number" and value and not value.removeprefix("-").isdecimal():
            raise _wrong(f"Option '{shown}' is defined with a bad format.")
        given[name] = value
    return _understand(given)


def _wrong(words: str) -> Refused:
    return Refused(f"{BANNER}\nERROR(S):\n  {words}\n\n{HELP}")


def _understand(given: dict[str, str]) -> Options:
    if "ListenPublic" in given and "ListenPrivate" in given:
        raise Refused("You can only use listen private OR listen publicly.")
    if given.get("UseClient", "automatic") != "automatic":
        raise Refused(
            f"Error Client override ({given['UseClient']}) has been deprecated, "
            "please remove it from your start arguments."
        )
    if any(name in given for name in WINDOWS):
        raise Refused(
            "Error ReserveUrls and service arguments only apply to Windows, "
            "please remove them from your start arguments"
        )
    public = True if "ListenPublic" in given else False if "ListenPrivate" in given else None
    return Options(
        port=int(given.get("Port") or 0),
        public=public,
        data=Path(given["DataFolder"]) if given.get("DataFolder") else None,
        pid_file=Path(given["PIDFile"]) if given.get("PIDFile") else None,
        given=given,
    )
