# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that a service would reject during a run are rejected before it; each row changes one variable."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.services import services
from ansible_collections.household.mediaserver.plugins.module_utils._preflight import relied
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    SETTINGS,
    found,
)

ROLES = Path(__file__).resolve().parents[5] / "roles"
MOVIES = {"name": "Movies", "type": "movies", "paths": ["/media/movies"]}
NESTED = {"name": "4K", "paths": ["/media/movies/4k"]}
CHILD = {"name": "child", "password": "crayon"}

ROWS: list[tuple[str, str, t.Any, str]] = [
    ("Jackett's password", "jackett_admin_password", "", "not set"),
    ("Jackett's password, blanks", "jackett_admin_password", "  ", "not set"),
    ("Jackett's placeholder", "jackett_admin_password", "change-me", "placeholder"),
    ("Jellyfin's password", "jellyfin_admin_password", "", "not set"),
    ("Jellyfin's placeholder", "jellyfin_admin_password", "your-password", "placeholder"),
    ("Jellyfin's administrator", "jellyfin_admin_user", "", "not set"),
    ("unknown setting of Transmission", "transmission_settings", {"speed-limit-upp": 3}, "is speed-limit-up meant?"),
    ("setting of another type", "transmission_settings", {"peer-port": "many"}, "peer-port takes"),
    ("credentials as a setting", "transmission_settings", {"rpc-password": "x"}, "belongs into transmission_password"),
    ("unknown field of Jackett", "jackett_settings", {"CacheTtll": 3}, "is CacheTtl meant?"),
    ("field of another type", "jackett_settings", {"CacheTtl": "long"}, "CacheTtl"),
    ("library twice", "jellyfin_libraries", [MOVIES, {**MOVIES, "name": "movies"}], "listed twice"),
    ("name that Jellyfin would change", "jellyfin_libraries", [{**MOVIES, "name": "TV: old"}], "contains ':'"),
    ("no folder", "jellyfin_libraries", [{**MOVIES, "paths": []}], "at least one folder"),
    ("folder in a folder", "jellyfin_libraries", [MOVIES, {**MOVIES, **NESTED}], "inside the other"),
    (
        "path on the host",
        "jellyfin_libraries",
        [{**MOVIES, "paths": ["/mnt/media/movies"]}],
        "is not a media folder of Jellyfin",
    ),
    ("its parent", "jellyfin_libraries", [{**MOVIES, "paths": ["/media/../etc"]}], "without '.', '..'"),
    (
        "unknown option",
        "jellyfin_libraries",
        [{**MOVIES, "options": {"Monitor": True}}],
        "has no Monitor",
    ),
    ("unknown option of all", "jellyfin_library_options", {"EnableRealtimeMonitr": True}, "EnableRealtimeMonitr"),
    ("type of an option", "jellyfin_libraries", [{**MOVIES, "options": {"EnablePhotos": "maybe"}}], "EnablePhotos"),
    ("member twice", "jellyfin_users", [CHILD, {**CHILD, "name": "Child"}], "listed twice"),
    ("member without a password", "jellyfin_users", [{"name": "child"}], "child has no password"),
    ("member with an empty one", "jellyfin_users", [{"name": "child", "password": " "}], "password is empty"),
    ("member with a placeholder", "jellyfin_users", [{"name": "child", "password": "change-me"}], "placeholder"),
    ("name that Jellyfin rejects", "jellyfin_users", [{**CHILD, "name": "a/b"}], "is not a valid name"),
    ("the administrator", "jellyfin_users", [{**CHILD, "name": "Family"}], "is the administrator"),
    ("library that is not listed", "jellyfin_users", [{**CHILD, "libraries": ["Films"]}], "child may see 'Films'"),
    ("own option as policy", "jellyfin_users", [{**CHILD, "policy": {"IsAdministrator": True}}], "use the option"),
    ("the administrator, to be removed", "jellyfin_users", [{"name": "family", "state": "absent"}], "is the admin"),
    ("no authentication", "transmission_settings", {"rpc_authentication_required": False}, "must stay True"),
    ("web interface on another port", "transmission_settings", {"rpc-port": 9092}, "rpc-port must stay 9091"),
    ("web interface at another path", "transmission_settings", {"rpc-url": "/t/"}, "must stay '/transmission/'"),
    ("web interface on loopback", "transmission_settings", {"rpc-bind-address": "127.0.0.1"}, "must stay"),
    ("downloads outside", "transmission_settings", {"download-dir": "/mnt/x"}, "/mnt/x is not a mounted folder"),
    ("downloads beside", "transmission_settings", {"download-dir": "/downloads2"}, "/downloads2 is not a mounted"),
    ("among the defaults", "transmission_default_settings", {"rpc-enabled": False}, "rpc-enabled must stay True"),
    ("Jackett at another port", "jackett_settings", {"port": "9118"}, "Port must stay 9117"),
    ("Jackett behind a path", "jackett_settings", {"BasePathOverride": "/jackett"}, "must stay empty"),
    ("Jackett on loopback", "jackett_default_settings", {"AllowExternal": False}, "AllowExternal must stay True"),
    ("blackhole elsewhere", "jackett_settings", {"BlackholeDir": "/config/x"}, "/config/x is not a mounted folder"),
    ("the wizard", "jellyfin_system_settings", {"isStartupWizardCompleted": False}, "must not be set"),
    ("a name of no setting", "jellyfin_encoding_settings", {"Threads ": 2}, "is not the name of a setting"),
    ("Jellyfin at another port", "jellyfin_network_settings", {"InternalHttpPort": 80}, "must stay 8096"),
    ("Jellyfin behind a path", "jellyfin_default_network_settings", {"BaseUrl": "/tv"}, "must stay empty"),
    ("a colon", "transmission_user", "a:b", "contains a colon"),
    ("a brace", "transmission_password", "{braced-7531", "begins with a brace"),
    ("Jellyfin's administrator, invalid", "jellyfin_admin_user", "fam/ily", "not a name that Jellyfin accepts"),
    ("Jellyfin's administrator, blank", "jellyfin_admin_user", "family ", "not a name that Jellyfin accepts"),
    ("an address of IPv6", "transmission_bind_address", "::1", "not an IPv4 address"),
    ("no peer port", "transmission_peer_port", 0, "0 is not a port"),
    ("URL without a scheme", "jellyfin_published_url", "films.example.org", "not an HTTP address"),
    ("URL that Compose would expand", "jellyfin_published_url", "http://films/$HOME", "not an HTTP address"),
    ("URL of two lines", "jellyfin_published_url", "http://films\nPUID=0", "not an HTTP address"),
    ("a language", "jellyfin_language", "English", "not a language code"),
    ("a language of metadata", "jellyfin_metadata_language", "", "not a language code"),
    ("a country", "jellyfin_metadata_country", "Austria", "not a country code"),
    ("an image", "jellyfin_image", "", "not the name of an image"),
    ("a cache with blanks", "jellyfin_cache", "/mnt/my cache", "not usable as a path"),
    ("timeout of 0", "jellyfin_timeout", 0, "not a valid timeout"),
    ("negative timeout", "transmission_stop_timeout", -1, "not a valid timeout"),
    ("a mark beyond the disk", "upkeep_health_disk_stop_percent", 100, "not a part of a disk in percent"),
    ("a mark of nothing", "upkeep_health_disk_resume_percent", 0, "not a part of a disk in percent"),
    ("a ping without a scheme", "upkeep_health_ping_url", "hc.example/x", "not an HTTP address"),
    (
        "a repository of two lines",
        "upkeep_backup_repository",
        "/mnt/a\n/mnt/b",
        "not a repository in restic's notation",
    ),
    ("a password with a blank at its end", "upkeep_backup_password", "secret ", "begins or ends with a blank"),
    ("a password of two lines", "upkeep_backup_password", "one\ntwo", "more than one line"),
    ("a schedule of six fields", "upkeep_backup_schedule", "0 0 3 * * *", "not a schedule of five fields"),
    ("a schedule with a command", "upkeep_backup_schedule", "0 3 * * * root x;", "not a schedule of five fields"),
    ("a cache in a home folder", "jellyfin_cache", "~/cache", "not usable as a path"),
    ("a cache that others use", "jellyfin_cache", "/var/cache", "is also used by other programs"),
    ("a cache that is a user's home", "jellyfin_cache", "/home/pi", "is also used by other programs or by a user"),
    ("a cache that is the media", "jellyfin_cache", SETTINGS["mediaserver_media"], "or contains, mediaserver_media"),
    ("a cache in the media", "jellyfin_cache", SETTINGS["mediaserver_media"] + "/x", "is inside mediaserver_media"),
    ("HTTPS without a certificate", "jellyfin_https_port", 8920, "nothing would listen on that port"),
    ("a certificate without a port", "jellyfin_https_certificate", "home.pfx", "jellyfin_https_port is 0"),
    ("HTTPS on a used port", "jellyfin_https_port", 8096, "port 8096 is used twice"),
    ("HTTPS on an invalid port", "jellyfin_https_port", 70000, "is not a port"),
]


