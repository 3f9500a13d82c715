# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication: the header, its legacy forms, and the effect of a login on earlier sessions."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from jellyfin_double.request import Request

_PART = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^",]*))\s*(?:,|$)')


@dataclass(frozen=True)
class Credentials:
    """Client, device and token of a request."""

    token: str = ""
    client: str = ""
    device: str = ""
    device_id: str = ""
    version: str = ""


def credentials(request: Request, *, legacy: bool) -> Credentials:
    """Read the credentials of a request. The legacy forms are read only with EnableLegacyAuthorization (`legacy`)."""
    value = request.header("Authorization")
    if legacy and not value:
        value = request.header("X-Emby-Authorization")
    scheme, _, rest = value.strip().partition(" ")
    parts: dict[str, str] = {}
    if scheme.lower() == "mediabrowser" or (legacy and scheme.lower() == "emby"):
        for name, quoted, bare in _PART.findall(rest):
            parts[name.lower()] = unquote_plus(quoted or bare.strip())
    token = parts.get("token", "")
    if legacy:
        token = token or request.header("X-Emby-Token") or request.header("X-MediaBrowser-Token")
    token = token or _exact(request, "ApiKey") or (legacy and _exact(request, "api_key")) or ""
    return Credentials(
        token=token,
        client=parts.get("client", ""),
        device=parts.get("device", ""),
        device_id=parts.get("deviceid", ""),
        version=parts.get("version", ""),
    )


def _exact(request: Request, name: str) -> str:
    return request.query(name) or ""


def dotnet_id(text: str) -> str:
    """Return the id that Jellyfin derives from a text: MD5 of UTF-16, read as a GUID."""
    return uuid.UUID(bytes_le=hashlib.md5(text.encode("utf-16-le"), usedforsecurity=False).digest()).hex


def session(device: dict[str, Any], user: dict[str, Any], *, server: str, version: str, remote: str) -> dict[str, Any]:
    """Return a session in the form of GET /Sessions and of a login."""
    listed: dict[str, Any] = {
        "PlayState": {
            "CanSeek": False,
            "IsPaused": False,
            "IsMuted": False,
            "RepeatMode": "RepeatNone",
            "PlaybackOrder": "Default",
        },
        "AdditionalUsers": [],
        "Capabilities": {
            "PlayableMediaTypes": [],
            "SupportedCommands": [],
            "SupportsMediaControl": False,
            "SupportsPersistentIdentifier": True,
        },
        "RemoteEndPoint": remote,
        "PlayableMediaTypes": [],
        "Id": dotnet_id(device["client"] + device["device_id"]),
        "UserId": user["id"],
        "UserName": user["name"],
        "Client": device["client"],
        "LastActivityDate": device["last"],
        "LastPlaybackCheckIn": "0001-01-01T00:00:00.0000000Z",
        "DeviceName": device["device"],
        "DeviceId": device["device_id"],
        "ApplicationVersion": device["version"],
        "IsActive": True,
        "SupportsMediaControl": False,
        "SupportsRemoteControl": False,
        "NowPlayingQueue": [],
    }
    if version == "10.11":
        listed["NowPlayingQueueFullItems"] = []
    listed.update({"HasCustomDeviceName": False, "ServerId": server, "SupportedCommands": []})
    return listed
