# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses a provider's WireGuard configuration into a draft. Private to the collection.

Parses the text as wg-quick(8) does: comments, case and white space are ignored. Each setting is used, dropped with a
note, or rejected. The module ``config`` checks the values together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import foreign
from .draft import (
    ConfigurationError,
    Draft,
    PeerDraft,
    Place,
    Value,
)

VARIABLE = "gateway_provider_config"
SIZE_MAX = 65536

LISTS = {"address", "dns", "allowedips"}
USED = {
    "interface": {"privatekey": "PrivateKey", "address": "Address", "dns": "DNS", "mtu": "MTU"},
    "peer": {
        "publickey": "PublicKey",
        "presharedkey": "PresharedKey",
        "endpoint": "Endpoint",
        "allowedips": "AllowedIPs",
        "persistentkeepalive": "PersistentKeepalive",
    },
}
# Harmless settings that the collection sets itself; each with the reason for the note.
DROPPED = {
    "listenport": ("ListenPort", "the tunnel only opens outgoing connections, so no port is opened for it"),
    "fwmark": ("FwMark", "the barriers use their own mark for the tunnel"),
    "table": ("Table", "the tunnel's routes are set in the VPN namespace"),
    "saveconfig": ("SaveConfig", "only the playbook writes the configuration"),
}
HOOKS = {name.lower(): name for name in ("PreUp", "PostUp", "PreDown", "PostDown")}
# Settings that need a value. Any other setting may be empty, and then counts as absent.
NEEDED = {"privatekey", "address", "publickey", "endpoint"}
SKIPPED = "skipped"


def parse(text: str) -> Draft:
    """Return the description with its faults. Raises ConfigurationError when the text is not a .conf."""
    whole = Place(VARIABLE)
    if not text.strip("\ufeff \t\r\n"):
        raise ConfigurationError(whole, "the text is empty", "Paste the provider's whole .conf file")
    if len(text) > SIZE_MAX:
        problem = f"the text has more than {SIZE_MAX} characters, too many for a .conf"
        raise ConfigurationError(whole, problem, "Paste only the provider's .conf file")
    if found := foreign.whole_text(text.removeprefix("\ufeff")):
        raise ConfigurationError(whole, *found)
    draft = Draft(whole)
    section = ""
    for place, line in _lines(text):
        if line.startswith("["):
            section = _open_section(draft, place, line)
        elif section != SKIPPED:
            with draft.collecting_faults():
                _parse_setting(draft, place, section, line)
    if draft.interface is None and not draft.incomplete and not draft.faults:
        raise ConfigurationError(whole, "there is no [Interface] section", "Paste the provider's whole .conf file")
    return draft


def _lines(text: str) -> Iterator[tuple[Place, str]]:
    """Yield every line that is not blank or a comment, with its place."""
    unified = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(unified.split("\n"), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield Place(VARIABLE, f"line {number}"), content


def _open_section(draft: Draft, place: Place, line: str) -> str:
    """Return the section's name, SKIPPED for a section that is rejected and whose lines are not parsed."""
    name = line.removeprefix("[").removesuffix("]").strip().lower()
    whole = line.endswith("]")
    if name == "interface" and whole and draft.interface is None:
        draft.interface = place
        return name
    if name == "peer" and whole:
        draft.peers.append(PeerDraft(place))
        return name
    if name == "interface" and whole:
        remedy = "Give only one .conf; write a [Peer] for each server"
        fault = ConfigurationError(place, "there is a second [Interface] section", remedy)
    else:
        remedy = "Remove it, or copy the .conf again"
        fault = ConfigurationError(place, "the section is neither [Interface] nor [Peer]", remedy)
    draft.faults.append(fault)
    draft.incomplete = True
    return SKIPPED


def _parse_setting(draft: Draft, place: Place, section: str, line: str) -> None:
    """Store one ``Key = value`` line. An error never repeats its text, which may be a misplaced key."""
    name, equals, text = (part.strip() for part in line.partition("="))
    known = name.lower()
    if not equals:
        raise ConfigurationError(place, "the line is not of the form Key = value", "Correct or remove it")
    if not section:
        raise ConfigurationError(place, "a setting is before any section", "Begin the text with [Interface]")
    if known in HOOKS:
        if not text:
            return
        raise ConfigurationError(
            place,
            f"{HOOKS[known]} is a command that would run as root on the Pi",
            "Remove the line: this collection sets routes, DNS and the barriers against leaks without it",
        )
    dropped = DROPPED.get(known) if section == "interface" else None
    if dropped := dropped or foreign.DROPPED_FOREIGN.get(known):
        if text:
            draft.notes.append(f"{place}: {dropped[0]} is not used: {dropped[1]}")
        return
    if known not in USED[section]:
        raise _unknown(place, section, known)
    label = USED[section][known]
    owner = draft if section == "interface" else draft.peers[-1]
    if not text and known not in NEEDED:
        return
    if not text:
        owner.invalid.add(known)
        raise ConfigurationError(place, f"{label} has no value", "Write the provider's value")
    _store(owner.settings, place, known, label, text)


def _store(settings: dict[str, list[Value]], place: Place, known: str, label: str, text: str) -> None:
    if known in LISTS:
        # wg-quick(8) also accepts blanks as separators.
        parts = [Value(part, place.of(label)) for part in re.split(r"[,\s]+", text)]
        settings.setdefault(known, []).extend(part for part in parts if part.text)
    elif known in settings:
        raise ConfigurationError(place, f"{label} is given a second time", "Keep the correct line of the two")
    else:
        settings[known] = [Value(text, place.of(label))]


def _unknown(place: Place, section: str, known: str) -> ConfigurationError:
    if known in USED["peer"] or known in USED["interface"] or known in DROPPED:
        other = "Interface" if section == "peer" else "Peer"
        return ConfigurationError(place, f"this setting belongs to [{other}]", "Move the line there")
    if found := foreign.refused_setting(known):
        return ConfigurationError(place, *found)
    return ConfigurationError(place, "the setting is unknown", "Correct its name, or remove the line")
