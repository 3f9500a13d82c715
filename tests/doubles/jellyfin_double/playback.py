# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sessions play: the reports of the clients, and how a file would be played. No media is streamed."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from jellyfin_double import items, marks
from jellyfin_double.answers import Answer, Refused, given, invalid, nothing
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Application, Call

_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The double opens no file; every video counts as this.
_VIDEO_CODEC, _AUDIO_CODEC = "h264", "aac"


def _report(call: Call, parameter: str) -> dict[str, Any]:
    body: dict[str, Any] = call.request.json(parameter)
    if not _ID.fullmatch(str(body.get("ItemId"))):
        missing = [f"The {parameter} field is required."]
        raise Refused(invalid({"": ["The supplied value is invalid."], parameter: missing}))
    return body


def _state(call: Call, body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    now = call.app.clock.stamp()
    paused = body.get("IsPaused", False)
    return {
        "item": body["ItemId"].replace("-", "").lower(),
        "source": body.get("MediaSourceId") or body["ItemId"],
        "position": body.get("PositionTicks"),
        "can_seek": body.get("CanSeek", False),
        "paused": paused,
        "method": body.get("PlayMethod") or before.get("method", "Transcode"),
        "conversion": body.get("PlaySessionId") or before.get("conversion", ""),
        "checked_in": now,
        "paused_at": now if paused else None,
    }


def _started(call: Call) -> Answer:
    body = _report(call, "playbackStartInfo")
    device, user = call.caller.device, call.caller.user
    if device and user:
        call.app.playing[device["device_id"]] = playing = _state(call, body, {})
        mark = marks.of(call, user, playing["item"])
        mark |= {"count": mark["count"] + 1, "last": call.app.clock.stamp()}
        call.app.store.save()
    return nothing()


def _progress(call: Call) -> Answer:
    body = _report(call, "playbackProgressInfo")
    if call.caller.device:
        device = call.caller.device["device_id"]
        call.app.playing[device] = _state(call, body, call.app.playing.get(device, {}))
    return nothing()


def _stopped(call: Call) -> Answer:
    """End a playback. Whether the position counts as watched depends on the file, which the double does not open."""
    _report(call, "playbackStopInfo")
    if call.caller.device and (playing := call.app.playing.get(call.caller.device["device_id"])):
        playing["item"] = ""
    return nothing()


def shown(app: Application, device: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
    """Return a session with what its device plays."""
    playing = app.playing.get(device["device_id"])
    if playing is None:
        return session
    session["LastPlaybackCheckIn"] = playing["checked_in"]
    if playing["paused_at"]:
        session["LastPausedDate"] = playing["paused_at"]
    item = app.media.items.get(playing["item"])
    if item is None:
        return session
    session["PlayState"] |= {
        "PositionTicks": playing["position"],
        "CanSeek": playing["can_seek"],
        "IsPaused": playing["paused"],
        "MediaSourceId": playing["source"],
        "PlayMethod": playing["method"],
    }
    session["NowPlayingItem"] = items.now_playing(app, playing["item"], item)
    if playing["method"] == "Transcode" and playing["conversion"] in app.conversions:
        session["TranscodingInfo"] = app.conversions[playing["conversion"]]
    return session


def _info(call: Call) -> Answer:
    """Answer how a client with this profile would play an item."""
    key, item = marks.item_of(call)
    profile = (call.request.optional_json("playbackInfoDto") or {}).get("DeviceProfile") or {}
    session = uuid.uuid4().hex
    source = items.source(key, item["path"], item["path"])
    reasons = _reasons(source["Container"], profile.get("DirectPlayProfiles") or [])
    if reasons or call.request.query("enableDirectPlay") == "false":
        target: dict[str, Any] = next(iter(profile.get("TranscodingProfiles") or []), {})
        call.app.conversions[session] = {
            "AudioCodec": target.get("AudioCodec", ""),
            "VideoCodec": target.get("VideoCodec", ""),
            "Container": target.get("Container", ""),
            "IsVideoDirect": False,
            "IsAudioDirect": False,
            "Bitrate": call.request.number("maxStreamingBitrate") or 0,
            "Framerate": 0,
            "CompletionPercentage": 0,
            "HardwareAccelerationType": "none",
            "TranscodeReasons": reasons,
        }
        source |= {
            "SupportsDirectPlay": False,
            "SupportsDirectStream": False,
            "TranscodingUrl": f"/videos/{marks.dashed(key)}/master.m3u8?PlaySessionId={session}",
            "TranscodingSubProtocol": target.get("Protocol", "http"),
            "TranscodingContainer": target.get("Container", ""),
        }
    return given({"MediaSources": [source], "PlaySessionId": session})


def _reasons(container: str, profiles: list[dict[str, Any]]) -> list[str]:
    """Return why no profile plays a file as it is; nothing without a profile."""
    wanted = {
        "ContainerNotSupported": ("Container", container),
        "VideoCodecNotSupported": ("VideoCodec", _VIDEO_CODEC),
        "AudioCodecNotSupported": ("AudioCodec", _AUDIO_CODEC),
    }
    return [
        reason
        for reason, (key, value) in wanted.items()
        if profiles and not any(value in str(profile.get(key, value)).split(",") for profile in profiles)
    ]


ROUTES = (
    Route("POST", "/Sessions/Playing", Access.TOKEN, _started),
    Route("POST", "/Sessions/Playing/Progress", Access.TOKEN, _progress),
    Route("POST", "/Sessions/Playing/Stopped", Access.TOKEN, _stopped),
    Route("POST", "/Items/{itemId}/PlaybackInfo", Access.TOKEN, _info),
)
