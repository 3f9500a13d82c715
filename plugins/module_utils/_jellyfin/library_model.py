# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: a Jellyfin library as it is wanted and as the server lists it, both in one spelling."""

from __future__ import annotations

import posixpath
import re
import typing as t
import unicodedata
from dataclasses import dataclass, field

from .._core.errors import InvalidValue, ProtocolError

TYPES = ("movies", "tvshows", "music", "musicvideos", "homevideos", "boxsets", "books", "mixed")
# The server makes blanks of these when it names the library's folder, and then knows that name alone.
RESPELT = re.compile(r'[\x00-\x1f"<>|:*?\\/]')
NAME_BYTES = 200

# LibraryOptions of the OpenAPI documents of 10.11 and 12.0, with a value of each one's type.
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
    """What the user asks for. Paths are normal, in the order given, and each is there once."""

    name: str
    type: str = "movies"
    paths: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(frozen=True)
class Library:
    """What the server lists. ``complete`` is false right after a rename, until the server has looked again."""

    name: str
    type: str
    locations: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    item_id: str = ""
    complete: bool = True

    @property
    def path_infos(self) -> tuple[str, ...]:
        """The paths that the options name, as they are spelt there."""
        infos = self.options.get("PathInfos") or ()
        return tuple(info["Path"] for info in infos if isinstance(info, dict) and isinstance(info.get("Path"), str))

    @property
    def folders(self) -> frozenset[str]:
        """Every folder that the library has anything to do with. An emptied shortcut names none."""
        return frozenset(normal_path(path) for path in (*self.locations, *self.path_infos) if path.strip())

    @property
    def has_empty_location(self) -> bool:
        """Whether a power cut has emptied a shortcut: the next scan drops the items that it led to."""
        return any(not path.strip() for path in self.locations)


def parse_wanted(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[WantedLibrary]:
    """Return the wanted libraries. Raises InvalidValue for what Jellyfin would respell or could not keep."""
    wanted: dict[str, WantedLibrary] = {}
    for entry in given:
        name = entry["name"]
        check_name(name)
        if same_name(name) in wanted:
            raise InvalidValue(f"libraries: {name!r} is listed twice (Jellyfin does not tell upper from lower case)")
        absent = entry.get("state", "present") == "absent"
        wanted[same_name(name)] = WantedLibrary(
            name,
            _type(name, entry.get("type")) if not absent else "",
            _paths(name, entry.get("paths") or ()) if not absent else (),
            {} if absent else {key: value for key, value in (entry.get("options") or {}).items() if value is not None},
            absent=absent,
        )
    return list(wanted.values())


def check_name(name: str) -> None:
    """Raise InvalidValue for a name that Jellyfin would write in another way, or take for a folder elsewhere."""
    if not name or name != name.strip():
        raise InvalidValue(f"libraries: the name {name!r} is empty or begins or ends with a blank")
    if wrong := RESPELT.search(name):
        raise InvalidValue(
            f"libraries: the name {name!r} holds {wrong.group()!r}; Jellyfin would make a blank of it, and know the"
            " library by that name alone"
        )
    if name.startswith(".") or len(name.encode()) > NAME_BYTES:
        raise InvalidValue(
            f"libraries: the name {name!r} begins with a dot or has more than {NAME_BYTES} bytes; Jellyfin makes a"
            " folder of that name"
        )


def same_name(name: str) -> str:
    """Return what is equal for names that people, or Jellyfin's look into its database, would take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def normal_path(path: str) -> str:
    """Return the path without its last slashes, as the server lists it."""
    return path.rstrip("/") or "/"


def overlap(one: str, other: str) -> bool:
    """Tell whether one folder is the other, or lies within it."""
    return one == other or one.startswith(other.rstrip("/") + "/") or other.startswith(one.rstrip("/") + "/")


def parse_found(entry: t.Mapping[str, t.Any]) -> Library:
    """Return one entry of GET /Library/VirtualFolders. Raises ProtocolError."""
    name, locations, options = entry.get("Name"), entry.get("Locations"), entry.get("LibraryOptions")
    if not isinstance(name, str) or not isinstance(locations or [], list) or not isinstance(options or {}, dict):
        raise ProtocolError("GET /Library/VirtualFolders: an entry without name, or of another form; is this Jellyfin?")
    item_id = entry.get("ItemId")
    return Library(
        name,
        # A library without a type takes anything, as a mixed one does.
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
            raise InvalidValue(f"{where}: {path!r} is no absolute path, as the server sees it")
        normal = normal_path(path)
        plain = posixpath.normpath(normal) == normal and not normal.startswith("//")
        if normal == "/" or not plain or normal != path.strip().rstrip("/"):
            raise InvalidValue(
                f"{where}: {path!r} must be a folder below /, without '.', '..', '//' or blanks around it"
            )
        for other in paths:
            if overlap(normal, other):
                raise InvalidValue(f"{where}: {normal} and {other} are one folder, or one lies within the other")
        paths.append(normal)
    return tuple(paths)
