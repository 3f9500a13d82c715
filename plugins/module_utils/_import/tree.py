# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Publishes music, books and misc with the torrent's own folders and names."""

from __future__ import annotations

import typing as t

from . import file_types
from .builder import PlanBuilder
from .model import ARCHIVE, JUNK, UNSAFE_NAME, UNSUPPORTED, Torrent
from .names import LIMIT, clip, fit, size, visible
from .selection import Item, has_exact_name


def _component(text: str) -> str:
    """Return a folder's name without invisible characters and leading dots (Jellyfin hides such names)."""
    return clip(visible(text).lstrip(". "), LIMIT).strip() or "_"


def _file_name(item: Item) -> str:
    """Return a file's name without invisible characters and leading dots."""
    return fit(visible(item.stem).lstrip(". ").strip() or "_", visible(item.suffix))


def rest_of(item: Item) -> tuple[str, ...]:
    """Return the path below the torrent's own folder."""
    return (*(_component(parent) for parent in item.parents[1:]), _file_name(item))


def _known_root(items: t.Iterable[Item], builder: PlanBuilder, kind: str) -> str:
    """Return the folder of files of this torrent that are in the library already."""
    for item in items:
        existing = builder.find_existing(item, kind)
        tail = "/" + "/".join(rest_of(item))
        if existing.endswith(tail) and existing.count("/") == tail.count("/") + 1:
            return existing[: -len(tail)].partition("/")[2]
    return ""


def publish(items: list[Item], builder: PlanBuilder, *, kind: str, root: str, known: str = "") -> None:
    """Publish files below kind/root with their own folders; if a target is taken, all go to "root (2)"."""

    def is_taken(folder: str) -> bool:
        return any(builder.is_taken("/".join((kind, folder, *rest_of(item)))) for item in items)

    root = clip(root, 240)
    folder, number = known or root, 2
    while not known and is_taken(folder):
        folder, number = f"{root} ({number})", number + 1
    folder = builder.spelling(kind, folder)
    for item in items:
        *middle, name = rest_of(item)
        stem, extension = file_types.split_extension(name)
        base = "/".join((kind, folder, *middle))
        copy = 2
        while builder.is_taken(f"{base}/{name}"):
            name = fit(stem, f" ({copy}){extension}")
            copy += 1
        builder.add_link(item, f"{base}/{name}")


def _root(torrent: Torrent, items: list[Item]) -> str:
    """Return the name of the folder: the torrent's own, or the stem of its only file."""
    parents = next((item.parents for item in items if item.parents), ())
    name = parents[0] if parents else file_types.split_extension(torrent.name)[0]
    if not parents and items:
        name = items[0].stem
    return _component(name).lstrip(".").strip() or "_"


def _publish_kind(
    torrent: Torrent, items: list[Item], builder: PlanBuilder, kind: str, reason: t.Callable[[Item], str]
) -> None:
    """Publish the files that a library of this kind supports."""
    chosen = []
    for item in items:
        why = reason(item)
        if why:
            builder.leave_out(item, why)
        else:
            chosen.append(item)
    known = _known_root(chosen, builder, kind)
    publish(builder.record_present(chosen), builder, kind=kind, root=_root(torrent, chosen), known=known)


def _common_reason(item: Item) -> str:
    if file_types.is_archive(item.extension):
        return ARCHIVE
    if item.extension in file_types.NOTE | file_types.PROGRAM:
        return JUNK
    return UNSUPPORTED


def _music_reason(item: Item) -> str:
    keep = file_types.AUDIO | file_types.AUDIO_BOOK | file_types.LYRICS
    if item.extension in keep or (item.extension in file_types.PICTURE and not item.name.lower().startswith("www.")):
        return ""
    return _common_reason(item)


def _book_reason(item: Item) -> str:
    keep = file_types.BOOK | file_types.AUDIO | file_types.AUDIO_BOOK | {".opf"}
    if item.extension in keep or (item.extension in file_types.PICTURE and not item.name.lower().startswith("www.")):
        return ""
    return _common_reason(item)


def publish_music(torrent: Torrent, items: list[Item], builder: PlanBuilder) -> None:
    """Publish an album in one folder, with covers and lyrics beside the tracks."""
    _publish_kind(torrent, items, builder, "music", _music_reason)


def publish_books(torrent: Torrent, items: list[Item], builder: PlanBuilder) -> None:
    """Publish a book or a series in one folder."""
    _publish_kind(torrent, items, builder, "books", _book_reason)


def publish_misc(items: list[Item], builder: PlanBuilder) -> None:
    """Publish files under their own names; names with control characters or above LIMIT bytes are left out."""
    exact = []
    for item in items:
        if has_exact_name(item) and all(size(part) <= LIMIT for part in (*item.parents, item.name)):
            exact.append(item)
        else:
            builder.leave_out(item, UNSAFE_NAME)
    known = _known_misc_root(exact, builder)
    missing = builder.record_present(exact)
    if not missing:
        return
    single = not missing[0].parents
    top = missing[0].name if single else missing[0].parents[0]
    stem, extension = (missing[0].stem, missing[0].suffix) if single else (top, "")

    def target(item: Item, folder: str) -> str:
        return "/".join(("misc", folder, *item.path.split("/")[1:]))

    folder, number = known or top, 2
    while not known and any(builder.is_taken(target(item, folder)) for item in missing):
        folder = fit(stem, f" ({number}){extension}")
        number += 1
    # Misc is published unchanged, and Linux file systems distinguish names by case.
    builder.add_exact_links({item.path: target(item, folder) for item in missing})


def _known_misc_root(items: list[Item], builder: PlanBuilder) -> str:
    """Return the folder below misc of files of this torrent that are in the library already."""
    for item in items:
        tail = item.path.partition("/")[2]
        existing = builder.find_existing(item, "misc")
        if tail and existing.endswith(f"/{tail}") and existing.count("/") == tail.count("/") + 2:
            return existing.split("/")[1]
    return ""