@pytest.mark.parametrize(("variable", "value", "words"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_fault_is_rejected_with_remedy(variable: str, value: t.Any, words: str) -> None:
    others: dict[str, t.Any] = {"jellyfin_users": []} if variable != "jellyfin_users" else {}
    if "certificate" not in variable and "nothing would listen" not in words and variable == "jellyfin_https_port":
        others["jellyfin_https_certificate"] = "/srv/home.pfx"
    (problem,) = found(settings={**others, variable: value})
    named = {"jellyfin_library_options": "jellyfin_libraries"}.get(variable, variable)
    assert (problem["level"], problem["variable"]) == ("problem", named)
    assert words in problem["problem"]
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transmission_settings", {"speed_limit_up": 3, "default-trackers": None}),
        ("jackett_settings", {"cache-ttl": 60, "ProxyUrl": None}),
        ("transmission_settings", {"rpc-port": "9091", "download-dir": "/downloads/", "watch-dir": "/downloads/w"}),
        ("transmission_settings", {"rpc-port": None}),
        ("jackett_settings", {"BasePathOverride": "", "BlackholeDir": "/downloads/watch/x"}),
        ("jellyfin_network_settings", {"KnownProxies": ["10.0.0.1"], "BaseUrl": None, "InternalHttpPort": 8096}),
        ("jellyfin_system_settings", {"BaseUrl": "of another section"}),
        ("jellyfin_published_url", "https://films.example.org:8443/tv"),
        ("jellyfin_published_url", ""),
        ("transmission_bind_address", ""),
        ("jellyfin_language", "zh-Hans"),
        ("jellyfin_libraries", []),
        ("jellyfin_libraries", [{"name": "Old", "state": "absent"}]),
        ("jellyfin_users", [{"name": "guest", "state": "absent"}]),
        ("jellyfin_users", [{**CHILD, "policy": {"EnableContentDownloading": False}}]),
        ("jellyfin_cache", "/srv/ssd/jellyfin"),
        ("jellyfin_cache", "/mnt/cache/jellyfin"),
    ],
)
def test_valid_value_is_accepted(name: str, value: t.Any) -> None:
    assert found(settings={"jellyfin_users": [], name: value}) == []


