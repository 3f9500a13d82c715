# SPDX-License-Identifier: GPL-3.0-or-later
"""Information about the server."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jellyfin_double import tasks
from jellyfin_double.answers import Answer, Refused, given, nothing, problem, text
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call

_PLUGINS = (
    ("AudioDB", "AudioDb", "a629c0dafac54c7e931a7174223f14c8", "Get artist and album metadata or images from AudioDB."),
    (
        *("ListenBrainz Similarity Provider", "ListenBrainz", "a5b2e8c19d4f4a3b8c7e6f1a2b3c4d5e"),
        "Get similar artist recommendations from ListenBrainz Labs.",
    ),
    ("OMDb", "Omdb", "a628c0dafac54c7e9d1a7134223f14c8", "Get metadata for movies and other video content from OMDb."),
    (
        *("Studio Images", "StudioImages", "872a78491171458da6fb3de3d442ad30"),
        "Get artwork for studios from any Jellyfin-compatible repository.",
    ),
)
_PAGE = "<!DOCTYPE html><html><head><title>Jellyfin</title></head><body></body></html>"


def public(call: Call) -> dict[str, Any]:
    app = call.app
    return {
        "LocalAddress": f"http://{call.request.local}",
        "ServerName": app.settings.system.get("ServerName") or app.hostname,
        "Version": app.release,
        "ProductName": "Jellyfin Server",
        "OperatingSystem": "",
        "Id": app.state["server_id"],
        "StartupWizardCompleted": app.settings.wizard_completed,
    }


def _public(call: Call) -> Answer:
    return given(public(call))


def _info(call: Call) -> Answer:
    app = call.app
    folders = app.folders
    shown = {
        "OperatingSystemDisplayName": "",
        "HasPendingRestart": False,
        "IsShuttingDown": False,
        "SupportsLibraryMonitor": True,
        "WebSocketPortNumber": app.settings.named["network"]["InternalHttpPort"],
        "CompletedInstallations": [],
        "CanSelfRestart": True,
        "CanLaunchWebBrowser": False,
        "ProgramDataPath": str(folders.data),
        "WebPath": str(folders.web),
        "ItemsByNamePath": str(folders.data / "metadata"),
        "CachePath": str(folders.cache),
        "LogPath": str(folders.log),
        "InternalMetadataPath": str(folders.data / "metadata"),
        "TranscodingTempPath": str(folders.cache / "transcodes"),
        "CastReceiverApplications": app.settings.system["CastReceiverApplications"],
        "HasUpdateAvailable": False,
        "EncoderLocation": "System",
        "SystemArchitecture": "X64",
    }
    return given(shown | public(call))


def _ping(call: Call) -> Answer:
    return given("Jellyfin Server")


def _health(call: Call) -> Answer:
    return text("Healthy")


def _space(path: Path | str, version: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"Path": str(path)}
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return shown | {"FreeSpace": -1, "UsedSpace": -1}
    device = "/" if version != "10.11" else str(path)
    return shown | {"FreeSpace": usage.free, "UsedSpace": usage.used, "StorageType": "Fixed", "DeviceId": device}


def _storage(call: Call) -> Answer:
    app, folders = call.app, call.app.folders
    named = {
        "ProgramDataFolder": folders.data,
        "WebFolder": folders.web,
        "ImageCacheFolder": folders.cache / "images",
        "CacheFolder": folders.cache,
        "LogFolder": folders.log,
        "InternalMetadataFolder": folders.data / "metadata",
        "TranscodingTempFolder": folders.cache / "transcodes",
    }
    shown: dict[str, Any] = {name: _space(path, app.version) for name, path in named.items()}
    shown["Libraries"] = [
        {
            "Id": app.virtual_folders.items[name]["id"],
            "Name": name,
            "Folders": [_space(path, app.version) for path in app.virtual_folders.locations(name)],
        }
        for name in app.virtual_folders.names()
        if name in app.virtual_folders.items
    ]
    return given(shown)


def _logs(call: Call) -> Answer:
    now = call.app.clock.stamp()
    day = now[:10].replace("-", "")
    return given([{"DateCreated": now, "DateModified": now, "Size": 4096, "Name": f"log_{day}.log"}])


def _plugins(call: Call) -> Answer:
    app = call.app
    old = app.version == "10.11"
    return given(
        [
            {
                "Name": name,
                "Version": f"{app.release}.0",
                "ConfigurationFileName": f"Jellyfin.Plugin.{stem}.xml",
                "Description": description,
                "Id": identifier,
                "CanUninstall": False,
                "HasImage": not old,
                "Status": "Active",
            }
            for name, stem, identifier, description in _PLUGINS
            if not (old and stem == "ListenBrainz")
        ]
    )


def _backups(call: Call) -> Answer:
    return given([])


def _tasks(call: Call) -> list[dict[str, Any]]:
    app = call.app
    return tasks.listed(app.version, app.started, app.state["last_scan"], app.media.progress())


def _all_tasks(call: Call) -> Answer:
    return given(_tasks(call))


def _task(call: Call) -> dict[str, Any]:
    wanted = call.values["taskId"].replace("-", "").lower()
    found = next((task for task in _tasks(call) if task["Id"] == wanted), None)
    if found is None:
        raise Refused(problem(404))
    return found


def _one_task(call: Call) -> Answer:
    return given(_task(call))


def _start_task(call: Call) -> Answer:
    if _task(call)["Id"] == tasks.SCAN:
        call.app.media.start_scan()
    return nothing()


def _cancel_task(call: Call) -> Answer:
    if _task(call)["Id"] == tasks.SCAN:
        call.app.media.cancel_scan()
    return nothing()


def _restart(call: Call) -> Answer:
    call.app.restart(True)
    return nothing()


def _shutdown(call: Call) -> Answer:
    call.app.restart(False)
    return nothing()


def _metrics(call: Call) -> Answer:
    # Read once, at the start of the server.
    return text("# simulated\n") if call.app.metrics else nothing(404)


def _root_page(call: Call) -> Answer:
    return Answer(302, headers=(("Location", "web/"),))


def _web(call: Call) -> Answer:
    return text(_PAGE, content_type="text/html")


ROUTES = (
    Route("GET", "/System/Info/Public", Access.PUBLIC, _public),
    Route("GET", "/System/Info", Access.ADMINISTRATOR, _info),
    Route("GET", "/System/Info/Storage", Access.ADMINISTRATOR, _storage),
    Route("GET", "/System/Ping", Access.PUBLIC, _ping),
    Route("POST", "/System/Ping", Access.PUBLIC, _ping),
    Route("GET", "/System/Logs", Access.ADMINISTRATOR, _logs),
    Route("POST", "/System/Restart", Access.ADMINISTRATOR, _restart),
    Route("POST", "/System/Shutdown", Access.ADMINISTRATOR, _shutdown),
    Route("GET", "/health", Access.PUBLIC, _health),
    Route("GET", "/metrics", Access.PUBLIC, _metrics),
    Route("GET", "/Plugins", Access.ADMINISTRATOR, _plugins),
    Route("GET", "/Backup", Access.ADMINISTRATOR, _backups),
    Route("GET", "/ScheduledTasks", Access.ADMINISTRATOR, _all_tasks),
    Route("GET", "/ScheduledTasks/{taskId}", Access.ADMINISTRATOR, _one_task),
    Route("POST", "/ScheduledTasks/Running/{taskId}", Access.ADMINISTRATOR, _start_task),
    Route("DELETE", "/ScheduledTasks/Running/{taskId}", Access.ADMINISTRATOR, _cancel_task),
    Route("GET", "/", Access.PUBLIC, _root_page),
    Route("GET", "/web", Access.PUBLIC, _web),
    Route("GET", "/web/index.html", Access.PUBLIC, _web),
)
