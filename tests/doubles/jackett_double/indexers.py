# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexers: files, forms and searches."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jackett_double import site
from jackett_double.answers import Answer, Failure, Refused, given, problem
from jackett_double.config_file import Config
from jackett_double.definitions import ASKED, LAB, Definition, definitions
from jackett_double.protection import Protection, Unknown, Unprotectable
from jackett_double.request import Request
from jackett_double.site import Film, Unreachable

PURPOSE = "indexer"
TAGS = {"separator": ",", "delimiters": r"[^A-Za-z0-9\-\._~]+", "pattern": r"^[A-Za-z0-9\-\._~]+$"}
# Id, type, name, whether it is in the form.
ENTRIES = (
    ("sitelink", "inputstring", "Site Link", True),
    ("cookieheader", "hiddendata", "CookieHeader", False),
    ("lasterror", "hiddendata", "LastError", False),
    ("username", "inputstring", "Username", True),
    ("password", "password", "Password", True),
    ("tags", "inputtags", "Tags", True),
)
LOGIN = ("username", "password")
NOTHING_FOUND = (
    "Found no results while trying to browse this tracker. This may be an issue with the indexer, or other indexer "
    "settings such as search freeleech only etc."
)


@dataclass
class Indexer:
    definition: Definition
    values: dict[str, Any]
    configured: bool = False

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def name(self) -> str:
        return self.definition.name

    def entries(self, *, hidden: bool) -> list[dict[str, Any]]:
        return [
            {"id": key, "type": kind, "name": name, "value": self.values[key]} | (TAGS if key == "tags" else {})
            for key, kind, name, shown in ENTRIES
            if (shown or hidden) and (self.definition.login or key not in LOGIN)
        ]

    def described(self) -> dict[str, Any]:
        known = self.definition
        return {
            "id": known.id,
            "name": known.name,
            "description": known.description,
            "type": known.type,
            "configured": self.configured,
            "site_link": self.values["sitelink"],
            "alternativesitelinks": [],
            "language": known.language,
            "tags": [tag for tag in self.values["tags"].split(",") if tag],
            "last_error": self.values["lasterror"] or "",
            "potatoenabled": "movie" in known.modes,
            "caps": [{"ID": str(number), "Name": name} for number, name in known.categories],
        }


