# SPDX-License-Identifier: GPL-3.0-or-later
"""/Items, views and counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jellyfin_double import disk, marks
from jellyfin_double.answers import Answer, failed, given, nothing, problem
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Application, Call

_COUNTS = {
    "MovieCount": "Movie",
    "SeriesCount": "Series",
    "EpisodeCount": "Episode",
    "ArtistCount": "",
    "ProgramCount": "",
    "TrailerCount": "",
    "SongCount": "Audio",
    "AlbumCount": "",
    "MusicVideoCount": "MusicVideo",
    "BoxSetCount": "",
    "BookCount": "Book",
}
_SOUND = ("Audio",)
# The id of the folder of playlists, on every server.
PLAYLISTS = "1071671e7bffa0532e930debee501d2e"
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _visible(call: Call, user: dict[str, Any] | None) -> list[str]:
    """Return the libraries that a user may see. A policy with an old id does not match a renamed library."""
    virtual_folders = call.app.virtual_folders
    names = [name for name in virtual_folders.names() if name in virtual_folders.items]
    if user is None or user["policy"]["EnableAllFolders"]:
        return names
    allowed = {str(entry).replace("-", "") for entry in user["policy"]["EnabledFolders"]}
    return [name for name in names if virtual_folders.items[name]["id"] in allowed]


def _list(call: Call) -> Answer:
    app, request = call.app, call.request
    app.broken_by_downgrade()
    user = marks.user_of(call)
    recursive = request.flag("recursive")
    parent = request.query("parentId")
    library = app.virtual_folders.by_id(parent) if parent else None
    libraries = _visible(call, user)
    ids = [entry.replace("-", "").lower() for entry in request.names("ids") if _ID.fullmatch(entry)]
    # With readable ids the whole tree is searched. Without any, the filter is ignored.
    recursive = recursive or bool(ids)
    if library is None and not recursive and not (parent and parent in app.media.items):
        if user is None:
            return _page(call, _roots(call, request.names("fields")))
        return _page(call, [_view(call, name) for name in sorted(libraries)])
    inside = _inside(call, libraries)
    if library is not None:
        inside = {key: item for key, item in inside.items() if _library(call, item) == library}
    elif parent and parent in app.media.items:
        inside = {key: item for key, item in inside.items() if item["series"] == parent}
    # With an unknown parent the server starts at the root and lists everything (from its source, not recorded).
    if not recursive:
        inside = {key: item for key, item in inside.items() if parent in app.media.items or not item["series"]}
    wanted = request.names("includeItemTypes")
    search = (request.query("searchTerm") or "").lower()
    chosen = [
        (key, item)
        for key, item in inside.items()
        if (not wanted or item["type"] in wanted)
        and (not ids or key in ids)
        and (not search or search in item["name"].lower())
        and (user is None or not request.flag("isPlayed") or marks.of(call, user, key)["played"])
    ]
    chosen.sort(key=lambda entry: (entry[1]["name"].lower(), entry[1]["path"]))
    fields = request.names("fields")
    return _page(call, [_listed(call, key, item, user, fields) for key, item in chosen])


def _page(call: Call, entries: list[dict[str, Any]]) -> Answer:
    start = call.request.number("startIndex") or 0
    limit = call.request.number("limit")
    shown = entries[start:] if limit is None else entries[start : start + limit]
    return given({"Items": shown, "TotalRecordCount": len(entries), "StartIndex": start})


def _library(call: Call, item: dict[str, Any]) -> str | None:
    found = call.app.virtual_folders.scanned().get(item["location"])
    return found[0] if found else None


def _inside(call: Call, libraries: list[str]) -> dict[str, dict[str, Any]]:
    owners = {path: name for path, (name, _) in call.app.virtual_folders.scanned().items()}
    return {
        key: item
        for key, item in call.app.media.items.items()
        # Items of a removed path of a library stay listed until a scan.
        if owners.get(item["location"]) in libraries or item["location"] not in owners
    }


def _listed(
    call: Call, key: str, item: dict[str, Any], user: dict[str, Any] | None, fields: list[str]
) -> dict[str, Any]:
    shown: dict[str, Any] = {"Name": title(call.app, item), "ServerId": call.app.state["server_id"], "Id": key}
    if "DateCreated" in fields:
        shown["DateCreated"] = item["created"]
    if not item["folder"]:
        shown["Container"] = Path(item["path"]).suffix[1:]
    if "MediaSources" in fields and not item["folder"]:
        shown["MediaSources"] = sources(call, key, item)
    if "Path" in fields:
        shown["Path"] = item["path"]
    shown["ChannelId"] = None
    if not item["folder"]:
        shown["RunTimeTicks"] = marks.RUN_TIME_TICKS
    if item["year"]:
        shown["ProductionYear"] = item["year"]
    shown |= _numbers(call.app, item)
    shown |= {"IsFolder": item["folder"], "Type": item["type"]}
    if user is not None:
        shown["UserData"] = marks.listed(call, user, key, item)
    sound = item["type"] in _SOUND
    if not item["folder"] and not sound:
        shown["VideoType"] = "VideoFile"
    media = "Unknown" if item["folder"] else "Audio" if sound else "Video"
    return shown | _pictures(media)


def now_playing(app: Application, key: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a session, without what the server reads in the file."""
    return {
        "Name": title(app, item),
        "ServerId": app.state["server_id"],
        "Id": key,
        "DateCreated": item["created"],
        "Container": Path(item["path"]).suffix[1:],
        "ExternalUrls": [],
        "Path": item["path"],
        "EnableMediaSourceDisplay": True,
        "ChannelId": None,
        "Taglines": [],
        "Genres": [],
        "RunTimeTicks": marks.RUN_TIME_TICKS,
        **({"ProductionYear": item["year"]} if item["year"] else {}),
        "ProviderIds": {},
        **_numbers(app, item),
        "IsFolder": False,
        "ParentId": item.get("season") or item.get("series") or disk.identifier("Folder", item["location"]),
        "Type": item["type"],
        "Studios": [],
        "GenreItems": [],
        "LocalTrailerCount": 0,
        "SpecialFeatureCount": 0,
        "VideoType": "VideoFile",
        "MediaStreams": [],
        "Chapters": [],
        "Trickplay": {},
        **_pictures("Video"),
    }


