# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service would refuse in the middle of a run is refused before it; each row changes one variable."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.preflight_problems import preflight_problems
from ansible_collections.household.mediaserver.plugins.filter.services import services as services_of
from ansible_collections.household.mediaserver.plugins.module_utils._preflight import relied, services
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_library, jellyfin_user
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.test_preflight import (
    FACTS,
    SETTINGS,
    found,
)

ROLES = Path(__file__).resolve().parents[4] / "roles"
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
    ("setting of no Transmission", "transmission_settings", {"speed-limit-upp": 3}, "is speed-limit-up meant?"),
    ("setting of another type", "transmission_settings", {"peer-port": "many"}, "peer-port takes"),
    ("credentials as a setting", "transmission_settings", {"rpc-password": "x"}, "belongs into transmission_password"),
    ("field of no Jackett", "jackett_settings", {"CacheTtll": 3}, "is CacheTtl meant?"),
    ("field of another type", "jackett_settings", {"CacheTtl": "long"}, "CacheTtl"),
    ("library twice", "jellyfin_libraries", [MOVIES, {**MOVIES, "name": "movies"}], "listed twice"),
    ("name respelt", "jellyfin_libraries", [{**MOVIES, "name": "TV: old"}], "holds ':'"),
    ("no folder", "jellyfin_libraries", [{**MOVIES, "paths": []}], "at least one folder"),
    ("folder in a folder", "jellyfin_libraries", [MOVIES, {**MOVIES, **NESTED}], "within"),
    (
        "the Pi's path",
        "jellyfin_libraries",
        [{**MOVIES, "paths": ["/mnt/media/movies"]}],
        "no folder that Jellyfin",
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
    ("name that Jellyfin refuses", "jellyfin_users", [{**CHILD, "name": "a/b"}], "a name takes letters"),
    ("the administrator", "jellyfin_users", [{**CHILD, "name": "Family"}], "is the administrator"),
    ("library of nobody", "jellyfin_users", [{**CHILD, "libraries": ["Films"]}], "child may see 'Films'"),
    ("own option as policy", "jellyfin_users", [{**CHILD, "policy": {"IsAdministrator": True}}], "option of its own"),
    ("the administrator, to be removed", "jellyfin_users", [{"name": "family", "state": "absent"}], "is the admin"),
    ("no password asked", "transmission_settings", {"rpc_authentication_required": False}, "must stay True"),
    ("page at another port", "transmission_settings", {"rpc-port": 9092}, "rpc-port must stay 9091"),
    ("page of another path", "transmission_settings", {"rpc-url": "/t/"}, "must stay '/transmission/'"),
    ("page for the container alone", "transmission_settings", {"rpc-bind-address": "127.0.0.1"}, "must stay"),
    ("downloads outside", "transmission_settings", {"download-dir": "/mnt/x"}, "/mnt/x is no folder"),
    ("downloads beside", "transmission_settings", {"download-dir": "/downloads2"}, "/downloads2 is no folder"),
    ("among the defaults", "transmission_default_settings", {"rpc-enabled": False}, "rpc-enabled must stay True"),
    ("Jackett at another port", "jackett_settings", {"port": "9118"}, "Port must stay 9117"),
    ("Jackett behind a path", "jackett_settings", {"BasePathOverride": "/jackett"}, "must stay empty"),
    ("Jackett alone", "jackett_default_settings", {"AllowExternal": False}, "AllowExternal must stay True"),
    ("blackhole elsewhere", "jackett_settings", {"BlackholeDir": "/config/x"}, "/config/x is no folder"),
    ("the wizard", "jellyfin_system_settings", {"isStartupWizardCompleted": False}, "not for you to set"),
    ("a name of no setting", "jellyfin_encoding_settings", {"Threads ": 2}, "no name of a setting"),
    ("Jellyfin at another port", "jellyfin_network_settings", {"InternalHttpPort": 80}, "must stay 8096"),
    ("Jellyfin behind a path", "jellyfin_default_network_settings", {"BaseUrl": "/tv"}, "must stay empty"),
    ("a colon", "transmission_user", "a:b", "holds a colon"),
    ("a brace", "transmission_password", "{braced-7531", "begins with a brace"),
    ("Jellyfin's administrator, misspelt", "jellyfin_admin_user", "fam/ily", "no name that Jellyfin takes"),
    ("Jellyfin's administrator, blank", "jellyfin_admin_user", "family ", "no name that Jellyfin takes"),
    ("an address of IPv6", "transmission_bind_address", "::1", "not an IPv4 address"),
    ("no peer port", "transmission_peer_port", 0, "0 is not a port"),
    ("no address for programs", "jellyfin_published_url", "films.example.org", "no address"),
    ("an address that Compose reads", "jellyfin_published_url", "http://films/$HOME", "no address"),
    ("two lines", "jellyfin_published_url", "http://films\nPUID=0", "no address"),
    ("a language", "jellyfin_language", "English", "no language code"),
    ("a language of films", "jellyfin_metadata_language", "", "no language code"),
    ("a country", "jellyfin_metadata_country", "Austria", "no country code"),
    ("an image", "jellyfin_image", "", "no name of an image"),
    ("a cache with blanks", "jellyfin_cache", "/mnt/my cache", "not usable as a path"),
    ("no time", "jellyfin_timeout", 0, "no time to wait"),
    ("a stop that never ends", "transmission_stop_timeout", -1, "no time to wait"),
    ("a cache in a home folder", "jellyfin_cache", "~/cache", "not usable as a path"),
    ("a cache that others use", "jellyfin_cache", "/var/cache", "belongs to other programs"),
    ("a cache that is a user's home", "jellyfin_cache", "/home/pi", "belongs to other programs or to a user"),
    ("a cache that is the media", "jellyfin_cache", SETTINGS["mediaserver_media"], "is, or holds, mediaserver_media"),
    ("a cache in the media", "jellyfin_cache", SETTINGS["mediaserver_media"] + "/x", "lies in mediaserver_media"),
    ("HTTPS without a certificate", "jellyfin_https_port", 8920, "nothing would answer at that port"),
    ("a certificate for no port", "jellyfin_https_certificate", "home.pfx", "jellyfin_https_port is 0"),
    ("HTTPS at another's port", "jellyfin_https_port", 8096, "port 8096 is used twice"),
    ("HTTPS at no port", "jellyfin_https_port", 70000, "is not a port"),
]


