# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of /Library/VirtualFolders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jellyfin_double import available, defaults, items
from jellyfin_double.answers import Answer, Refused, failed, given, invalid, nothing, problem, required
from jellyfin_double.models import WrongType
from jellyfin_double.router import Access, Route
from jellyfin_double.virtual_folders import NameExists

if TYPE_CHECKING:
    from jellyfin_double.application import Call


def _all(call: Call) -> Answer:
    call.app.broken_by_downgrade()
    return given([_listed(call, name) for name in call.app.virtual_folders.names()])


def _listed(call: Call, name: str) -> dict[str, Any]:
    virtual_folders = call.app.virtual_folders
    shown: dict[str, Any] = {"Name": name, "Locations": virtual_folders.locations(name)}
    kind = virtual_folders.kind(name)
    if kind:
        shown["CollectionType"] = kind
    found = virtual_folders.item(name)
    if found:
        # The options are those of the item's path; an item that a rename has left has none.
        directory, item = found
        shown |= {"LibraryOptions": virtual_folders.options(directory), "ItemId": item["id"]}
        progress = call.app.media.progress()
        if progress is not None:
            shown["RefreshProgress"] = progress
        shown["RefreshStatus"] = "Idle" if progress is None else "Active"
    return shown


def _options(value: Any, path: str) -> dict[str, Any]:
    try:
        return defaults.LIBRARY.read(value, path)
    except WrongType as wrong:
        errors = {"request": ["The request field is required."], wrong.path: [wrong.message]}
        raise Refused(invalid(errors)) from None


def _add(call: Call) -> Answer:
    app, request = call.app, call.request
    name = request.query("name")
    if not name or (not name.strip() and app.version == "10.11"):
        return required("name")
    if app.version == "10.11":
        name = name.strip()
    elif name != name.strip():
        return invalid({"name": ["Library name cannot be empty or have leading/trailing spaces."]})
    refresh = request.flag("refreshLibrary")
    # An unknown type is not an error: the library has no type.
    kind = (request.query("collectionType") or "").lower()
    body = request.optional_json("libraryOptionsDto") or {}
    options = _options(body.get("LibraryOptions") or {}, "$.LibraryOptions")
    paths = request.names("paths")
    if paths:
        options["PathInfos"] = [{"Path": path} for path in paths]
    if not all(Path(info["Path"]).is_dir() for info in options["PathInfos"]):
        return failed(400)
    made = app.virtual_folders.add(name, kind if kind in defaults.COLLECTION_TYPES else None, options)
    app.virtual_folders.validate()
    app.media.library_added(made)
    if refresh:
        app.media.start_scan()
    else:
        app.clock.sleep(1.0)
    return nothing()


def _existing(call: Call, name: str, refusal: Answer) -> str:
    """Return the name of an existing library inside the folder of the libraries."""
    if not call.app.virtual_folders.has(name):
        raise Refused(refusal)
    if name in (".", ".."):
        # The server joins the name to a path; the double refuses a path outside of the folder of the libraries.
        raise Refused(failed(500))
    return name


def _remove(call: Call) -> Answer:
    app = call.app
    name = _existing(call, call.request.text("name"), failed(404))
    refresh = call.request.flag("refreshLibrary")
    app.virtual_folders.remove(name)
    app.media.library_removed()
    if refresh:
        app.virtual_folders.validate(remove=True)
        app.media.start_scan()
    else:
        app.clock.sleep(1.0)
    return nothing()


def _rename(call: Call) -> Answer:
    app, request = call.app, call.request
    name = _existing(call, request.text("name"), given("The media collection does not exist.", 404))
    new = request.text("newName")
    refresh = request.flag("refreshLibrary")
    if "/" in new or new in (".", ".."):
        return failed(500)
    try:
        app.virtual_folders.rename(name, new)
    except NameExists as taken:
        return given(f"The media library already exists at {taken}.", 409)
    if refresh:
        app.virtual_folders.validate(remove=True)
        app.media.start_scan()
    else:
        app.clock.sleep(1.0)
    return nothing()


def _add_path(call: Call) -> Answer:
    app = call.app
    body = call.request.json("mediaPathDto")
    refresh = call.request.flag("refreshLibrary")
    if not body.get("Name"):
        return required("Name")
    path = (body.get("PathInfo") or {}).get("Path") or body.get("Path")
    if not path:
        # Not recorded: the server logs "PathInfo and Path can't both be null.".
        return failed(400)
    name = _existing(call, body["Name"], failed(404))
    if not Path(path).is_dir():
        return failed(404)
    app.virtual_folders.add_shortcut(name, path)
    options = app.virtual_folders.options(name)
    options["PathInfos"].append({"Path": path})
    app.virtual_folders.save_options(name, options)
    if refresh:
        app.media.start_scan()
    else:
        app.clock.sleep(1.0)
    return nothing()


def _remove_path(call: Call) -> Answer:
    app = call.app
    path = call.request.text("path")
    name = _existing(call, call.request.text("name"), failed(404))
    refresh = call.request.flag("refreshLibrary")
    app.virtual_folders.remove_path(name, path)
    app.media.library_removed()
    if refresh:
        app.media.start_scan()
    else:
        app.clock.sleep(1.0)
    return nothing()


