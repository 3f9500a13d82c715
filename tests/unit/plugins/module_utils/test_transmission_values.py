# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of settings, and the forms of single values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import table, values
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import read_wanted

GOOD = [
    ("dht-enabled", True, True),
    ("dht-enabled", 0, False),
    ("dht-enabled", "yes", True),
    ("dht-enabled", " False ", False),
    ("speed-limit-up", 5, 5),
    ("speed-limit-up", "5", 5),
    ("speed-limit-up", 5.0, 5),
    ("peer-port", "65535", 65535),
    ("ratio-limit", 2, 2.0),
    ("ratio-limit", "1.5", 1.5),
    ("encryption", 1, 1),
    ("encryption", "required", 2),
    ("encryption", "Allowed", 0),
    ("encryption", "tolerated", 0),
    ("preallocation", "sparse", 1),
    ("preallocation", "2", 2),
    ("preallocation", "off", 0),
    ("preallocation", "fast", 1),
    ("preallocation", "full", 2),
    ("message-level", 0, 0),
    ("message-level", 6, 6),
    ("alt-speed-time-day", 127, 127),
    ("alt-speed-time-end", 1439, 1439),
    ("message-level", "info", 4),
    ("torrent-added-verify-mode", "full", "full"),
    ("umask", "002", "002"),
    ("umask", 18, "022"),
    ("umask", "0o22", "022"),
    ("rpc-socket-mode", "750", "0750"),
    ("download-dir", "/downloads//complete/", "/downloads/complete"),
    ("script-torrent-done-filename", "", ""),
    ("watch-dir", "/", "/"),
    ("rpc-whitelist", "127.0.0.1; ::1,10.*.*.*", "127.0.0.1,::1,10.*.*.*"),
    ("rpc-whitelist", ["127.0.0.1", "::1"], "127.0.0.1,::1"),
    ("rpc-username", 7, "7"),
    ("preferred-transports", ["tcp", "utp"], ["tcp", "utp"]),
    ("preferred-transports", "utp", ["utp"]),
]
BAD = [
    ("dht-enabled", "maybe"),
    ("dht-enabled", 2),
    ("dht-enabled", []),
    ("speed-limit-up", -1),
    ("speed-limit-up", 1.5),
    ("speed-limit-up", True),
    ("speed-limit-up", "many"),
    ("speed-limit-up", float("nan")),
    ("peer-port", 0),
    ("peer-port", 65536),
    ("alt-speed-time-day", 128),
    ("alt-speed-time-begin", 1440),
    ("ratio-limit", "inf"),
    ("encryption", 3),
    ("encryption", True),
    ("message-level", 7),
    ("preallocation", 3),
    ("incomplete-dir", "incomplete"),
    ("preferred-transports", ["udp"]),
    ("encryption", "some"),
    ("umask", "999"),
    ("umask", "1777"),
    ("umask", 2.0),
    ("download-dir", "downloads"),
    ("download-dir", ""),
    ("download-dir", None),
    ("watch-dir", "/a\0b"),
    ("blocklist-url", {}),
    ("rpc-password", ""),
    ("rpc-password", "{braced"),
    ("preferred-transports", ["tcp", "tcp"]),
    ("preferred-transports", []),
]


@pytest.mark.parametrize(("name", "given_value", "normal"), GOOD)
def test_it_is_brought_to_the_normal_form(name: str, given_value: Any, normal: Any) -> None:
    found = values.normalise(table.TABLE[name], given_value)
    assert found == normal
    assert type(found) is type(normal)


@pytest.mark.parametrize(("name", "given_value"), BAD)
def test_it_is_refused_by_name_with_what_is_accepted(name: str, given_value: Any) -> None:
    with pytest.raises(InvalidValue, match=f"^{name} takes ") as caught:
        values.normalise(table.TABLE[name], given_value)
    assert "braced" not in str(caught.value), "a secret is shown"


@pytest.mark.parametrize(("name", "given_value", "normal"), GOOD)
def test_normal_forms_survive_the_file_and_the_rpc(name: str, given_value: Any, normal: Any) -> None:
    setting = table.TABLE[name]
    assert values.normalise(setting, values.to_file(setting, normal)) == normal
    if setting.rpc:
        assert values.normalise(setting, values.to_rpc(setting, normal)) == normal