@pytest.mark.parametrize(("variable", "value", "words"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_it_is_refused(variable: str, value: t.Any, words: str) -> None:
    others: dict[str, t.Any] = {"jellyfin_users": []} if variable != "jellyfin_users" else {}
    if "certificate" not in variable and "nothing would answer" not in words and variable == "jellyfin_https_port":
        others["jellyfin_https_certificate"] = "/srv/home.pfx"
    (problem,) = found(settings={**others, variable: value})
    named = {"jellyfin_library_options": "jellyfin_libraries"}.get(variable, variable)
    named = "mediaserver_ports" if "used twice" in words else named
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
def test_it_is_accepted(name: str, value: t.Any) -> None:
    assert found(settings={"jellyfin_users": [], name: value}) == []


def test_https_with_a_certificate_is_accepted() -> None:
    https = {"jellyfin_https_port": 8920, "jellyfin_https_certificate": "/srv/home.pfx"}
    assert found(settings={"jellyfin_users": [], **https}) == []
    (problem,) = found(settings={"jellyfin_users": [], **https, "jellyfin_https_certificate": "files/home.pfx"})
    assert (problem["variable"], problem["problem"]) == (
        "jellyfin_https_certificate",
        "files/home.pfx is a relative path",
    )


def test_a_tilde_is_named() -> None:
    (problem,) = found(settings={"jellyfin_users": [], "jellyfin_cache": "~/cache"})
    assert "~ is not expanded" in problem["remedy"]


def test_of_a_server_that_is_set_up_nobody_knows_what_was_made_by_hand() -> None:
    users = [{"name": "child", "libraries": ["By hand"]}]
    (notice,) = found(settings={"jellyfin_users": users, "preflight_installed": True})
    assert (notice["level"], notice["variable"]) == ("warning", "jellyfin_users")


def test_no_secret_in_any_problem() -> None:
    users = [{**CHILD, "password": "changeme-7531", "libraries": ["Films"]}]
    given = {"jackett_admin_password": "changeme-7531", "transmission_password": "{7531"}
    problems = found(settings={"jellyfin_users": users, **given})
    assert len(problems) == 4
    assert "7531" not in str(problems)


@pytest.mark.parametrize("spelling", ["peer-port", "peer_port"])
@pytest.mark.parametrize(
    ("told", "gateway"),
    [
        (50000, {"gateway_natpmp": True}),
        (50000, {"gateway_peer_port_forwarded": 40000}),
        (None, {"gateway_peer_port_forwarded": "40000"}),
    ],
)
def test_the_port_is_the_providers(spelling: str, told: int | None, gateway: dict[str, t.Any]) -> None:
    (problem,) = found(settings={"jellyfin_users": [], "transmission_settings": {spelling: told}, **gateway})
    assert (problem["level"], problem["variable"]) == ("problem", "transmission_settings")
    assert spelling in problem["problem"] and next(iter(gateway)) in problem["problem"]
    assert "gateway_peer_port_forwarded" in problem["remedy"]


@pytest.mark.parametrize(
    ("told", "gateway"),
    [
        (50000, {}),
        (50000, {"gateway_peer_port_forwarded": "0"}),
        (None, {"gateway_natpmp": True}),
        (40000, {"gateway_peer_port_forwarded": 40000}),
    ],
)
def test_a_port_that_contradicts_nobody(told: int | None, gateway: dict[str, t.Any]) -> None:
    assert found(settings={"jellyfin_users": [], "transmission_settings": {"peer-port": told}, **gateway}) == []


def test_the_peer_port_is_no_page() -> None:
    (problem,) = found(settings={"transmission_peer_port": 9117, "gateway_ui_ports": [9091, 9117]})
    assert problem["variable"] == "transmission_peer_port"


@pytest.mark.parametrize("role", ["transmission", "jackett", "jellyfin"])
def test_what_the_roles_themselves_set_is_no_problem(role: str) -> None:
    """The defaults are seen too; templates among them stand for what they become."""
    text = (ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    defaults = {name: value for name, value in yaml.safe_load(text).items() if "{{" not in str(value)}
    assert found(settings={"jellyfin_users": [], **defaults}) == []


def test_the_ports_are_those_that_the_stack_publishes() -> None:
    relied_on = relied.RELIED_ON
    ports = {one["name"]: [port["container"] for port in one["ports"]] for one in services_of({})["services"]}
    assert {name: found for name, found in ports.items() if found} == {
        "transmission": [relied_on["transmission"]["rpc-port"][0]],
        "jackett": [relied_on["jackett"]["Port"][0]],
        "jellyfin": [relied_on["jellyfin"]["InternalHttpPort"][0], relied_on["jellyfin"]["InternalHttpsPort"][0]],
    }


def told(variable: str, value: t.Any, specs: dict[str, t.Any]) -> list[dict[str, str]]:
    """What the filter itself says of one variable."""
    problems = preflight_problems(FACTS, {**SETTINGS, "jellyfin_users": [], variable: value}, specs)
    return [one for one in problems if one["variable"] == variable]


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("jellyfin_libraries", "list"),
        ("jellyfin_users", "list"),
        ("jackett_settings", "dict"),
        ("transmission_settings", "dict"),
    ],
)
@pytest.mark.parametrize("value", ["text", "CacheTtl=60"])
def test_what_is_of_another_form_altogether_is_told_once(
    variable: str, kind: str, value: str, specs: dict[str, t.Any]
) -> None:
    (problem,) = told(variable, value, specs)
    assert f"of type str, not {kind}" in problem["problem"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("jellyfin_users", [{"name": "child", "password": "12345678", "libraries": "Movies"}]),
        ("jellyfin_libraries", [{"name": "Movies", "type": "movies", "paths": "/media/movies"}]),
        ("jellyfin_https_port", "0"),
        ("jellyfin_timeout", "600"),
    ],
)
def test_what_a_module_converts_is_looked_at_converted(variable: str, value: t.Any, specs: dict[str, t.Any]) -> None:
    assert told(variable, value, specs) == []