def _update_path(call: Call) -> Answer:
    body = call.request.json("mediaPathRequestDto")
    if not body.get("Name"):
        return required("Name")
    _existing(call, body["Name"], failed(404))
    return nothing()


def _replace_options(call: Call) -> Answer:
    app = call.app
    body = call.request.json("request")
    options = _options(body.get("LibraryOptions") or {}, "$.LibraryOptions")
    name = app.virtual_folders.by_id(body.get("Id") or "")
    if name is None or not app.virtual_folders.has(name):
        return problem(404)
    app.virtual_folders.replace_options(name, options)
    return nothing()


def _available(call: Call) -> Answer:
    kind = (call.request.query("libraryContentType") or "").lower()
    return given(available.options(call.app.version, kind, new=call.request.flag("isNewLibrary")))


def _physical_paths(call: Call) -> Answer:
    # The recordings differ in the library paths of this list; all have the playlists.
    return given([str(call.app.folders.data / "data" / "playlists")])


def _media_folders(call: Call) -> Answer:
    app = call.app
    app.broken_by_downgrade()
    playlists = str(app.folders.data / "data" / "playlists")
    shown = [_folder(call, name, item) for name, item in app.virtual_folders.items.items()]
    lists = {"id": items.PLAYLISTS, "created": app.clock.stamp()}
    special = {"Type": "ManualPlaylistsFolder", "CollectionType": "playlists", "Path": playlists}
    shown.append({**_folder(call, "Playlists", lists), **special})
    shown.sort(key=lambda entry: str(entry["Name"]))
    return given({"Items": shown, "TotalRecordCount": len(shown), "StartIndex": 0})


def _folder(call: Call, name: str, item: dict[str, Any]) -> dict[str, Any]:
    app = call.app
    shown: dict[str, Any] = {
        "Name": name,
        "ServerId": app.state["server_id"],
        "Id": item["id"],
        "Etag": "0" * 32,
        "DateCreated": item["created"],
        "CanDelete": False,
        "CanDownload": False,
        "SortName": name.lower(),
        "ExternalUrls": [],
        "Path": str(app.virtual_folders.root / name),
        "EnableMediaSourceDisplay": True,
        "ChannelId": None,
        "Taglines": [],
        "Genres": [],
        "RemoteTrailers": [],
        "ProviderIds": {},
        "IsFolder": True,
        "ParentId": "e9d5075a555c1cbc394eec4cef295274",
        "Type": "CollectionFolder",
        "People": [],
        "Studios": [],
        "GenreItems": [],
        "LocalTrailerCount": 0,
        "SpecialFeatureCount": 0,
        "DisplayPreferencesId": item["id"],
        "Tags": [],
        "ImageTags": {},
        "BackdropImageTags": [],
        "ImageBlurHashes": {},
        "LocationType": "FileSystem",
        "MediaType": "Unknown",
        "LockedFields": [],
        "LockData": False,
    }
    if app.version != "10.11":
        shown["Chapters"] = []
    kind = app.virtual_folders.kind(name) if app.virtual_folders.has(name) else None
    return shown | ({"CollectionType": kind} if kind else {})


def _updated(call: Call) -> Answer:
    """Handle a report of changed paths: 204 also for one that is in no library."""
    body = call.request.json("dto")
    if not isinstance(body, dict):
        wanted = "Jellyfin.Api.Models.LibraryDtos.MediaUpdateInfoDto"
        message = f"The JSON value could not be converted to {wanted}. Path: $"
        return invalid({"$": [message], "dto": ["The dto field is required."]})
    updates = body.get("Updates", [])
    if updates is None:
        return required("Updates")
    paths = [str(update.get("Path") or "") for update in updates]
    if not all(paths):
        return failed(400)
    for path in paths:
        call.app.media.reported(path)
    return nothing()


def _films_updated(call: Call) -> Answer:
    """Handle a report of changed films by their ids in the query; without any, nothing is refreshed."""
    del call
    return nothing()


def _scan(call: Call) -> Answer:
    call.app.media.start_scan()
    return nothing()


ROUTES = (
    Route("GET", "/Library/VirtualFolders", Access.SETUP, _all),
    Route("POST", "/Library/VirtualFolders", Access.SETUP, _add),
    Route("DELETE", "/Library/VirtualFolders", Access.SETUP, _remove),
    Route("POST", "/Library/VirtualFolders/Name", Access.SETUP, _rename),
    Route("POST", "/Library/VirtualFolders/Paths", Access.SETUP, _add_path),
    Route("DELETE", "/Library/VirtualFolders/Paths", Access.SETUP, _remove_path),
    Route("POST", "/Library/VirtualFolders/Paths/Update", Access.SETUP, _update_path),
    Route("POST", "/Library/VirtualFolders/LibraryOptions", Access.SETUP, _replace_options),
    Route("GET", "/Libraries/AvailableOptions", Access.SETUP, _available),
    Route("GET", "/Library/PhysicalPaths", Access.ADMINISTRATOR, _physical_paths),
    Route("GET", "/Library/MediaFolders", Access.ADMINISTRATOR, _media_folders),
    Route("POST", "/Library/Media/Updated", Access.TOKEN, _updated),
    Route("POST", "/Library/Movies/Updated", Access.TOKEN, _films_updated),
    Route("POST", "/Library/Refresh", Access.ADMINISTRATOR, _scan),
)