class Indexers:
    """`lab_url` is the URL of the lab's film list, which is read at each search."""

    def __init__(self, folder: Path, config: Config, protection: Protection, *, own: Path, lab_url: str) -> None:
        self._folder = folder
        self._config = config
        self._protection = protection
        self._lab_url = lab_url
        self._cache: dict[tuple[str, str], tuple[float, list[Film]]] = {}
        self.all = {name: Indexer(known, _blank(known)) for name, known in definitions(own).items()}
        self._load()

    def __getitem__(self, name: str) -> Indexer:
        """Raises Failure for an unknown indexer."""
        if name not in self.all:
            raise Failure(f"Unknown indexer: {name}")
        return self.all[name]

    def configured(self) -> list[Indexer]:
        return [indexer for indexer in self.all.values() if indexer.configured]

    def listed(self, request: Request) -> Answer:
        wanted = request.query("configured").lower()
        entries = [indexer.described() for indexer in self.all.values()]
        return given([entry for entry in entries if not wanted or entry["configured"] is (wanted == "true")])

    def form(self, name: str) -> Answer:
        """Return the form, with passwords in plain text."""
        return given(self[name].entries(hidden=False))

    def add(self, request: Request, name: str) -> Answer:
        indexer = self[name]
        posted = request.json()
        if not isinstance(posted, list) or not all(isinstance(entry, dict) for entry in posted):
            # Not recorded.
            raise Refused(problem(400, {"": ["The body is not a list of entries."]}))
        new = {**_blank(indexer.definition), **indexer.values}
        shown = {key for key, *_, visible in ENTRIES if visible}
        new |= {entry["id"]: entry.get("value") for entry in posted if entry.get("id") in shown}
        if not all(urlsplit(str(new["sitelink"]))[:2]):
            raise Failure("Invalid URI: The format of the URI could not be determined.")
        if indexer.definition.tried:
            self._try(indexer.definition, new["sitelink"])
        new |= {"cookieheader": None, "lasterror": None, "tags": new["tags"] or ""}
        indexer.values, indexer.configured = new, True
        self._forget(indexer)
        self._save(indexer)
        if indexer.definition.login:
            # Saved by the login and by the form, so there is a copy after the first adding (recorded).
            self._save(indexer)
        return Answer(204)

    def remove(self, name: str) -> Answer:
        indexer = self[name]
        for suffix in (".json", ".json.bak"):
            (self._folder / f"{name}{suffix}").unlink(missing_ok=True)
        indexer.values, indexer.configured = _blank(indexer.definition), False
        self._forget(indexer)
        return Answer(200)

    def test(self, name: str) -> Answer:
        indexer = self[name]
        self._forget(indexer)
        try:
            found = self.find(indexer, "")
        except Unreachable as error:
            raise Failure(f"Exception ({name}): {error.words}: {error}") from None
        if not found:
            words = f"Test search in {indexer.name} => {NOTHING_FOUND}"
            self._remember(indexer, words)
            raise Failure(words)
        self._remember(indexer, None)
        return Answer(204)

    def find(self, indexer: Indexer, words: str) -> list[Film]:
        """Search with the cache; the lab's indexer is not cached. Raises Unreachable."""
        key, now = (indexer.id, words), time.monotonic()
        kept = self._cache.get(key)
        if kept and self._config["CacheEnabled"] and now - kept[0] < self._config["CacheTtl"]:
            return kept[1]
        try:
            lab = indexer.id == LAB and self._lab_url
            found = site.films(self._lab_url if lab else indexer.values["sitelink"], words)
        except Unreachable as error:
            self._remember(indexer, f"Exception ({indexer.id}): {error.words}: {error}")
            raise
        if found and not lab:
            self._cache[key] = now, found
        return found

    def _try(self, definition: Definition, link: str) -> None:
        url = ASKED.get(definition.id, link) if link == definition.site_link else link
        try:
            site.fetch(url)
        except Unreachable as error:
            raise Failure(f"{error}: {error.words}") from None
        except urllib.error.HTTPError as error:
            # Not recorded.
            raise Failure(f"Login failed: HTTP {error.code}") from None

    def _forget(self, indexer: Indexer) -> None:
        self._cache = {key: kept for key, kept in self._cache.items() if key[0] != indexer.id}

    def _remember(self, indexer: Indexer, error: str | None) -> None:
        if indexer.values["lasterror"] != error:
            indexer.values["lasterror"] = error
            self._save(indexer)

    def _save(self, indexer: Indexer) -> None:
        """Write the file with encrypted secrets; the previous file becomes the copy."""
        if not indexer.configured:
            return
        entries = indexer.entries(hidden=True)
        for entry in entries:
            if entry["type"] == "password" and entry["value"]:
                try:
                    entry["value"] = self._protection.protect(PURPOSE, str(entry["value"]).encode())
                except Unprotectable as error:
                    raise Failure(str(error)) from None
        path = self._folder / f"{indexer.id}.json"
        try:
            self._folder.mkdir(exist_ok=True)
            if path.exists():
                shutil.copy2(path, path.with_suffix(".json.bak"))
            path.write_text(json.dumps(entries, indent=2, ensure_ascii=False), "utf-8")
        except OSError as error:
            # Not recorded.
            raise Failure(f"Access to the path '{path}' is denied. {error.strerror}") from None

    def _load(self) -> None:
        """Load the files. Files of unknown ids are deleted; a damaged file stays, and its indexer is not configured."""
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            indexer = self.all.get(path.stem)
            if indexer is None:
                path.unlink()
                continue
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                stored = {entry["id"]: entry.get("value") for entry in json.loads(path.read_text("utf-8"))}
                indexer.configured = self._take(indexer, stored)

    def _take(self, indexer: Indexer, stored: dict[str, Any]) -> bool:
        """Take over stored values; return whether all secrets could be decrypted."""
        secret, readable = stored.pop("password", None), True
        if secret:
            try:
                stored["password"] = self._protection.unprotect(PURPOSE, secret).decode()
            except Unknown:
                readable = False
        indexer.values |= {key: value for key, value in stored.items() if key in indexer.values}
        return readable


def _blank(definition: Definition) -> dict[str, Any]:
    values: dict[str, Any] = {key: None for key, *_ in ENTRIES}
    return values | {"sitelink": definition.site_link, "tags": ""}
