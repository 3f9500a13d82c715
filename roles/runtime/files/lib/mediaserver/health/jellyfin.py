# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin: healthy, with readable libraries and its administrator; and what it converts while a client plays it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from mediaserver._core import secret_file
from mediaserver._core.errors import MediaserverError, ProtocolError, ServiceProblem
from mediaserver._core.transport import Http
from mediaserver._jellyfin.client import JellyfinClient, expect_list
from mediaserver._jellyfin.health import HEALTHY, start_phase
from mediaserver._jellyfin.key_file import key_in
from mediaserver.health import database
from mediaserver.health.environment import Environment
from mediaserver.health.model import Finding, State, Value, bad, ok, unknown, warning
from mediaserver.importer.jellyfin import OwnHttp

HEALTH, LIBRARIES, ADMINISTRATOR = "jellyfin-health", "jellyfin-libraries", "jellyfin-administrator"
PLAYBACK = "playback"
CHECKS = (HEALTH, LIBRARIES, ADMINISTRATOR, PLAYBACK)
CONVERTED = "mediaserver_playbacks_converted"
CLIENT, DEVICE_ID = "household.mediaserver health", "household-mediaserver-health"
TIMEOUT_S = 8.0
LOGS = "see why: sudo mediaserver logs jellyfin"
PLAYBOOK = "run the playbook again: make site"
PHASES = {
    "Degraded": "it starts, or migrates its database",
    "loading": "it is loading",
    "refused": "it does not listen at its port",
    "silent": "it does not answer",
}
BITRATE = "in the client's playback settings, set the quality to the maximum, or connect it by cable"
FORMAT = "another client program may play this format; for the next time, choose another release of the film"
SOUND = "choose another sound track; only the sound is converted, which costs little"
# What Jellyfin calls the reason, what it means, and the cure.
# Source: the schema TranscodeReason of Jellyfin's OpenAPI document.
CURES: Mapping[str, tuple[str, str]] = {
    "SubtitleCodecNotSupported": (
        "the subtitles are pictures, which have to be drawn into the video",
        "choose another subtitle track, or none",
    ),
    "ContainerBitrateExceedsLimit": ("the client asks for a lower bit rate", BITRATE),
    "VideoBitrateNotSupported": ("the client asks for a lower bit rate", BITRATE),
    "VideoCodecNotSupported": ("the client cannot play the video's format", FORMAT),
    "VideoProfileNotSupported": ("the client cannot play this kind of the video's format", FORMAT),
    "VideoLevelNotSupported": ("the client cannot play this kind of the video's format", FORMAT),
    "VideoCodecTagNotSupported": ("the client cannot play this kind of the video's format", FORMAT),
    "VideoBitDepthNotSupported": ("the client cannot play 10-bit video", FORMAT),
    "VideoRangeTypeNotSupported": ("the client cannot show HDR", FORMAT),
    "VideoResolutionNotSupported": ("the video is larger than the client can show", FORMAT),
    "VideoFramerateNotSupported": ("the video has more frames a second than the client can show", FORMAT),
    "RefFramesNotSupported": ("the client cannot play this kind of the video's format", FORMAT),
    "AnamorphicVideoNotSupported": ("the client cannot play anamorphic video", FORMAT),
    "InterlacedVideoNotSupported": ("the client cannot play interlaced video", FORMAT),
    "VideoRotationNotSupported": ("the client cannot rotate the video", FORMAT),
    "StreamCountExceedsLimit": ("the file has more tracks than the client can play", FORMAT),
    "UnknownVideoStreamInfo": ("Jellyfin cannot read the video's format", FORMAT),
    "DirectPlayError": ("the client has failed to play it directly", "start it again, or use another client program"),
    "ContainerNotSupported": ("the client cannot play this kind of file", FORMAT),
    "AudioCodecNotSupported": ("the client cannot play the sound's format", SOUND),
    "AudioIsExternal": ("the sound is in a file of its own", SOUND),
    "SecondaryAudioNotSupported": ("the client plays the first sound track only", SOUND),
    "AudioChannelsNotSupported": ("the sound has more channels than the client can play", SOUND),
    "AudioProfileNotSupported": ("the client cannot play the sound's format", SOUND),
    "AudioSampleRateNotSupported": ("the client cannot play the sound's format", SOUND),
    "AudioBitDepthNotSupported": ("the client cannot play the sound's format", SOUND),
    "AudioBitrateNotSupported": ("the client asks for a lower bit rate", SOUND),
    "UnknownAudioStreamInfo": ("Jellyfin cannot read the sound's format", SOUND),
}
OTHER = ("the reason is not known", "look in Jellyfin's dashboard, under playback")


