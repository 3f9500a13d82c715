# SPDX-License-Identifier: GPL-3.0-or-later
"""What is listed: /Items, the views, counts and watched marks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jellyfin_double.answers import Answer, Refused, given, nothing, problem
from jellyfin_double.router import Route, Who

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


def _user(call: Call) -> dict[str, Any] | None:
    """Whose eyes the list is seen with: the user named in the query, or the caller."""
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
    """Names of the libraries that a user may see. A policy that names an old id shows nothing of a renamed one."""
    shelf = call.app.shelf
    names = [name for name in shelf.names() if name in shelf.items]
    if user is None or user["policy"]["EnableAllFolders"]:
        return names
    allowed = {str(entry).replace("-", "") for entry in user["policy"]["EnabledFolders"]}
    return [name for name in names if shelf.items[name]["id"] in allowed]


def _list(call: Call) -> Answer:
    app, request = call.app, call.request
    app.broken_by_downgrade()
    user = _user(call)
    recursive = request.flag("recursive")
    parent = request.query("parentId")
    library = app.shelf.by_id(parent) if parent else None
    libraries = _visible(call, user)
    if library is None and not recursive and not (parent and parent in app.media.items):
        return _page(call, [_view(call, name) for name in sorted(libraries)])
    inside = _inside(call, libraries)
    if library is not None:
        inside = {key: item for key, item in inside.items() if _library(call, item) == library}
    elif parent and parent in app.media.items:
        inside = {key: item for key, item in inside.items() if item["series"] == parent}
    # Any other parent is not known: the server then starts at the root, and lists everything (read, not recorded).
    if not recursive:
        inside = {key: item for key, item in inside.items() if parent in app.media.items or not item["series"]}
    wanted = request.names("includeItemTypes")
    ids = [entry.replace("-", "") for entry in request.names("ids")]
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
    found = call.app.shelf.scanned().get(item["location"])
    return found[0] if found else None


def _inside(call: Call, libraries: list[str]) -> dict[str, dict[str, Any]]:
    owners = {path: name for path, (name, _) in call.app.shelf.scanned().items()}
    return {
        key: item
        for key, item in call.app.media.items.items()
        # What an earlier path of a library has left behind stays listed until a scan.
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
    if "Path" in fields:
        shown["Path"] = item["path"]
    shown["ChannelId"] = None
    if not item["folder"]:
        # The double opens no file: every one of them lasts three seconds.
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
        "Id": app.shelf.items[name]["id"],
        "ChannelId": None,
        "IsFolder": True,
        "Type": "CollectionFolder",
    }
    kind = app.shelf.kind(name)
    if kind:
        # A view has no type "mixed": the library's type is left out then.
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
    name = call.app.shelf.by_id(call.values["itemId"])
    if name is not None:
        return given(_view(call, name))
    key, item = _item(call)
    return given(_listed(call, key, item, _user(call), ["Path", "DateCreated"]))


def _refresh(call: Call) -> Answer:
    app = call.app
    name = app.shelf.by_id(call.values["itemId"])
    if name is None:
        _item(call)  # an item that is none is 404; the double has nothing to refresh in one that is
        return nothing()
    app.media.start_refresh(name)
    return nothing()


def _counts(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    sorts = [item["type"] for item in _inside(call, _visible(call, _user(call))).values()]
    # ItemCount stays 0, as on the real server.
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
    Route("GET", "/Items", Who.TOKEN, _list),
    Route("GET", "/Items/Counts", Who.TOKEN, _counts),
    Route("GET", "/Items/{itemId}", Who.TOKEN, _one),
    Route("POST", "/Items/{itemId}/Refresh", Who.ADMINISTRATOR, _refresh),
    Route("GET", "/UserViews", Who.TOKEN, _views),
    Route("POST", "/UserPlayedItems/{itemId}", Who.TOKEN, _mark),
    Route("DELETE", "/UserPlayedItems/{itemId}", Who.TOKEN, _unmark),
)
