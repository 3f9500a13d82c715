# SPDX-License-Identifier: GPL-3.0-or-later
"""Torznab. Errors are XML with HTTP 200, except for an unknown indexer (500, JSON) and an unreachable site (400)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from jackett_double.answers import Answer, text
from jackett_double.config_file import Config
from jackett_double.indexers import Indexer, Indexers
from jackett_double.request import Request
from jackett_double.results import Found, Results
from jackett_double.site import Unreachable

PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'
RSS = "application/rss+xml; charset=utf-8"
XML = "application/xml; charset=utf-8"
NAMESPACES = 'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:torznab="http://torznab.com/schemas/2015/feed"'
UNSUPPORTED = (
    "{} does not support the requested query. Please check the capabilities (t=caps) and make sure the search mode and "
    "parameters are supported."
)
# Element of the capabilities, type of search.
MODES = (
    ("search", "search"),
    ("tv-search", "tvsearch"),
    ("movie-search", "movie"),
    ("music-search", "music"),
    ("audio-search", "music"),
    ("book-search", "book"),
)


class Torznab:
    def __init__(self, config: Config, indexers: Indexers, results: Results) -> None:
        self._config = config
        self._indexers = indexers
        self._results = results

    def answer(self, request: Request, name: str) -> Answer:
        key = request.query("apikey", exact=True) or request.query("passkey", exact=True)
        if key != self._config["APIKey"]:
            return _error(100, "Invalid API Key")
        chosen = self._results.chosen(name)
        if not chosen and name != "all":
            return _error(201, "Indexer is not configured")
        kind = (request.query("t") or "search").lower()
        if kind == "caps":
            return text(PROLOGUE + _caps(chosen, all_of_them=name == "all"), content_type=RSS)
        if kind == "indexers":
            return self._listed(request)
        if not any(kind in _modes(indexer) for indexer in chosen) and kind != "search":
            return _error(201, UNSUPPORTED.format(name))
        return self._search(request, name, [indexer for indexer in chosen if kind in _modes(indexer)])

    def _search(self, request: Request, name: str, chosen: list[Indexer]) -> Answer:
        found: list[Found] = []
        alone = len(chosen) == 1 and chosen[0].id == name
        for indexer in chosen:
            try:
                found += [Found(indexer, film) for film in self._indexers.find(indexer, request.query("q"))]
            except Unreachable as failure:
                if alone:
                    words = quoteattr(failure.chain(indexer.id)).replace("&#10;", "&#xA;")
                    return text(f'{PROLOGUE}<error code="900" description={words} />', 400, XML)
        wanted = {part for part in request.query("cat").split(",") if part.isdigit()}
        found = [entry for entry in found if not wanted or wanted & _numbers(entry.indexer)]
        # The numbers of paging are not recorded.
        offset, limit = (int(request.query(key) or 0) for key in ("offset", "limit"))
        found = found[offset:][: limit or None]
        return text(PROLOGUE + self._feed(request, chosen[0] if alone else None, found), content_type=RSS)

    def _feed(self, request: Request, indexer: Indexer | None, found: Iterable[Found]) -> str:
        title = indexer.name if indexer else "AggregateSearch"
        told = indexer.definition.description if indexer else "This feed includes all configured trackers"
        link = indexer.values["sitelink"] if indexer else "http://127.0.0.1/"
        language = indexer.definition.language if indexer else "en-US"
        return "".join(
            (
                f'<rss version="2.0" {NAMESPACES}>\n  <channel>\n',
                f'    <atom:link href={quoteattr(f"{request.root}/")} rel="self" type="application/rss+xml" />\n',
                f"    <title>{escape(title)}</title>\n    <description>{escape(told)}</description>\n",
                f"    <link>{escape(link)}</link>\n    <language>{language}</language>\n",
                "    <category>search</category>\n",
                *(self._item(request, entry) for entry in found),
                "  </channel>\n</rss>",
            )
        )

    def _item(self, request: Request, found: Found) -> str:
        """Return an item. Its elements are not recorded; these are the usual ones of Torznab."""
        film, known = found.film, found.indexer.definition
        link = self._results.link(request, "dl", found)
        attributes = {
            "category": known.categories[0][0],
            "seeders": film.seeders,
            "peers": film.seeders,
            "downloadvolumefactor": 0,
            "uploadvolumefactor": 1,
        }
        return "".join(
            (
                f"    <item>\n      <title>{escape(film.title)}</title>\n      <guid>{escape(film.link)}</guid>\n",
                f"      <jackettindexer id={quoteattr(known.id)}>{escape(known.name)}</jackettindexer>\n",
                f"      <type>{known.type}</type>\n      <comments>{escape(film.link)}</comments>\n",
                f"      <pubDate>{format_datetime(datetime.now(UTC))}</pubDate>\n      <size>{film.size}</size>\n",
                f"      <description />\n      <link>{escape(link)}</link>\n",
                f"      <category>{known.categories[0][0]}</category>\n",
                f'      <enclosure url={quoteattr(link)} length="{film.size}" type="application/x-bittorrent" />\n',
                *(f'      <torznab:attr name="{key}" value="{value}" />\n' for key, value in attributes.items()),
                "    </item>\n",
            )
        )

    def _listed(self, request: Request) -> Answer:
        wanted = request.query("configured").lower()
        entries = [
            f'  <indexer id={quoteattr(indexer.id)} configured="{str(indexer.configured).lower()}">\n'
            f"    <title>{escape(indexer.name)}</title>\n"
            f"    <description>{escape(indexer.definition.description)}</description>\n"
            f"    <link>{escape(indexer.values['sitelink'])}</link>\n"
            f"    <language>{indexer.definition.language}</language>\n    <type>{indexer.definition.type}</type>\n"
            f"    {_caps([indexer])}\n  </indexer>\n"
            for indexer in self._indexers.all.values()
            if not wanted or indexer.configured is (wanted == "true")
        ]
        body = f"<indexers>\n{''.join(entries)}</indexers>" if entries else "<indexers />"
        return text(PROLOGUE + body, content_type=XML)


def _error(code: int, words: str) -> Answer:
    return text(f'{PROLOGUE}<error code="{code}" description={quoteattr(words)} />', content_type="application/xml")


def _modes(indexer: Indexer) -> dict[str, str]:
    return indexer.definition.modes


def _numbers(indexer: Indexer) -> set[str]:
    """Return the numbers of the categories, each with that of its parent category."""
    numbers = [number for number, _ in indexer.definition.categories]
    return {str(number) for number in numbers} | {str(number // 1000 * 1000) for number in numbers}


def _caps(chosen: list[Indexer], *, all_of_them: bool = False) -> str:
    limit = 1000 if all_of_them else 100
    modes = {kind: given for indexer in chosen for kind, given in _modes(indexer).items()}
    modes.setdefault("search", "q")
    categories = dict(sorted(pair for indexer in chosen for pair in indexer.definition.categories))
    searching = "".join(
        f'    <{element} available="{"yes" if kind in modes else "no"}" supportedParams="{modes.get(kind, "q")}" />\n'
        for element, kind in MODES
    )
    listed = "".join(f'    <category id="{key}" name={quoteattr(name)} />\n' for key, name in categories.items())
    return (
        f'<caps>\n  <server title="Jackett" />\n  <limits default="{limit}" max="{limit}" />\n'
        f"  <searching>\n{searching}  </searching>\n  <categories>\n{listed}  </categories>\n</caps>"
    )