def test_https_needs_a_certificate_with_absolute_path() -> None:
    https = {"jellyfin_https_port": 8920, "jellyfin_https_certificate": "/srv/home.pfx"}
    assert found(settings={"jellyfin_users": [], **https}) == []
    (problem,) = found(settings={"jellyfin_users": [], **https, "jellyfin_https_certificate": "files/home.pfx"})
    assert (problem["variable"], problem["problem"]) == (
        "jellyfin_https_certificate",
        "files/home.pfx is a relative path",
    )


def test_tilde_in_a_path_is_explained() -> None:
    (problem,) = found(settings={"jellyfin_users": [], "jellyfin_cache": "~/cache"})
    assert "~ is not expanded" in problem["remedy"]


def test_unknown_library_is_a_warning_on_an_installed_host() -> None:
    users = [{"name": "child", "libraries": ["By hand"]}]
    (notice,) = found(settings={"jellyfin_users": users, "preflight_installed": True})
    assert (notice["level"], notice["variable"]) == ("warning", "jellyfin_users")


def test_no_problem_contains_a_secret() -> None:
    users = [{**CHILD, "password": "changeme-7531", "libraries": ["Films"]}]
    given = {"jackett_admin_password": "changeme-7531", "transmission_password": "{7531"}
    problems = found(settings={"jellyfin_users": users, **given})
    assert len(problems) == 4
    assert "7531" not in str(problems)


