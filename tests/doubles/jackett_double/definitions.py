# SPDX-License-Identifier: GPL-3.0-or-later
"""The indexers of the double: those of the recordings, the lab's, and those of definition files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

TV, MOVIES = (5000, "TV"), (2000, "Movies")
SEARCH = {"search": "q"}
SHOWS = {**SEARCH, "tvsearch": "q,season,ep"}
LAB = "householdlab"


@dataclass(frozen=True)
class Definition:
    """`modes`: types of search and their parameters. `tried`: adding the indexer sends a request to its site."""

    id: str
    name: str
    type: str
    site_link: str
    description: str = ""
    language: str = "en-US"
    categories: tuple[tuple[int, str], ...] = (TV,)
    modes: dict[str, str] = field(default_factory=lambda: dict(SHOWS))
    login: bool = False
    tried: bool = False


KNOWN = (
    Definition(
        *("0daykiev", "0day.kiev", "private", "https://tracker.0day.community/"),
        description="0day.kiev.ua is a UKRAINIAN Private Torrent Tracker for MOVIES / TV / GENERAL",
        language="uk-UA",
        categories=(MOVIES, (2040, "Movies/HD"), (3000, "Audio")),
        login=True,
        tried=True,
    ),
    Definition(
        *("acgrip", "ACG.RIP", "public", "https://acg.rip/"),
        description="ACG.RIP is a CHINESE Public torrent tracker for the latest anime and Japanese related torrents",
        language="zh-CN",
    ),
    Definition("alpharatio", "AlphaRatio", "private", "https://alpharatio.cc/", login=True, tried=True),
    # Not in the server: the films of the lab's internet host. In category Movies, so that t=movie finds them.
    Definition(
        *(LAB, "Household Lab", "public", "http://films.test/"),
        description="The films of the lab's own internet (SIMULATED)",
        categories=(MOVIES,),
        modes={**SEARCH, "movie": "q"},
    ),
    Definition("knaben", "Knaben", "public", "https://knaben.org/", tried=True),
    Definition("subsplease", "SubsPlease", "public", "https://subsplease.org/", tried=True),
    Definition("torrentscsv", "TorrentsCSV", "public", "https://torrents-csv.com/"),
)
# Sites whose requests go to another host than their site link.
ASKED = {"knaben": "https://api.knaben.org/"}


def definitions(folder: Path) -> dict[str, Definition]:
    """Return all indexers by id, sorted; those of a household are *.yml files in the folder."""
    found = {definition.id: definition for definition in KNOWN}
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        own = _own(path.read_text("utf-8", "replace"))
        if own is not None:
            found[own.id] = own
    return dict(sorted(found.items()))


def _own(text: str) -> Definition | None:
    """Read the parts of a definition file that the double uses; rules for the site's pages are ignored."""

    def value(key: str, default: str = "") -> str:
        line = re.search(rf"^{key}:\s*(.+?)\s*$", text, re.MULTILINE)
        return line[1].strip("\"'") if line else default

    link = re.search(r"^links:\s*\n\s*-\s*(\S+)", text, re.MULTILINE)
    if not value("id"):
        return None
    return Definition(
        *(value("id"), value("name"), value("type", "private"), link[1].strip("\"'") if link else "http://localhost/"),
        description=value("description"),
        language=value("language", "en-US"),
        login=bool(re.search(r"^login:", text, re.MULTILINE)),
        tried=bool(re.search(r"^login:", text, re.MULTILINE)),
    )