@pytest.mark.parametrize(
    ("written", "place", "kind"),
    [
        ("transmission_password: 0123456", "transmission_password", "a number"),
        ("jackett_admin_password: 12345678", "jackett_admin_password", "a number"),
        ("jellyfin_admin_password: 1e3", "jellyfin_admin_password", ""),
        ("jellyfin_admin_password: 1.5", "jellyfin_admin_password", "a number"),
        ("transmission_user: on", "transmission_user", "true or false"),
        ("jellyfin_admin_user: 2001-01-01", "jellyfin_admin_user", "a date"),
        ("jellyfin_metadata_country: NO", "jellyfin_metadata_country", "true or false"),
        ("jellyfin_language: no", "jellyfin_language", "true or false"),
        ("jellyfin_users: [{name: child, password: 0000}]", "jellyfin_users[0].password", "a number"),
        ("jellyfin_users: [{name: 007, password: crayon}]", "jellyfin_users[0].name", "a number"),
        (
            "jellyfin_users: [{name: a, password: b, libraries: [Movies, 12:30]}]",
            "jellyfin_users[0].libraries[1]",
            "a n",
        ),
        ("jellyfin_libraries: [{name: 1984, type: books, paths: [/media/books]}]", "jellyfin_libraries[0].name", "a n"),
    ],
)
def test_a_text_that_yaml_has_changed_is_refused_without_its_value(
    written: str, place: str, kind: str, specs: dict[str, t.Any]
) -> None:
    given = yaml.safe_load(written)
    found = preflight_problems(FACTS, {**SETTINGS, "jellyfin_users": [], **given}, specs)
    told = [one for one in found if one["variable"] == place]
    if not kind:  # a text for YAML 1.1
        assert told == []
        return
    (problem,) = told
    assert problem["problem"].startswith(f"it is a text, and YAML has read {kind}")
    assert "quotes" in problem["remedy"]
    assert "42798" not in problem["text"] and "12345678" not in problem["text"]


