# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of libraries, on a server with its built-in plugins only."""

from __future__ import annotations

from typing import Any

_LIMITS = (
    ("Backdrop", 1, 1280),
    ("Art", 0, 0),
    ("Disc", 0, 0),
    ("Primary", 1, 0),
    ("Banner", 0, 0),
    ("Thumb", 1, 0),
    ("Logo", 1, 0),
)


def _choice(name: str, enabled: bool = False) -> dict[str, Any]:
    return {"Name": name, "DefaultEnabled": enabled}


def options(version: str, kind: str, *, new: bool) -> dict[str, Any]:
    """Return the options; for films as recorded, other types have no separate entry."""
    film: dict[str, Any] = {
        "Type": "Movie",
        "MetadataFetchers": [_choice("The Open Movie Database")],
        "ImageFetchers": [
            _choice("The Open Movie Database"),
            _choice("Embedded Image Extractor"),
            _choice("Screen Grabber", enabled=True),
        ],
        "SupportedImageTypes": ["Primary", "Backdrop", "Logo"],
        "DefaultImageOptions": [{"Type": sort, "Limit": limit, "MinWidth": width} for sort, limit, width in _LIMITS],
    }
    if version != "10.11":
        film["SimilarItemProviders"] = [_choice("Local Genre/Tag", enabled=True)]
    return {
        "MetadataSavers": [_choice("Nfo", enabled=not new)],
        "MetadataReaders": [_choice("Nfo", enabled=True)],
        "SubtitleFetchers": [],
        "LyricFetchers": [],
        "MediaSegmentProviders": [],
        "TypeOptions": [film] if kind == "movies" else [],
    }
