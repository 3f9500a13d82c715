# SPDX-License-Identifier: GPL-3.0-or-later
"""Linuxserver's start-up program: what it writes over, and when it is there."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import image
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import TABLE

AUTH = ["rpc-authentication-required", "rpc-password", "rpc-username"]
ALWAYS = sorted({*image.SWITCHES, image.BIND})
ALL = sorted({name for names in image.WRITES.values() for name in names})


@pytest.mark.parametrize(
    ("entrypoint", "env", "names"),
    [
        # As docker inspect shows the image started in its own way, and with an entry point of one's own.
        (["/init"], ["HOME=/root", "PATH=/usr/bin"], ALWAYS),
        (["/init"], ["USER=a", "PASS=b"], sorted({*AUTH, *ALWAYS})),
        (["/init"], ["PASS=", "PEERPORT="], ALWAYS),
        (["/init"], ["PEERPORT=1", "UMASK=002"], sorted({*ALWAYS, *image.WRITES["PEERPORT"], "umask"})),
        (["/entrypoint.sh"], ["HOME=/root", "USER=abc", "UMASK=002"], []),
        (["/entrypoint.sh"], ["FILE__USER=/run/u", "FILE__PASS=/run/p"], AUTH),
        (["/entrypoint.sh"], ["WHITELIST=10.*"], ["rpc-whitelist", "rpc-whitelist-enabled"]),
        (["/entrypoint.sh"], ["HOST_WHITELIST=tv"], ["rpc-host-whitelist", "rpc-host-whitelist-enabled"]),
        (["/entrypoint.sh"], ["PEERPORT=5"], ["peer-port", "peer-port-random-on-start"]),
        (None, None, []),
    ],
)
def test_it_names_what_would_be_written_over(
    entrypoint: list[str] | None, env: list[str] | None, names: list[str]
) -> None:
    setup = {"Entrypoint": entrypoint, "Env": env}
    assert image.overwritten(setup, TABLE) == names
    assert bool(image.warning(setup, TABLE)) == bool(names)


def test_what_is_not_wanted_is_not_named() -> None:
    setup = {"Entrypoint": ["/init"], "Env": ["PASS=geheim", "USER=a"]}
    assert image.overwritten(setup, {"rpc-password": "x", "speed-limit-up": 1}) == ["rpc-password"]
    assert image.warning(setup, {"speed-limit-up": 1}) == ""
    assert "geheim" not in image.warning(setup, TABLE)
    assert image.warning({}, TABLE) == ""


@pytest.mark.parametrize(
    ("entrypoint", "address", "named"),
    [("/init", "127.0.0.1", True), ("/init", "0.0.0.0", False), ("/entrypoint.sh", "127.0.0.1", False)],
)
def test_without_ipv6_it_writes_one_address(entrypoint: str, address: str, named: bool) -> None:
    text = image.warning({"Entrypoint": [entrypoint], "Env": ["HOME=/"]}, {"rpc-bind-address": address})
    assert ("rpc-bind-address where the container has no IPv6" in text) is named
    assert bool(text) is named


def test_they_are_settings() -> None:
    assert {*ALL, image.BIND} <= TABLE.keys()
    assert set(ALL) >= image.SWITCHES