@pytest.mark.parametrize(
    "variable",
    ["transmission_peer_port", "jackett_settings", "jellyfin_libraries", "jellyfin_cache", "transmission_image"],
)
def test_a_variable_left_blank_is_refused_by_name(variable: str, specs: dict[str, t.Any]) -> None:
    (problem,) = told(variable, None, specs)
    assert (problem["level"], problem["problem"]) == ("problem", "it is left blank")
    assert "remove the line" in problem["remedy"]


@pytest.mark.parametrize(
    ("variable", "value", "words", "way"),
    [
        (
            "transmission_settings",
            {"rpc-whitelist-enabled": True},
            "rpc-whitelist-enabled must stay False",
            "mediaserver_lan",
        ),
        ("transmission_settings", {"rpc_whitelist": "127.0.0.1"}, "rpc-whitelist is not for you", "mediaserver_lan"),
        ("transmission_settings", {"rpc-whitelist-enabled": None}, "cannot be left to Transmission", "mediaserver_lan"),
        ("transmission_settings", {"rpc-authentication-required": None}, "cannot be left", "transmission_password"),
        (
            "transmission_settings",
            {"bind-address-ipv4": "0.0.0.0"},
            "bind-address-ipv4 is not",
            "transmission_bind_address",
        ),
        ("transmission_settings", {"bind_address_ipv4": None}, "cannot be left", "transmission_bind_address"),
        ("transmission_settings", {"bind-address-ipv6": "::"}, "bind-address-ipv6 is not", "the tunnel"),
        (
            "transmission_settings",
            {"peer-port-random-on-start": True},
            "must stay False",
            "gateway_peer_port_forwarded",
        ),
        ("transmission_settings", {"lpd-enabled": True}, "must stay False", "trackers"),
        ("transmission_settings", {"port-forwarding-enabled": "yes"}, "must stay False", "provider"),
        ("transmission_settings", {"port-forwarding-enabled": None}, "cannot be left", "provider"),
        (
            "transmission_settings",
            {"blocklist-url": "http://nas.local/list"},
            "blocklist-url leads to an address",
            "tunnel",
        ),
        ("transmission_settings", {"announce-ip": 5.1}, "announce-ip is a text", "quotes"),
        ("transmission_bind_address", "0.0.0.0", "binds torrents to no address", "empty"),
        ("transmission_bind_address", "10.66.0.3", "no address of the tunnel (10.66.0.2)", "empty"),
        ("jackett_settings", {"FlareSolverrUrl": "http://192.168.1.5:8191"}, "FlareSolverrUrl leads to", "127.0.0.1"),
        ("jackett_settings", {"flaresolverr_url": "http://flaresolverr:8191"}, "FlareSolverrUrl leads to", "127.0.0.1"),
        ("jackett_settings", {"FlareSolverrUrl": "http://100.100.1.2:8191"}, "FlareSolverrUrl leads to", "127.0.0.1"),
        ("jackett_settings", {"ProxyUrl": "proxy.fritz.box"}, "ProxyUrl leads to", "internet"),
        ("jackett_settings", {"OmdbApiKey": 123456}, "OmdbApiKey is a text", "quotes"),
        (
            "jellyfin_encoding_settings",
            {"TranscodingTempPath": "/transcodes"},
            "no folder that Jellyfin's",
            "jellyfin_cache",
        ),
        ("jellyfin_system_settings", {"CachePath": "/mnt/cache"}, "no folder that Jellyfin's", "/cache"),
        ("jellyfin_network_settings", {"LocalNetworkAddresses": ["192.168.1.5"]}, "must stay empty", "mediaserver_lan"),
    ],
)
def test_what_the_stack_relies_on_is_refused_with_the_supported_way(
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
def test_the_supported_way_is_accepted(name: str, value: t.Any) -> None:
    assert found(settings={"jellyfin_users": [], name: value}) == []


@pytest.mark.parametrize("changed", [{"watch-dir": "/downloads/w"}, {"watch-dir-enabled": False}])
def test_a_blackhole_that_nothing_watches_is_a_warning(changed: dict[str, t.Any]) -> None:
    defaults = {"jackett_default_settings": {"BlackholeDir": "/downloads/watch"}}
    defaults["transmission_default_settings"] = {"watch-dir": "/downloads/watch", "watch-dir-enabled": True}
    assert found(settings={"jellyfin_users": [], **defaults}) == []
    (notice,) = found(settings={"jellyfin_users": [], **defaults, "transmission_settings": changed})
    assert (notice["level"], notice["variable"]) == ("warning", "transmission_settings")
    assert "/downloads/watch" in notice["problem"]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("jellyfin_users", [{**CHILD, "libary": ["Movies"]}], "libary"),
        ("jellyfin_users", [{"password": "crayon"}], "name"),
        ("jellyfin_users", [{**CHILD, "transcoding": "sometimes"}], "transcoding"),
        ("jellyfin_libraries", [{**MOVIES, "type": "films"}], "movies, tvshows"),
        ("jellyfin_libraries", [{**MOVIES, "path": "/media/x"}], "path"),
    ],
)
def test_a_key_that_is_misspelt_is_named(variable: str, value: t.Any, words: str, specs: dict[str, t.Any]) -> None:
    (problem,) = told(variable, value, specs)
    assert words in problem["problem"]
    assert "crayon" not in str(problem)


def test_the_role_takes_what_the_modules_take(specs: dict[str, t.Any]) -> None:
    def plain(options: dict[str, t.Any]) -> dict[str, t.Any]:
        return {
            name: {key: value for key, value in option.items() if key != "description" and value is not False}
            for name, option in options.items()
        }

    modules = (("jellyfin_libraries", jellyfin_library, "libraries"), ("jellyfin_users", jellyfin_user, "users"))
    for variable, module, option in modules:
        assert plain(specs[variable]["options"]) == plain(module.SPEC[option]["options"])


def test_the_credentials_are_those_that_the_roles_require(specs: dict[str, t.Any]) -> None:
    required = {name for name, option in specs.items() if option.get("required")}
    assert required == set(services.CREDENTIALS)


@pytest.fixture(scope="module")
def specs() -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for role in ("transmission", "jackett", "jellyfin"):
        text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        found |= yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found
