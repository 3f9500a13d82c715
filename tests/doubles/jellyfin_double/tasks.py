# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduled tasks: a fixed list, of which only the library scan runs."""

from __future__ import annotations

from typing import Any

SCAN = "7738148ffcd07979c7ceb148e06b3aed"
_DAY = 864_000_000_000
_HOURS_12 = _DAY // 2
_START = {"Type": "StartupTrigger"}


def _every(ticks: int) -> dict[str, Any]:
    return {"Type": "IntervalTrigger", "IntervalTicks": ticks}


_CHAPTERS = {"Type": "DailyTrigger", "TimeOfDayTicks": 72_000_000_000, "MaxRuntimeTicks": 144_000_000_000}
_OPTIMIZE = (
    "Compacts database and truncates free space. Running this task after scanning the library or doing other"
    " changes that imply database modifications might improve performance."
)
_KEYFRAMES = (
    "Extracts keyframes from video files to create more precise HLS playlists. This task may run for a long time."
)
_UNUSED = (
    "Cleans all user data (Watch state, favorite status etc) from media that is no longer present for at least 90 days."
)
# Key, name, category, id, triggers, description.
_Row = tuple[str, str, str, str, list[dict[str, Any]], str]
_LIBRARY, _CARE = "Library", "Maintenance"
_TASKS: tuple[_Row, ...] = (
    (
        *("AudioNormalization", "Audio Normalization", _LIBRARY, "ec2f221fd8e7706b3d3afd2c4591b4d7"),
        [_every(_DAY)],
        "Scans files for audio normalization data.",
    ),
    (
        *("CleanActivityLog", "Clean Activity Log", _CARE, "b461ef918ab28520928183e794350e3c"),
        [],
        "Deletes activity log entries older than the configured age.",
    ),
    (
        *("DeleteCacheFiles", "Clean Cache Directory", _CARE, "241d4fcb19a1d557ee62428e411da609"),
        [_every(_DAY)],
        "Deletes cache files no longer needed by the system.",
    ),
    (
        *("CleanLogFiles", "Clean Log Directory", _CARE, "1c8ede62c521bea0bf851344f5b8ca40"),
        [_every(_DAY)],
        "Deletes log files that are more than 3 days old.",
    ),
    (
        *("DeleteTranscodeFiles", "Clean Transcode Directory", _CARE, "7d8088c10902f1bf4072ded42437bcfb"),
        [_START, _every(_DAY)],
        "Deletes transcode files more than one day old.",
    ),
    (
        *("DownloadLyrics", "Download missing lyrics", _LIBRARY, "26649fe0aad57557245351f220da916c"),
        [_every(_DAY)],
        "Downloads lyrics for songs",
    ),
    (
        *("DownloadSubtitles", "Download missing subtitles", _LIBRARY, "2c66a88bca43e565d7f8099f825478f1"),
        [_every(_DAY)],
        "Searches the internet for missing subtitles based on metadata configuration.",
    ),
    (
        *("RefreshChapterImages", "Extract Chapter Images", _LIBRARY, "4e6637c832ed644d1af3370a2506e80a"),
        [_CHAPTERS],
        "Creates thumbnails for videos that have chapters.",
    ),
    (
        *("RefreshTrickplayImages", "Generate Trickplay Images", _LIBRARY, "64f5f44cd30dc273cb9890205473bbcc"),
        [{"Type": "DailyTrigger", "TimeOfDayTicks": 108_000_000_000}],
        "Creates trickplay previews for videos in enabled libraries.",
    ),
    (
        *("KeyframeExtraction", "Keyframe Extractor", _LIBRARY, "f302d80f31bcacf76f979d277d448581"),
        [],
        _KEYFRAMES,
    ),
    (
        *("TaskExtractMediaSegments", "Media Segment Scan", _LIBRARY, "f861734dd71b37f9482b52a820e39013"),
        [_every(_HOURS_12)],
        "Extracts or obtains media segments from MediaSegment enabled plugins.",
    ),
    (
        *("MoveTrickplayImages", "Migrate Trickplay Image Location", _CARE, "ebb6e58c4e9a8f5d1f77ab6ddefb3143"),
        [],
        "Moves existing trickplay files according to the library settings.",
    ),
    (
        *("OptimizeDatabaseTask", "Optimize database", _CARE, "31de9ce83b9223d338c77b1a635e144b"),
        [_every(216_000_000_000)],
        _OPTIMIZE,
    ),
    (
        *("RefreshInternetChannels", "Refresh Channels", "Internet Channels", "0c9ee3a88fc15547c6852205480da1fd"),
        [_every(_DAY)],
        "Refreshes internet channel information.",
    ),
    (
        *("RefreshGuide", "Refresh Guide", "Live TV", "bea9b218c97bbf98c5dc1303bdb9a0ca"),
        [_every(_DAY)],
        "Downloads channel information from live tv services.",
    ),
    (
        *("RefreshPeople", "Refresh People", _LIBRARY, "866456ed0d44e15468124ce33d85961e"),
        [_every(7 * _DAY)],
        "Updates metadata for actors and directors in your media library.",
    ),
    (
        *("RefreshLibrary", "Scan Media Library", _LIBRARY, SCAN),
        [_every(_HOURS_12)],
        "Scans your media library for new files and refreshes metadata.",
    ),
    (
        *("PluginUpdates", "Update Plugins", "Application", "f9b057c054e9e6daee4a88ffd146a403"),
        [_START, _every(_DAY)],
        "Downloads and installs updates for plugins that are configured to update automatically.",
    ),
    (
        *("CleanupUserDataTask", "User data cleanup task", _CARE, "8240e309407dbbf43c99d30a6cbd239e"),
        [],
        _UNUSED,
    ),
)
_COLLECTIONS: _Row = (
    *("CleanCollectionsAndPlaylists", "Clean up collections and playlists", _CARE, "3a025083141d3c17dd96d5f9b951287b"),
    [_START],
    "Removes items from collections and playlists that no longer exist.",
)


_HIDDEN = ("RefreshInternetChannels", "RefreshGuide")


def _rows(version: str) -> list[_Row]:
    if version != "10.11":
        return list(_TASKS)
    rows = [*_TASKS, _COLLECTIONS]
    # 10.11 has no translation for this task.
    channels = next(row for row in rows if row[0] == "RefreshInternetChannels")
    rows.remove(channels)
    rows.append((channels[0], "TasksRefreshChannels", *channels[2:5], "TasksRefreshChannelsDescription"))
    return sorted(rows, key=lambda row: row[1])


def listed(
    version: str, started: str, last_scan: dict[str, Any] | None, progress: float | None
) -> list[dict[str, Any]]:
    """Return all tasks; those with a start-up trigger have run at the start."""
    result = []
    for key, name, category, identifier, triggers, description in _rows(version):
        running = identifier == SCAN and progress is not None
        task: dict[str, Any] = {"Name": name, "State": "Running" if running else "Idle"}
        if running:
            task["CurrentProgressPercentage"] = progress
        task["Id"] = identifier
        ran = last_scan if identifier == SCAN else None
        if _START in triggers:
            ran = {"StartTimeUtc": started, "EndTimeUtc": started, "Status": "Completed"}
        if ran:
            task["LastExecutionResult"] = {**ran, "Name": name, "Key": key, "Id": identifier}
        task |= {"Triggers": triggers, "Description": description, "Category": category}
        result.append({**task, "IsHidden": key in _HIDDEN, "Key": key})
    return result