@pytest.mark.parametrize("spelling", ["peer-port", "peer_port"])
@pytest.mark.parametrize(
    ("port", "gateway"),
    [
        (50000, {"gateway_natpmp": True}),
        (50000, {"gateway_peer_port_forwarded": 40000}),
        (None, {"gateway_peer_port_forwarded": "40000"}),
    ],
)
def test_peer_port_that_conflicts_with_the_providers_is_rejected(
    spelling: str, port: int | None, gateway: dict[str, t.Any]
) -> None:
    (problem,) = found(settings={"jellyfin_users": [], "transmission_settings": {spelling: port}, **gateway})
    assert (problem["level"], problem["variable"]) == ("problem", "transmission_settings")
    assert spelling in problem["problem"] and next(iter(gateway)) in problem["problem"]
    assert "gateway_peer_port_forwarded" in problem["remedy"]


@pytest.mark.parametrize(
    ("port", "gateway"),
    [
        (50000, {}),
        (50000, {"gateway_peer_port_forwarded": "0"}),
        (None, {"gateway_natpmp": True}),
        (40000, {"gateway_peer_port_forwarded": 40000}),
    ],
)
def test_peer_port_without_conflict_is_accepted(port: int | None, gateway: dict[str, t.Any]) -> None:
    assert found(settings={"jellyfin_users": [], "transmission_settings": {"peer-port": port}, **gateway}) == []


def test_peer_port_equal_to_a_web_interface_port_is_rejected() -> None:
    (problem,) = found(settings={"transmission_peer_port": 9117, "gateway_ui_ports": [9091, 9117]})
    assert problem["variable"] == "transmission_peer_port"


@pytest.mark.parametrize("role", ["transmission", "jackett", "jellyfin"])
def test_defaults_of_the_roles_are_accepted(role: str) -> None:
    """Defaults that are templates are left out; the others must pass every check."""
    text = (ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    defaults = {name: value for name, value in yaml.safe_load(text).items() if "{{" not in str(value)}
    assert found(settings={"jellyfin_users": [], **defaults}) == []


def test_relied_on_ports_are_those_that_the_stack_publishes() -> None:
    relied_on = relied.RELIED_ON
    chosen = {"stack_services": ["transmission", "jackett", "jellyfin"]}
    ports = {one["name"]: [port["container"] for port in one["ports"]] for one in services(chosen)["services"]}
    assert ports == {
        "transmission": [relied_on["transmission"]["rpc-port"][0]],
        "jackett": [relied_on["jackett"]["Port"][0]],
        "jellyfin": [relied_on["jellyfin"]["InternalHttpPort"][0], relied_on["jellyfin"]["InternalHttpsPort"][0]],
    }
