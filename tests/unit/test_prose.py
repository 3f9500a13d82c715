# SPDX-License-Identifier: GPL-3.0-or-later
"""Prose is plain technical English: no personification, no poetry.

`BANNED` holds words and phrases that are wrong wherever they occur: in documents, comments, docstrings, messages and
names. Every text file of the repository is read, one test per folder (`-k tests/leaks` checks one of them).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Regular expression, and what to write instead. A space also matches an underscore (names in code) and a line break.
BANNED = {
    # A program, a host, a client or an account has a name.
    r"no(body|-one)('?s)?": "no client, no process, no user, nothing",
    r"some(body|one)('?s)?": "the actor: a user, a client, another program",
    r"any(body|one)('?s)?": "the actor: any client, any user",
    r"every(body|one)('?s)?": "the actors: all users, every client",
    r"who(m|so)?ever": "the actor: the process that, users who",
    r"strangers?": "a client on another network, or outside mediaserver_lan",
    r"visitors?": "a client",
    r"he|him|his|himself|she|her|herself": "it, its; or the user",
    # Programs, files and containers are "it": they have neither body nor mind.
    r"hand(s|ed|ing)? on": "pass",
    r"hands? off": "pause; leave unchanged",
    r"hand(s|ed|ing)? over": "pass, give, transfer",
    r"has hands": "can repair",
    r"eyes": "observation, capture",
    r"speaks?": "use, support (a protocol)",
    r"hears?": "receive, observe",
    r"(am|are|be|been|being|is|was|were)( not)? told": "get, receive, be notified",
    r"believes?": "assume, trust",
    r"heeds?": "honour, handle",
    r"obeys?": "follow",
    r"knows? nothing": "has no information; does not depend on",
    r"liv(e|es|ing) (at|in|on|there|where)": "be in, run in",
    r"of (its|their) own accord": "by itself",
    r"(its|their) fate": "what happens to it",
    r"(sat|saw|see|seen|sees) to it": "ensure",
    # Metaphors for what has a term in the field.
    r"(a|each|every|its|our|that|the|this) house('s)?": "the household (the customer), the LAN, the host",
    r"(the|front) doors?": "the port, the entry point, the web interface",
    r"the wall": "the namespace's boundary; the host's interfaces",
    r"(another|each|every|first|last|next|one|second|single) looks?": "observation, check, poll",
    r"the world": "the internet",
    r"round and round": "in a loop, crash-looping",
    # Inversions, archaisms, poetry.
    r"ever after": "later, on every later run",
    r"anew": "again; recreated",
    r"be it": "including; even if",
    r"foret(ell|ells|elling|old)": "predict",
    r"foresaw|foresees?|foreseen": "predict, expect",
    r"for a moment": "briefly",
    r"at hand": "available",
    r"in vain": "without effect",
    r"(in silence|without a word)": "without an error, without a message",
    r"true to life": "realistic",
    r"yet to come": "not created yet",
    r"of old": "earlier",
    r"amidst|hence|lest|naught|nought|thence|thither|upon|whence|whither": "a plain word",
    r"(?<!there.)(are|is) no (address|file|key|list|name|network|number|path|port|time)": "is not a valid ...",
}


@dataclass(frozen=True)
class Permitted:
    """A banned word in its proper meaning: on lines with `text`, in the file `path` (empty: in all files)."""

    path: str
    text: str
    reason: str


PERMITTED = [
    Permitted("tests/lab/images/internet/internet.sh", "-u nobody", "an account of Debian"),
    Permitted("plugins/module_utils/_import/languages.py", "he heb hebrew", "a language code"),
    Permitted("", '"strangers"', "the counter of the outer barrier's table"),
    Permitted("", "counter strangers", "the counter of the outer barrier's table"),
    Permitted("", "counter name strangers", "the counter of the outer barrier's table"),
]

# Texts of others, and this list.
NOT_READ = {"LICENSE", "requirements.txt", "tests/unit/test_prose.py"}

_SPACE = r"(?:[ _]|[ \t]*\n[ \t]*(?:(?:#|//|>|- )[ \t]*)?)"
# Digits and letters only: the words of a name are separated by underscores.
_PATTERNS = [
    (re.compile(rf"(?<![a-z0-9])(?:{words.replace(' ', _SPACE)})(?![a-z0-9])", re.IGNORECASE), plain)
    for words, plain in BANNED.items()
]


@cache
def _texts() -> dict[str, str]:
    """Return the text files of the repository by path, also new files that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    texts = {}
    for name in sorted(set(names) - NOT_READ - {""}):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:  # data, not prose
                continue
    return texts


def _folder(path: str) -> str:
    """Return the group of a file: its first two folders, three below tests/unit."""
    parts = path.split("/")[:-1]
    return "/".join(parts[:3] if parts[:2] == ["tests", "unit"] else parts[:2]) or "top"


def _findings(path: str, text: str) -> list[str]:
    lines = text.splitlines()
    found = []
    for pattern, plain in _PATTERNS:
        for match in pattern.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            permitted = (one.text in lines[number - 1] for one in PERMITTED if one.path in ("", path))
            if not any(permitted):
                found.append((number, f"{path}:{number}: {' '.join(match[0].split())!r} -> {plain}"))
    return [message for _, message in sorted(found)]


@pytest.mark.parametrize("folder", sorted({_folder(path) for path in _texts()}))
def test_prose_has_no_banned_word(folder: str) -> None:
    found = [one for path, text in _texts().items() if _folder(path) == folder for one in _findings(path, text)]
    if found:
        pytest.fail(
            "\n".join([f"{len(found)} banned words in {folder} (found -> write instead):", *found]), pytrace=False
        )


@pytest.mark.parametrize("permitted", PERMITTED, ids=lambda one: f"{one.path}: {one.text}")
def test_exception_is_still_needed(permitted: Permitted) -> None:
    texts = [text for path, text in _texts().items() if permitted.path in ("", path)]
    lines = [line for text in texts for line in text.splitlines() if permitted.text in line]
    assert any(pattern.search(line) for pattern, _ in _PATTERNS for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "Nobody's file",
        "# The daemon is\n    # told the port",
        "def test_nobody_connects() -> None:",
        "started ever after",
        "the address is no address",
        "in the house's LAN",
    ],
)
def test_finds_banned_words(text: str) -> None:
    assert _findings("example.py", text)


@pytest.mark.parametrize(
    "text", ["there is no file", "handset", "the households", "a wholesale order", "belief", "cathedral"]
)
def test_leaves_plain_words(text: str) -> None:
    assert not _findings("example.py", text)
