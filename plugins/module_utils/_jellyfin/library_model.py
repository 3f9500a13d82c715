# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A Jellyfin library as it is wanted and as the server lists it, both in one normal form. Pure."""

from __future__ import annotations

import posixpath
import re
import typing as t
import unicodedata
from dataclasses import dataclass, field

from .._core.errors import InvalidValue, ProtocolError

TYPES = ("movies", "tvshows", "music", "musicvideos", "homevideos", "boxsets", "books", "mixed")
# The server replaces these by blanks when it names the library's folder, and then uses only that name.
REPLACED = re.compile(r'[\x00-\x1f"<>|:*?\\/]')
NAME_BYTES = 200

# LibraryOptions in the OpenAPI documents of 10.11 and 12.0, each with a value of its type.
OPTIONS: dict[str, t.Any] = {
    **dict.fromkeys(
        (
            *("AutomaticallyAddToCollection", "EnableAutomaticSeriesGrouping", "EnableChapterImageExtraction"),
            *("EnableEmbeddedEpisodeInfos", "EnableEmbeddedExtrasTitles", "EnableEmbeddedTitles"),
            *("EnableInternetProviders", "EnableLUFSScan", "EnablePhotos", "EnableRealtimeMonitor"),
            *("EnableTrickplayImageExtraction", "Enabled", "ExtractChapterImagesDuringLibraryScan"),
            *("ExtractTrickplayImagesDuringLibraryScan", "PreferNonstandardArtistsTag"),
            *("RequirePerfectSubtitleMatch", "SaveLocalMetadata", "SaveLyricsWithMedia", "SaveSubtitlesWithMedia"),
            *("SaveTrickplayWithMedia", "SkipSubtitlesIfAudioTrackMatches"),
            *("SkipSubtitlesIfEmbeddedSubtitlesPresent", "UseCustomTagDelimiters"),
        ),
        False,
    ),
    **{
        name: ["text"]
        for name in (
            *("CustomTagDelimiters", "DelimiterWhitelist", "DisabledLocalMetadataReaders", "DisabledLyricFetchers"),
            *("DisabledMediaSegmentProviders", "DisabledSubtitleFetchers", "LocalMetadataReaderOrder"),
            *("LyricFetcherOrder", "MediaSegmentProviderOrder", "MetadataSavers", "SubtitleDownloadLanguages"),
            "SubtitleFetcherOrder",
        )
    },
    **dict.fromkeys(
        ("AllowEmbeddedSubtitles", "MetadataCountryCode", "PreferredMetadataLanguage", "SeasonZeroDisplayName"), "text"
    ),
    "AutomaticRefreshIntervalDays": 0,
    "TypeOptions": [{}],
}
CHOICES = {"AllowEmbeddedSubtitles": ("AllowAll", "AllowText", "AllowImage", "AllowNone")}
MONITOR = "EnableRealtimeMonitor"


@dataclass(frozen=True)
class WantedLibrary:
    """A wanted library. ``paths`` are normalised, in the given order and without duplicates."""

    name: str
    type: str = "movies"
    paths: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(frozen=True)
class Library:
    """A library that the server lists. ``complete`` is false after a rename, until the next scan."""

    name: str
    type: str
    locations: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    item_id: str = ""
    complete: bool = True

    @property
    def path_infos(self) -> tuple[str, ...]:
        """The paths in the options, unchanged."""
        infos = self.options.get("PathInfos") or ()
        return tuple(info["Path"] for info in infos if isinstance(info, dict) and isinstance(info.get("Path"), str))

    @property
    def folders(self) -> frozenset[str]:
        """All folders of the library, normalised. An emptied shortcut has none."""
        return frozenset(normal_path(path) for path in (*self.locations, *self.path_infos) if path.strip())

    @property
    def has_empty_location(self) -> bool:
        """Whether a shortcut is empty, as after a power cut: the next scan drops the items of its folder."""
        return any(not path.strip() for path in self.locations)


