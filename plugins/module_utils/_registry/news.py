# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Asks registries about the images of one host, and judges the answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.clock import Clock
from .._core.errors import InvalidValue, MediaserverError
from .client import RegistryClient, is_unreachable
from .line import Answer, Judgement, Line, News, judge, split
from .reference import Reference, parse

# Of all registries together. What has not been asked by then is unknown.
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Image:
    """An image of this host: its reference, its line as text (empty: by its tag), and its digests here."""

    name: str
    line: str = ""
    digests: t.Collection[str] = ()


def news(client: RegistryClient, images: t.Iterable[Image], clock: Clock) -> dict[str, Judgement]:
    """Return the news of each image, by its reference. Nothing is raised: what cannot be asked is unknown.

    A registry that does not answer is asked once, not once for each image.
    """
    end = clock.monotonic() + PATIENCE_S
    silent: dict[str, str] = {}
    found: dict[str, Judgement] = {}
    for image in images:
        try:
            reference = parse(image.name)
            line = _line(image.line, reference.tag)
        except InvalidValue as error:
            found[image.name] = Judgement(News.UNKNOWN, why=str(error))
            continue
        if clock.monotonic() > end:
            silent.setdefault(reference.host, f"there was no time left to ask {reference.host}")
        answer = _ask(client, reference, line, silent)
        present = {reference.digest} if reference.digest else set(image.digests)
        found[image.name] = judge(reference.tag, line, answer, present)
    return found


def _line(text: str, tag: str) -> Line | None:
    """Return the line of a tag; None for a tag that is in none, such as "latest": only its digest changes then."""
    line = Line.read(text) if text else Line.of(tag)
    return line if line and split(tag)[0] == line.form else None


def _ask(client: RegistryClient, reference: Reference, line: Line | None, silent: dict[str, str]) -> Answer:
    if reference.host in silent:
        return Answer(trouble=silent[reference.host])
    tags: list[str] | None = None
    digest: str | None = None
    trouble = ""
    try:
        digest = client.digest(reference)
    except MediaserverError as error:
        trouble = str(error)
        if is_unreachable(error):
            silent[reference.host] = trouble
            return Answer(trouble=trouble)
    # A tag that is removed may have a newer one all the same.
    if line is not None:
        try:
            tags = client.tags(reference)
        except MediaserverError as error:
            trouble = trouble or str(error)
            if is_unreachable(error):
                silent[reference.host] = trouble
    return Answer(tags, digest, trouble)
