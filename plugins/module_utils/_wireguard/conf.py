# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a provider's WireGuard configuration, read into a draft.

Reads the text as wg-quick does (comments, case and white space carry no meaning), and decides about each
setting: used, dropped with a note, or refused. What the values mean together is decided in
``config``.
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
# Harmless, but the collection's own business; each with the reason that the note gives.
DROPPED = {
    "listenport": ("ListenPort", "the tunnel only calls out, and no port is opened for it"),
    "fwmark": ("FwMark", "the barriers know the tunnel by a mark of their own"),
    "table": ("Table", "the tunnel's routes live in a namespace of their own"),
    "saveconfig": ("SaveConfig", "the configuration is written by the playbook alone"),
}
HOOKS = {name.lower(): name for name in ("PreUp", "PostUp", "PreDown", "PostDown")}
# Without these there is no tunnel; every other setting may be left empty, and then counts as absent.
NEEDED = {"privatekey", "address", "publickey", "endpoint"}
SKIPPED = "skipped"


def read(text: str) -> Draft:
    """Return what the text says, its mistakes among it. Raises ConfigurationError where it is no .conf at all."""
    whole = Place(VARIABLE)
    if not text.strip("\ufeff \t\r\n"):
        raise ConfigurationError(whole, "the text is empty", "Put the provider's whole .conf file there")
    if len(text) > SIZE_MAX:
        raise ConfigurationError(whole, "the text is far too long for a .conf", "Put the provider's .conf file there")
    if found := foreign.whole_text(text.removeprefix("\ufeff")):
        raise ConfigurationError(whole, *found)
    draft = Draft(whole)
    section = ""
    for place, line in _lines(text):
        if line.startswith("["):
            section = _open_section(draft, place, line)
        elif section != SKIPPED:
            with draft.collecting():
                _take(draft, place, section, line)
    if draft.interface is None and not draft.left_out and not draft.faults:
        raise ConfigurationError(whole, "there is no [Interface] section", "Put the provider's whole .conf there")
    return draft


def _lines(text: str) -> Iterator[tuple[Place, str]]:
    """Yield every line that says something, with its place."""
    unified = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(unified.split("\n"), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield Place(VARIABLE, f"line {number}"), content


def _open_section(draft: Draft, place: Place, line: str) -> str:
    """Return the section's name; what stands in one that is refused is not judged."""
    name = line.removeprefix("[").removesuffix("]").strip().lower()
    whole = line.endswith("]")
    if name == "interface" and whole and draft.interface is None:
        draft.interface = place
        return name
    if name == "peer" and whole:
        draft.peers.append(PeerDraft(place))
        return name
    if name == "interface" and whole:
        remedy = "Give one .conf only; several servers are several [Peer]"
        fault = ConfigurationError(place, "there is a second [Interface] section", remedy)
    else:
        remedy = "Remove it, or copy the .conf again"
        fault = ConfigurationError(place, "the section is neither [Interface] nor [Peer]", remedy)
    draft.faults.append(fault)
    draft.left_out = True
    return SKIPPED


def _take(draft: Draft, place: Place, section: str, line: str) -> None:
    """File one ``Key = value`` line. Its text is never repeated in an error: it may be a key gone astray."""
    name, equals, text = (part.strip() for part in line.partition("="))
    known = name.lower()
    if not equals:
        raise ConfigurationError(place, "the line is not of the form Key = value", "Correct or remove it")
    if not section:
        raise ConfigurationError(place, "a setting stands before any section", "Begin the text with [Interface]")
    if known in HOOKS:
        if not text:
            return
        raise ConfigurationError(
            place,
            f"{HOOKS[known]} is a command that would run as root on the Pi",
            "Remove the line: routes, DNS and the barriers against leaks are made without it",
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
        owner.spoilt.add(known)
        raise ConfigurationError(place, f"{label} has no value", "Fill it in, as the provider gives it")
    _store(owner.settings, place, known, label, text)


def _store(settings: dict[str, list[Value]], place: Place, known: str, label: str, text: str) -> None:
    if known in LISTS:
        # wg-quick(8) takes blanks for commas.
        parts = [Value(part, place.of(label)) for part in re.split(r"[,\s]+", text)]
        settings.setdefault(known, []).extend(part for part in parts if part.text)
    elif known in settings:
        raise ConfigurationError(place, f"{label} is given a second time", "Keep the right one of the two lines")
    else:
        settings[known] = [Value(text, place.of(label))]


def _unknown(place: Place, section: str, known: str) -> ConfigurationError:
    if known in USED["peer"] or known in USED["interface"] or known in DROPPED:
        other = "Interface" if section == "peer" else "Peer"
        return ConfigurationError(place, f"this setting belongs to [{other}]", "Move the line there")
    if found := foreign.refused_setting(known):
        return ConfigurationError(place, *found)
    return ConfigurationError(place, "the setting is unknown", "Correct its name, or remove the line")