def parse_wanted(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[WantedLibrary]:
    """Return the wanted libraries. Raises InvalidValue for values that Jellyfin would change or cannot store."""
    wanted: dict[str, WantedLibrary] = {}
    for entry in given:
        name = entry["name"]
        check_name(name)
        if name_key(name) in wanted:
            raise InvalidValue(
                f"libraries: {name!r} is listed twice (Jellyfin ignores the case); remove one of the two"
            )
        absent = entry.get("state", "present") == "absent"
        wanted[name_key(name)] = WantedLibrary(
            name,
            _type(name, entry.get("type")) if not absent else "",
            _paths(name, entry.get("paths") or ()) if not absent else (),
            {} if absent else {key: value for key, value in (entry.get("options") or {}).items() if value is not None},
            absent=absent,
        )
    return list(wanted.values())


def check_name(name: str) -> None:
    """Raise InvalidValue for a name that Jellyfin would change or that is not valid for a folder."""
    if not name or name != name.strip():
        raise InvalidValue(f"libraries: the name {name!r} is empty, or begins or ends with a blank; correct it")
    if wrong := REPLACED.search(name):
        raise InvalidValue(
            f"libraries: the name {name!r} contains {wrong.group()!r}, which Jellyfin replaces by a blank; choose a"
            " name without it"
        )
    if name.startswith(".") or len(name.encode()) > NAME_BYTES:
        raise InvalidValue(
            f"libraries: the name {name!r} begins with a dot or has more than {NAME_BYTES} bytes, but Jellyfin makes a"
            " folder of that name; choose another name"
        )


def name_key(name: str) -> str:
    """Return a key that is equal for names that differ only in case or Unicode normalization form.

    Jellyfin's database does not distinguish such names.
    """
    return unicodedata.normalize("NFC", name).casefold()


def normal_path(path: str) -> str:
    """Return the path without trailing slashes, as the server lists it."""
    return path.rstrip("/") or "/"


def overlap(one: str, other: str) -> bool:
    """Return whether one folder is the other or is inside it."""
    return one == other or one.startswith(other.rstrip("/") + "/") or other.startswith(one.rstrip("/") + "/")


def parse_found(entry: t.Mapping[str, t.Any]) -> Library:
    """Return one entry of GET /Library/VirtualFolders. Raises ProtocolError."""
    name, locations, options = entry.get("Name"), entry.get("Locations"), entry.get("LibraryOptions")
    if not isinstance(name, str) or not isinstance(locations or [], list) or not isinstance(options or {}, dict):
        raise ProtocolError(
            "GET /Library/VirtualFolders: an entry without a name, or in another form; is this Jellyfin?"
        )
    item_id = entry.get("ItemId")
    return Library(
        name,
        # The server lists a mixed library without a type.
        str(entry.get("CollectionType") or "mixed"),
        tuple(str(path) for path in locations or ()),
        options or {},
        item_id if isinstance(item_id, str) else "",
        complete=bool(options) and bool(item_id),
    )


def _type(name: str, value: t.Any) -> str:
    if value not in TYPES:
        raise InvalidValue(f"libraries: {name}: type must be one of {', '.join(TYPES)}, not {value!r}")
    return str(value)


def _paths(name: str, given: t.Sequence[t.Any]) -> tuple[str, ...]:
    where = f"libraries: {name}: paths"
    if not given:
        raise InvalidValue(f"{where} must name at least one folder")
    paths: list[str] = []
    for path in given:
        if not isinstance(path, str) or not path.startswith("/") or re.search(r"[\x00-\x1f]", path):
            raise InvalidValue(f"{where}: {path!r} is not an absolute path; write the path in the server's container")
        normal = normal_path(path)
        plain = posixpath.normpath(normal) == normal and not normal.startswith("//")
        if normal == "/" or not plain or normal != path.strip().rstrip("/"):
            raise InvalidValue(
                f"{where}: {path!r} must be a folder below /, without '.', '..', '//' or blanks around it"
            )
        for other in paths:
            if overlap(normal, other):
                raise InvalidValue(
                    f"{where}: {normal} and {other} are the same folder, or one is inside the other; remove one"
                )
        paths.append(normal)
    return tuple(paths)