def test_every_version_reads_the_umask_that_we_write() -> None:
    assert values.to_file(table.TABLE["umask"], "022") == 18


def test_what_is_found_and_cannot_be_understood_is_kept_as_it_is() -> None:
    assert values.lenient(table.TABLE["umask"], "rwx") == "rwx"


def test_the_table_is_sound() -> None:
    assert len(table.TABLE) == len(table.SETTINGS)
    spellings = [spelling for setting in table.SETTINGS for spelling in set(setting.spellings)]
    assert len(spellings) == len(set(spellings)), "one spelling, two settings"
    for setting in table.SETTINGS:
        assert setting.kind in values.PARSERS
        assert setting.where in ("rpc", "file")
        assert bool(setting.rpc) == (setting.where == "rpc")
        assert setting.since in ("3.00", "4.0", "4.1")
        assert values.expected(setting)
        assert not set(setting.spellings) & table.READ_ONLY


# Facts about Transmission's interface, written down apart from the table: what the running daemon can change, and
# since when.
SETTABLE = {
    "3.00": """alt-speed-down alt-speed-up alt-speed-enabled alt-speed-time-begin alt-speed-time-end
        alt-speed-time-enabled alt-speed-time-day blocklist-enabled blocklist-url cache-size-mb dht-enabled download-dir
        download-queue-enabled download-queue-size encryption idle-seeding-limit idle-seeding-limit-enabled
        incomplete-dir incomplete-dir-enabled lpd-enabled peer-limit-global peer-limit-per-torrent peer-port
        peer-port-random-on-start pex-enabled port-forwarding-enabled queue-stalled-enabled queue-stalled-minutes
        rename-partial-files script-torrent-done-enabled script-torrent-done-filename ratio-limit ratio-limit-enabled
        seed-queue-enabled seed-queue-size speed-limit-down speed-limit-down-enabled speed-limit-up
        speed-limit-up-enabled start-added-torrents trash-original-torrent-files utp-enabled""",
    "4.0": """anti-brute-force-enabled anti-brute-force-threshold default-trackers script-torrent-added-enabled
        script-torrent-added-filename script-torrent-done-seeding-enabled script-torrent-done-seeding-filename""",
    "4.1": "reqq sequential-download preferred-transports",
}


@pytest.mark.parametrize("version", SETTABLE)
def test_the_running_daemon_can_change_these_and_no_others(version: str) -> None:
    found = {setting.name for setting in table.SETTINGS if setting.rpc and setting.since == version}
    assert found == set(SETTABLE[version].split())


@pytest.mark.parametrize(
    "name",
    [
        "blocklist-size",
        "config-dir",
        "download-dir-free-space",
        "rpc-version",
        "rpc-version-minimum",
        "rpc-version-semver",
        "session-id",
        "units",
        "version",
    ],
)
@pytest.mark.parametrize("separator", ["-", "_"])
def test_what_it_only_tells_is_refused_even_among_unknown_names(name: str, separator: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be set"):
        read_wanted({name.replace("-", separator): "x"}, allow_unknown=True)


# What the running daemon does not even show.
@pytest.mark.parametrize(
    "name",
    [
        "rpc-authentication-required",
        "rpc-bind-address",
        "rpc-enabled",
        "rpc-host-whitelist",
        "rpc-host-whitelist-enabled",
        "rpc-password",
        "rpc-port",
        "rpc-socket-mode",
        "rpc-url",
        "rpc-username",
        "rpc-whitelist",
        "rpc-whitelist-enabled",
        "watch-dir",
        "watch-dir-enabled",
        "watch-dir-force-generic",
        "umask",
        "preallocation",
        "message-level",
        "bind-address-ipv4",
        "bind-address-ipv6",
        "announce-ip",
        "announce-ip-enabled",
        "tcp-enabled",
        "peer-port-random-low",
        "peer-port-random-high",
        "peer-socket-tos",
        "peer-congestion-algorithm",
        "proxy-url",
        "scrape-paused-torrents-enabled",
        "upload-slots-per-torrent",
        "torrent-added-verify-mode",
        "torrent-complete-verify-enabled",
        "sleep-per-seconds-during-verify",
        "start-paused",
        "pidfile",
    ],
)
def test_these_are_in_the_file_only(name: str) -> None:
    assert table.TABLE[name].where == "file"
