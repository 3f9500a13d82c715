# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that the stack relies on are rejected with the supported alternative."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import found


@pytest.mark.parametrize(
    ("variable", "value", "words", "way"),
    [
        (
            "transmission_settings",
            {"rpc-whitelist-enabled": True},
            "rpc-whitelist-enabled must stay False",
            "mediaserver_lan",
        ),
        ("transmission_settings", {"rpc_whitelist": "127.0.0.1"}, "rpc-whitelist must not be set", "mediaserver_lan"),
        ("transmission_settings", {"rpc-whitelist-enabled": None}, "must not be null", "mediaserver_lan"),
        ("transmission_settings", {"rpc-authentication-required": None}, "must not be null", "transmission_password"),
        (
            "transmission_settings",
            {"bind-address-ipv4": "0.0.0.0"},
            "bind-address-ipv4 must not be set",
            "transmission_bind_address",
        ),
        ("transmission_settings", {"bind_address_ipv4": None}, "must not be null", "transmission_bind_address"),
        ("transmission_settings", {"bind-address-ipv6": "::"}, "bind-address-ipv6 must not be set", "the tunnel"),
        (
            "transmission_settings",
            {"peer-port-random-on-start": True},
            "must stay False",
            "gateway_peer_port_forwarded",
        ),
        ("transmission_settings", {"lpd-enabled": True}, "must stay False", "trackers"),
        ("transmission_settings", {"port-forwarding-enabled": "yes"}, "must stay False", "provider"),
        ("transmission_settings", {"port-forwarding-enabled": None}, "must not be null", "provider"),
        (
            "transmission_settings",
            {"blocklist-url": "http://nas.local/list"},
            "blocklist-url is an address on the LAN",
            "tunnel",
        ),
        ("transmission_settings", {"announce-ip": 5.1}, "announce-ip must be a text", "quotes"),
        ("transmission_bind_address", "0.0.0.0", "does not bind torrents to an address", "empty"),
        ("transmission_bind_address", "10.66.0.3", "not an address of the tunnel (10.66.0.2)", "empty"),
        (
            "jackett_settings",
            {"FlareSolverrUrl": "http://192.168.1.5:8191"},
            "FlareSolverrUrl is an address on the LAN",
            "127.0.0.1",
        ),
        (
            "jackett_settings",
            {"flaresolverr_url": "http://flaresolverr:8191"},
            "FlareSolverrUrl is an address on the LAN",
            "127.0.0.1",
        ),
        (
            "jackett_settings",
            {"FlareSolverrUrl": "http://100.100.1.2:8191"},
            "FlareSolverrUrl is an address on the LAN",
            "127.0.0.1",
        ),
        ("jackett_settings", {"ProxyUrl": "proxy.fritz.box"}, "ProxyUrl is an address on the LAN", "internet"),
        ("jackett_settings", {"OmdbApiKey": 123456}, "OmdbApiKey must be a text", "quotes"),
        (
            "jellyfin_encoding_settings",
            {"TranscodingTempPath": "/transcodes"},
            "not a mounted folder of Jellyfin's",
            "jellyfin_cache",
        ),
        ("jellyfin_system_settings", {"CachePath": "/mnt/cache"}, "not a mounted folder of Jellyfin's", "/cache"),
        ("jellyfin_network_settings", {"LocalNetworkAddresses": ["192.168.1.5"]}, "must stay empty", "mediaserver_lan"),
    ],
)
def test_relied_on_setting_is_rejected_with_the_supported_alternative(
    variable: str, value: t.Any, words: str, way: str
) -> None:
    (problem,) = found(settings={"jellyfin_users": [], variable: value})
    assert (problem["level"], problem["variable"]) == ("problem", variable)
    assert words in problem["problem"]
    assert way in problem["remedy"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "transmission_settings",
            {"lpd-enabled": None, "rpc-whitelist-enabled": False, "blocklist-url": "https://a.org/x"},
        ),
        ("jackett_settings", {"FlareSolverrUrl": "http://127.0.0.1:8191"}),
        ("jackett_settings", {"FlareSolverrUrl": "http://localhost:8191", "OmdbApiKey": "0123"}),
        ("jackett_settings", {"FlareSolverrUrl": "https://solver.example.org"}),
        ("transmission_bind_address", "10.66.0.2"),
        ("jellyfin_encoding_settings", {"TranscodingTempPath": "/tmp"}),
        ("jellyfin_system_settings", {"CachePath": "/cache/x", "MetadataPath": ""}),
    ],
)
def test_supported_alternative_is_accepted(name: str, value: t.Any) -> None:
    assert found(settings={"jellyfin_users": [], name: value}) == []


@pytest.mark.parametrize("changed", [{"watch-dir": "/downloads/w"}, {"watch-dir-enabled": False}])
def test_unwatched_blackhole_is_a_warning(changed: dict[str, t.Any]) -> None:
    defaults = {"jackett_default_settings": {"BlackholeDir": "/downloads/watch"}}
    defaults["transmission_default_settings"] = {"watch-dir": "/downloads/watch", "watch-dir-enabled": True}
    assert found(settings={"jellyfin_users": [], **defaults}) == []
    (notice,) = found(settings={"jellyfin_users": [], **defaults, "transmission_settings": changed})
    assert (notice["level"], notice["variable"]) == ("warning", "transmission_settings")
    assert "/downloads/watch" in notice["problem"]
