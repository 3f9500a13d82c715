# SPDX-License-Identifier: GPL-3.0-or-later
"""/Items, views, counts and watched marks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jellyfin_double.answers import Answer, Refused, given, nothing, problem
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call

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
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _user(call: Call) -> dict[str, Any] | None:
    """Return the user of the list: the one in the query, or the caller."""
    named = call.request.query("userId")
    if named is None:
        return call.caller.user
    user = call.app.user(named)
    if user is None:
        raise Refused(problem(404))
    if user is not call.caller.user and not call.caller.administrator:
        raise Refused(nothing(403))
    return user


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
    user = _user(call)
    recursive = request.flag("recursive")
    parent = request.query("parentId")
    library = app.virtual_folders.by_id(parent) if parent else None
    libraries = _visible(call, user)
    ids = [entry.replace("-", "").lower() for entry in request.names("ids") if _ID.fullmatch(entry)]
    # With readable ids the whole tree is searched. Without any, the filter is ignored.
    recursive = recursive or bool(ids)
    if library is None and not recursive and not (parent and parent in app.media.items):
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
    shown: dict[str, Any] = {"Name": item["name"], "ServerId": call.app.state["server_id"], "Id": key}
    if "DateCreated" in fields:
        shown["DateCreated"] = item["created"]
    if not item["folder"]:
        shown["Container"] = Path(item["path"]).suffix[1:]
    if "MediaSources" in fields and not item["folder"]:
        shown["MediaSources"] = [_source(path) for path in (item["path"], *item.get("versions", ()))]
    if "Path" in fields:
        shown["Path"] = item["path"]
    shown["ChannelId"] = None
    if not item["folder"]:
        # The double opens no file; every film has a duration of three seconds.
        shown["RunTimeTicks"] = 30000000
    if item["year"]:
        shown["ProductionYear"] = item["year"]
    shown |= {"IsFolder": item["folder"], "Type": item["type"]}
    if item["series"]:
        shown["SeriesId"] = item["series"]
    if user is not None:
        shown["UserData"] = _marks(call, user, key)
    sound = item["type"] in _SOUND
    if not item["folder"] and not sound:
        shown["VideoType"] = "VideoFile"
    media = "Unknown" if item["folder"] else "Audio" if sound else "Video"
    return shown | {
        "ImageTags": {},
        "BackdropImageTags": [],
        "ImageBlurHashes": {},
        "LocationType": "FileSystem",
        "MediaType": media,
    }


def _source(path: str) -> dict[str, Any]:
    """Return a media source, without what the server reads in the file."""
    return {"Protocol": "File", "Path": path, "Type": "Default", "Name": Path(path).stem, "IsRemote": False}


def _marks(call: Call, user: dict[str, Any], key: str) -> dict[str, Any]:
    played = call.app.state["played"].get(user["id"], {}).get(key)
    shown: dict[str, Any] = {
        "PlaybackPositionTicks": 0,
        "PlayCount": played["count"] if played else 0,
        "IsFavorite": False,
    }
    if played:
        shown["LastPlayedDate"] = played["last"]
    dashed = "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))
    return shown | {"Played": bool(played), "Key": dashed, "ItemId": key}


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
    return shown | {
        "ImageTags": {},
        "BackdropImageTags": [],
        "ImageBlurHashes": {},
        "LocationType": "FileSystem",
        "MediaType": "Unknown",
    }


def _views(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    user = _user(call)
    if user is None:
        return problem(400)
    return _page(call, [_view(call, name) for name in sorted(_visible(call, user))])


def _item(call: Call) -> tuple[str, dict[str, Any]]:
    key = call.values["itemId"].replace("-", "").lower()
    item = call.app.media.items.get(key)
    if item is None:
        raise Refused(problem(404))
    return key, item


def _one(call: Call) -> Answer:
    name = call.app.virtual_folders.by_id(call.values["itemId"])
    if name is not None:
        return given(_view(call, name))
    key, item = _item(call)
    return given(_listed(call, key, item, _user(call), ["Path", "DateCreated"]))


def _refresh(call: Call) -> Answer:
    app = call.app
    name = app.virtual_folders.by_id(call.values["itemId"])
    if name is None:
        _item(call)  # an unknown item is 404; for a known one the double has nothing to refresh
        return nothing()
    app.media.start_refresh(name)
    return nothing()


def _counts(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    sorts = [item["type"] for item in _inside(call, _visible(call, _user(call))).values()]
    # ItemCount stays 0, as on the server.
    return given({name: sorts.count(sort) for name, sort in _COUNTS.items()} | {"ItemCount": 0})


def _mark(call: Call) -> Answer:
    user, (key, _) = _user(call), _item(call)
    if user is None:
        return problem(400)
    marks = call.app.state["played"].setdefault(user["id"], {})
    before = marks.get(key, {"count": 0})
    marks[key] = {"count": before["count"] + 1, "last": call.app.clock.stamp()}
    call.app.store.save()
    return given(_marks(call, user, key))


def _unmark(call: Call) -> Answer:
    user, (key, _) = _user(call), _item(call)
    if user is None:
        return problem(400)
    call.app.state["played"].get(user["id"], {}).pop(key, None)
    call.app.store.save()
    return given(_marks(call, user, key))


ROUTES = (
    Route("GET", "/Items", Access.TOKEN, _list),
    Route("GET", "/Items/Counts", Access.TOKEN, _counts),
    Route("GET", "/Items/{itemId}", Access.TOKEN, _one),
    Route("POST", "/Items/{itemId}/Refresh", Access.ADMINISTRATOR, _refresh),
    Route("GET", "/UserViews", Access.TOKEN, _views),
    Route("POST", "/UserPlayedItems/{itemId}", Access.TOKEN, _mark),
    Route("DELETE", "/UserPlayedItems/{itemId}", Access.TOKEN, _unmark),
)