def _numbers(app: Application, item: dict[str, Any]) -> dict[str, Any]:
    """Return number, season and series of an episode or season; those that it has."""
    shown: dict[str, Any] = {"IndexNumber": item.get("number"), "ParentIndexNumber": item.get("season_number")}
    for name in ("series", "season"):
        other = app.media.items.get(item.get(name) or "")
        if other:
            shown |= {f"{name.title()}Id": item[name], f"{name.title()}Name": title(app, other)}
    return {key: value for key, value in shown.items() if value is not None}


def title(app: Application, item: dict[str, Any]) -> str:
    """Return the name of an item. In 12 that of a series has no year."""
    name = str(item["name"])
    return disk.without_year(name) if item["type"] == "Series" and app.version != "10.11" else name


def sources(call: Call, key: str, item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the media sources: the item's own file, and its versions."""
    # In 12 a version has the id of a film, in 10.11 that of the item that it also is.
    sort = "Video" if call.app.version == "10.11" else "Movie"
    versions = [source(disk.identifier(sort, path), path, item["path"]) for path in item.get("versions", ())]
    return [source(key, item["path"], item["path"]), *versions]


def source(key: str, path: str, first: str) -> dict[str, Any]:
    """Return a media source, without what the server reads in the file. A version is called by its label."""
    label = Path(path).stem.removeprefix(f"{Path(first).parent.name} - ") if path != first else Path(path).stem
    return {
        "Protocol": "File",
        "Id": key,
        "Path": path,
        "Type": "Default",
        "Container": Path(path).suffix[1:],
        "Name": label,
        "IsRemote": False,
        "ReadAtNativeFramerate": False,
        "IgnoreDts": False,
        "IgnoreIndex": False,
        "GenPtsInput": False,
        "SupportsTranscoding": True,
        "SupportsDirectStream": True,
        "SupportsDirectPlay": True,
        "IsInfiniteStream": False,
        "UseMostCompatibleTranscodingProfile": False,
        "RequiresOpening": False,
        "RequiresClosing": False,
        "RequiresLooping": False,
        "SupportsProbing": True,
        "VideoType": "VideoFile",
        "MediaStreams": [],
        "MediaAttachments": [],
        "Formats": [],
        "RequiredHttpHeaders": {},
        "TranscodingSubProtocol": "http",
        "HasSegments": False,
    }


def _pictures(media: str) -> dict[str, Any]:
    return {
        "ImageTags": {},
        "BackdropImageTags": [],
        "ImageBlurHashes": {},
        "LocationType": "FileSystem",
        "MediaType": media,
    }


def _roots(call: Call, fields: list[str]) -> list[dict[str, Any]]:
    """Return the folders that a request without a user lists where its filter is ignored."""
    app = call.app
    folders = [(Path(path).name, disk.identifier("Folder", path), path, {"Type": "Folder"}) for path in app.media.known]
    playlists = str(app.folders.data / "data" / "playlists")
    kind = {"Type": "ManualPlaylistsFolder", "CollectionType": "playlists"}
    folders.append(("Playlists", PLAYLISTS, playlists, kind))
    return [
        {
            "Name": name,
            "ServerId": app.state["server_id"],
            "Id": key,
            **({"Path": path} if "Path" in fields else {}),
            "ChannelId": None,
            "IsFolder": True,
            **sort,
            **_pictures("Unknown"),
        }
        for name, key, path, sort in sorted(folders, key=lambda one: one[0].lower())
    ]


def _view(call: Call, name: str) -> dict[str, Any]:
    app = call.app
    shown: dict[str, Any] = {
        "Name": name,
        "ServerId": app.state["server_id"],
        "Id": app.virtual_folders.items[name]["id"],
        "ChannelId": None,
        "IsFolder": True,
        "Type": "CollectionFolder",
    }
    kind = app.virtual_folders.kind(name)
    if kind:
        # A view has no type "mixed"; the type is omitted.
        shown |= {"CollectionType": kind} if kind != "mixed" else {}
    return shown | _pictures("Unknown")


def _views(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    user = marks.user_of(call)
    if user is None:
        return problem(400)
    return _page(call, [_view(call, name) for name in sorted(_visible(call, user))])


def _one(call: Call) -> Answer:
    if call.caller.key and call.request.query("userId") is None:
        return failed(400)  # it needs a user, there or not
    name = call.app.virtual_folders.by_id(call.values["itemId"])
    if name is not None:
        return given(_view(call, name))
    key, item = marks.item_of(call)
    return given(_listed(call, key, item, marks.user_of(call), ["Path", "DateCreated"]))


def _refresh(call: Call) -> Answer:
    app = call.app
    name = app.virtual_folders.by_id(call.values["itemId"])
    if name is None:
        marks.item_of(call)  # an unknown item is 404; for a known one the double has nothing to refresh
        return nothing()
    app.media.start_refresh(name)
    return nothing()


def _counts(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    sorts = [item["type"] for item in _inside(call, _visible(call, marks.user_of(call))).values()]
    # ItemCount stays 0, as on the server.
    return given({name: sorts.count(sort) for name, sort in _COUNTS.items()} | {"ItemCount": 0})


def _resume(call: Call) -> Answer:
    """List what a user has begun; in 12 with its season and series."""
    app, user = call.app, marks.user_of(call)
    if user is None:
        return failed(400)
    items = app.media.items
    begun = [key for key, item in items.items() if not item["folder"] and marks.of(call, user, key)["position"]]
    parents = [] if app.version == "10.11" else [items[key].get(name) for key in begun for name in ("season", "series")]
    keys = dict.fromkeys([*begun, *(key for key in parents if key in items)])
    entries = []
    for key in keys:
        shown = _listed(call, key, items[key], user, [])
        if not items[key]["folder"]:
            shown["UserData"]["Key"] = marks.dashed(key)  # in this list it is not the key that is stored
        if items[key]["type"] == "Series":
            shown["AirDays"] = []
        entries.append(shown)
    return _page(call, sorted(entries, key=lambda one: (str(one["Name"]), str(one["Type"]))))


ROUTES = (
    Route("GET", "/Items", Access.TOKEN, _list),
    Route("GET", "/Items/Counts", Access.TOKEN, _counts),
    Route("GET", "/Items/{itemId}", Access.TOKEN, _one),
    Route("POST", "/Items/{itemId}/Refresh", Access.ADMINISTRATOR, _refresh),
    Route("GET", "/UserViews", Access.TOKEN, _views),
    Route("GET", "/UserItems/Resume", Access.TOKEN, _resume),
)