def read(environment: Environment, http: Http | None = None) -> list[Finding]:
    settings = environment.settings.jellyfin
    assert settings is not None  # the table asks only where there is one
    try:
        found = http or OwnHttp(settings.url)
        key = key_in(secret_file.read(str(environment.root / "secrets" / "jellyfin.key")))
        client = JellyfinClient(
            found,
            settings.url,
            client=CLIENT,
            device_id=DEVICE_ID,
            clock=time,
            token=key,
            timeout=TIMEOUT_S,
        )
        phase = start_phase(client.get_health, client.url)[0]
    except ServiceProblem as error:
        return _without(bad(HEALTH, str(error), LOGS))
    except (MediaserverError, OSError) as error:
        return _without(bad(HEALTH, str(error), PLAYBOOK))
    if phase != HEALTHY:
        return _without(judge_stopped(environment, phase))
    healthy = ok(HEALTH, "it is healthy")
    try:
        libraries = _list(client, "/Library/VirtualFolders")
    except MediaserverError as error:
        # As after a way back with a database of a newer version: healthy, and nothing can be read.
        return [healthy, bad(LIBRARIES, str(error), LOGS), *_unknown((ADMINISTRATOR, PLAYBACK))]
    try:
        users, sessions = _list(client, "/Users"), _list(client, "/Sessions")
    except MediaserverError as error:
        return [healthy, judge_libraries(libraries), bad(ADMINISTRATOR, str(error), LOGS), *_unknown((PLAYBACK,))]
    return [
        healthy,
        judge_libraries(libraries),
        judge_administrator(users, settings.administrator),
        judge_playbacks(sessions),
    ]


def _list(client: JellyfinClient, path: str) -> list[dict[str, Any]]:
    return expect_list(client.get(path), f"GET {path}")


def _unknown(checks: Sequence[str]) -> list[Finding]:
    return [unknown(check, "Jellyfin cannot be asked") for check in checks]


def _without(health: Finding) -> list[Finding]:
    return [health, *_unknown(CHECKS[1:])]


def judge_stopped(environment: Environment, phase: str) -> Finding:
    """Judge a server that is not healthy. One with a damaged database ends within seconds of each start."""
    found = judge_phase(phase)
    if found.state is State.BAD and (text := database.damage(environment.root)):
        return bad(HEALTH, f"its database is damaged: {text}", database.remedy(environment.settings.state))
    return found


def judge_phase(phase: str) -> Finding:
    """Judge a server that is not healthy. Pure."""
    text = PHASES.get(phase, f"it is in an unknown phase ({phase})")
    if phase in ("Degraded", "loading"):
        return warning(HEALTH, text, f"after an upgrade that may take hours; {LOGS}")
    return bad(HEALTH, text, LOGS)


def judge_libraries(found: Sequence[Mapping[str, Any]]) -> Finding:
    """Pure."""
    if not found:
        return bad(LIBRARIES, "it has no library", PLAYBOOK)
    # What a power cut leaves of a library's list of folders; the next scan would drop its items.
    empty = [one for one in found if not [path for path in one.get("Locations") or () if path]]
    if empty:
        return bad(LIBRARIES, f"{len(empty)} of {len(found)} libraries have lost their folders", PLAYBOOK)
    return ok(LIBRARIES, f"{len(found)} libraries can be read")


def judge_administrator(users: Sequence[Mapping[str, Any]], name: str) -> Finding:
    """Pure. The name stays out of the texts."""
    found = next((one for one in users if str(one.get("Name", "")).lower() == name.lower()), None)
    if found is None:
        return bad(ADMINISTRATOR, "the account of jellyfin_admin_user does not exist", PLAYBOOK)
    policy = found.get("Policy")
    if not isinstance(policy, Mapping):
        raise ProtocolError("GET /Users: an account has no policy; is this Jellyfin?")
    wrong = ["is disabled"] * bool(policy.get("IsDisabled"))
    wrong += ["is not an administrator"] * (not policy.get("IsAdministrator"))
    if wrong:
        return bad(ADMINISTRATOR, f"the account of jellyfin_admin_user {' and '.join(wrong)}", PLAYBOOK)
    return ok(ADMINISTRATOR, "the administrator's account is enabled")


def judge_playbacks(sessions: Sequence[Mapping[str, Any]]) -> Finding:
    """Name what the server converts, with Jellyfin's reason and the cure. Pure."""
    converted = [one for one in sessions if one.get("NowPlayingItem") and _method(one) == "Transcode"]
    number = Value(CONVERTED, len(converted))
    if not converted:
        return ok(PLAYBACK, "nothing is converted", number)
    # The video costs most, then the number of reasons does not matter.
    costly = [one for one in converted if not _info(one).get("IsVideoDirect")]
    meaning, cure, name = _reason(_info((costly or converted)[0]))
    text = f"the server converts {len(converted)} playback{'s' * (len(converted) > 1)}: {meaning} ({name})"
    titles = ", ".join(f"{_name(one)} for {one.get('UserName', '')}" for one in converted)
    state = State.WARNING if costly else State.OK
    return Finding(PLAYBACK, state, text, cure, (number,), private=titles)


def _method(session: Mapping[str, Any]) -> str:
    state = session.get("PlayState")
    return str(state.get("PlayMethod", "")) if isinstance(state, Mapping) else ""


def _info(session: Mapping[str, Any]) -> Mapping[str, Any]:
    found = session.get("TranscodingInfo")
    return found if isinstance(found, Mapping) else {}


def _name(session: Mapping[str, Any]) -> str:
    found = session.get("NowPlayingItem")
    return str(found.get("Name", "")) if isinstance(found, Mapping) else ""


def _reason(info: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return meaning, cure and Jellyfin's word of the reason that a person can do most about: the first in CURES."""
    found = info.get("TranscodeReasons")
    names = found if isinstance(found, list) else [one.strip() for one in str(found or "").split(",") if one.strip()]
    known = [name for name in CURES if name in names]
    if known:
        return (*CURES[known[0]], known[0])
    return (*OTHER, ", ".join(map(str, names)) or "no reason")
