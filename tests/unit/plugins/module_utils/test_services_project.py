# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services a household has: what it leaves out is nowhere, and what it adds is like the others."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.compose_project import compose_project
from ansible_collections.household.mediaserver.plugins.filter.services import services
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._services import env, own, yaml_text
from ansible_collections.household.mediaserver.plugins.module_utils._services.project import project
from ansible_collections.household.mediaserver.plugins.module_utils._services.values import Values
from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file
from hypothesis import given
from hypothesis import strategies as some

ALL = ["vpn", "wireguard", "transmission", "jackett", "jellyfin"]
PORTS = {"transmission": 9091, "jackett": 9117, "jellyfin": 8096}
# The services are named, so that one more in the registry changes nothing here but the test of the default household.
PLACES: dict[str, t.Any] = {
    **{"mediaserver_root": "/opt/mediaserver", "mediaserver_data": "/mnt", "mediaserver_state": "/var/lib/mediaserver"},
    "stack_services": ALL,
}
SCRIPTS = ("vpn", "wireguard", "transmission", "jackett", "jellyfin", "last-good", "keep-whole", "namespace")
ENTRYPOINTS = [{"path": f"/entrypoints/{name}.sh", "content": name} for name in SCRIPTS]
VALUES = {
    **PLACES,
    **{f"{name}_image": f"owner/{name}:1" for name in ("gateway", "gateway_holder", *PORTS)},
    **{"mediaserver_timezone": "Etc/UTC", "mediaserver_uid": 2000, "mediaserver_gid": 2000},
    **{"mediaserver_media": "/mnt/media", "mediaserver_downloads": "/mnt/downloads", "jellyfin_cache": "/mnt/cache"},
    **{"mediaserver_bind_address": "0.0.0.0", "mediaserver_ipv6": False, "jellyfin_published_url": ""},
    **{"gateway_subnet": "172.31.254.0/24", "gateway_config": {"dns": ["10.2.0.1"]}},
}


def composed(given: dict[str, t.Any], **values: t.Any) -> dict[str, t.Any]:
    return compose_project({**PLACES, **given}, {**VALUES, **values}, None, ENTRYPOINTS)


def test_default_household_has_all_services() -> None:
    found = services({})
    assert found["names"] == found["default_names"] == ALL
    assert found["published_ports"] == sorted(PORTS.values())
    assert found["vpn_ports"] == [9091, 9117]
    assert [(page["title"], page["port"]) for page in found["pages"]] == [
        ("Transmission", 9091),
        ("Jackett", 9117),
        ("Jellyfin", 8096),
    ]
    assert found["absent_roles"] == []


@pytest.mark.parametrize("name", PORTS)
def test_nothing_of_a_service_that_is_left_out_is_left(name: str) -> None:
    chosen = {"stack_services": [other for other in ALL if other != name], "jellyfin_https_port": 8920}
    found = services(chosen)
    assert name not in found["names"]
    assert found["absent_roles"] == [name]
    assert PORTS[name] not in (*found["published_ports"], *found["vpn_ports"])
    assert (8920 in found["published_ports"]) is (name != "jellyfin")
    assert len({page["title"] for page in found["pages"]}) == 2
    assert not [variable for variable in found["placeholders"] if variable.startswith(f"{name}_")]
    for told in ("monitored", "folders", "next_steps", "pages"):
        assert name not in json.dumps(found[told]).lower(), told
    known = {variable: value for variable, value in VALUES.items() if not variable.startswith(f"{name}_")}
    made = compose_project({**PLACES, **chosen}, known, None, ENTRYPOINTS)
    project = yaml.safe_load(made["compose"])
    assert list(project["services"]) == chosen["stack_services"]
    assert not [line for line in made["env"] if line.startswith(name.upper())]
    assert (f"{name.upper()}_PORT" in str(project["services"]["vpn"]["ports"])) is False
    assert ("house" in project["networks"]) is (name != "jellyfin")


def test_a_stack_without_pages_behind_the_vpn_publishes_nothing_there() -> None:
    project = yaml.safe_load(composed({"stack_services": ["vpn", "wireguard", "jellyfin"]})["compose"])
    assert "ports" not in project["services"]["vpn"]


@pytest.mark.parametrize(
    ("given", "published"),
    [
        ({"mediaserver_ports": {"jackett": 19117}}, [8096, 9091, 19117]),
        ({"mediaserver_ports": {"jackett": "19117"}}, [8096, 9091, 19117]),
        ({"jellyfin_https_port": "443"}, [443, 8096, 9091, 9117]),
        # Wrong ports are reported by preflight, which has to measure the host first.
        ({"mediaserver_ports": {"jackett": 99999, "jellyfin": "web"}}, [9091]),
        ({"mediaserver_ports": ["9117"]}, [8096, 9091, 9117]),
        ({"stack_services": ["vpn", "plex", "jackett", "jackett"]}, [9117]),
        ({"mediaserver_extra_services": ["sonarr", {"name": "x"}, {"image": "y"}, 7]}, [8096, 9091, 9117]),
        ({"mediaserver_extra_services": {"name": "x"}}, [8096, 9091, 9117]),
    ],
)
def test_ports_of_the_host_are_the_households_or_the_services_own(
    given: dict[str, t.Any], published: list[int]
) -> None:
    assert services({**PLACES, **given})["published_ports"] == published


@pytest.mark.parametrize("selection", ["vpn", None, ""])
def test_a_selection_that_is_none_is_the_default_one(selection: str | None) -> None:
    assert services({**PLACES, "stack_services": selection})["names"] == services({})["default_names"]


def test_what_is_needed_and_missing_is_named() -> None:
    with pytest.raises(Exception, match=r"compose_project: jackett_image is not set"):
        composed({}, jackett_image="")
    with pytest.raises(Exception, match=r"compose_project: .*10\.0\.0\.300"):
        composed({}, gateway_subnet="10.0.0.300/24")


def test_folders_that_need_a_mount_of_their_own_are_those_outside() -> None:
    spool = "/var/lib/mediaserver/import"
    assert composed({})["other_folders"] == [spool]
    assert composed({}, jellyfin_cache="/srv/cache")["other_folders"] == ["/srv/cache", spool]
    assert composed({"stack_services": ALL[:-1]}, jellyfin_cache="/srv/cache")["other_folders"] == [spool]


def test_a_changed_entry_point_recreates_those_who_run_it() -> None:
    def digests(**changed: str) -> dict[str, str]:
        files = [{**entry, "content": changed.get(entry["path"][13:-3], entry["content"])} for entry in ENTRYPOINTS]
        made = yaml.safe_load(compose_project(PLACES, VALUES, None, files)["compose"])["services"]
        return {name: one["labels"]["mediaserver.entrypoint"] for name, one in made.items()}

    before = digests()
    for script, users in (
        ("namespace", {"wireguard", "transmission", "jackett"}),
        ("last-good", {"transmission", "jackett", "jellyfin"}),
        ("keep-whole", {"jackett", "jellyfin"}),
        ("vpn", {"vpn"}),
    ):
        after = digests(**{script: "another"})
        assert {name for name in before if before[name] != after[name]} == users


SONARR: dict[str, t.Any] = {
    "name": "sonarr",
    "image": "owner/sonarr:4",
    "port": 8989,
    "published_port": 18989,
    "user": "1000:1001",
    "environment": {"PUID": "1000", "WORD": 'a <mediaserver_uid> $X: "y"'},
    "secret_files": {"key": "hidden"},
    "volumes": [{"source": "/mnt/films", "target": "/films", "read_only": True}],
    "capabilities": ["CHOWN"],
    "healthcheck": {"test": "curl --fail http://localhost:8989/ping || exit 1", "interval": "30s"},
    "memory": "300m",
    "reaches": {"jellyfin": 8096},
    "forwarded_port": {"file": "/config/port", "command": ["reload"]},
    "backup": {"databases": ["sonarr.db"]},
    "restart_when_unhealthy": True,
}
BAZARR = {"name": "bazarr", "image": "owner/bazarr:1", "namespace": "lan", "port": 6767, "published_port": 6767}


@pytest.fixture(scope="module")
def own_services() -> dict[str, t.Any]:
    return composed({"mediaserver_extra_services": [SONARR, BAZARR]})


def test_own_service_in_vpn_is_in_holders_namespace(own_services: dict[str, t.Any]) -> None:
    project = yaml.safe_load(own_services["compose"])["services"]
    assert list(project)[-2:] == ["sonarr", "bazarr"]
    found = project["sonarr"]
    assert found["network_mode"] == "service:vpn"
    assert found["depends_on"] == {"vpn": {"condition": "service_healthy", "restart": True}}
    assert not {"ports", "networks", "mem_limit", "entrypoint"} & set(found)
    assert "${BIND_ADDRESS}:${SONARR_PORT}:8989" in project["vpn"]["ports"]
    assert (own_services["env"]["SONARR_PORT"], own_services["env"]["SONARR_IMAGE"]) == ("18989", "owner/sonarr:4")
    assert (found["cap_drop"], found["cap_add"], found["user"]) == (["ALL"], ["CHOWN"], "1000:1001")
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["healthcheck"]["test"] == ["CMD-SHELL", "curl --fail http://localhost:8989/ping || exit 1"]
    assert found["healthcheck"]["interval"] == "30s"


def test_an_own_service_sees_its_configuration_the_data_once_and_its_secrets(own_services: dict[str, t.Any]) -> None:
    mounts = yaml.safe_load(own_services["compose"])["services"]["sonarr"]["volumes"]
    assert {mount["target"]: (mount["source"], mount.get("read_only", False)) for mount in mounts} == {
        "/config": ("/opt/mediaserver/config/sonarr", False),
        "/data": ("/mnt", False),
        "/films": ("/mnt/films", True),
        "/run/secrets/key": ("/opt/mediaserver/secrets/sonarr/key", True),
    }
    assert all(mount["bind"] == {"create_host_path": False} for mount in mounts)
    assert "hidden" not in json.dumps(own_services)


def test_texts_of_an_own_service_stay_as_the_household_has_written_them(own_services: dict[str, t.Any]) -> None:
    environment = yaml.safe_load(own_services["compose"])["services"]["sonarr"]["environment"]
    # Compose makes one dollar sign of two.
    assert environment == {"TZ": "${TZ}", "PUID": "1000", "WORD": 'a <mediaserver_uid> $$X: "y"'}
    image = {**PLACES, "mediaserver_extra_services": [{**SONARR, "image": "<transmission_password>"}]}
    known = Values({**VALUES, "transmission_password": "hidden"})
    assert env.lines(project(_services_file.read(), image), known)["SONARR_IMAGE"] == "<transmission_password>"


def test_an_own_service_on_the_lan_has_a_bridge_of_its_own(own_services: dict[str, t.Any]) -> None:
    project = yaml.safe_load(own_services["compose"])
    found = project["services"]["bazarr"]
    assert (found["networks"], found["ports"]) == (["own_bazarr"], ["${BIND_ADDRESS}:${BAZARR_PORT}:6767"])
    assert found["user"] == "${PUID}:${PGID}"
    bridge = {"com.docker.network.bridge.name": "br-own-bazarr"}
    assert project["networks"]["own_bazarr"] == {"driver": "bridge", "driver_opts": bridge}
    alone = composed({"mediaserver_extra_services": [BAZARR], "stack_services": ALL[:-1]})
    assert list(yaml.safe_load(alone["compose"])["networks"]) == ["vpn", "own_bazarr"]


def test_an_own_service_is_known_like_the_others() -> None:
    found = services({**PLACES, "mediaserver_extra_services": [SONARR, BAZARR]})
    assert (found["published_ports"], found["vpn_ports"]) == ([6767, 8096, 9091, 9117, 18989], [8989, 9091, 9117])
    assert found["folders"][-2:] == [
        {"path": "config/sonarr", "owner": "1000"},
        {"path": "config/bazarr", "owner": ""},
    ]
    assert found["secret_files"] == [{"path": "secrets/sonarr/key", "owner": "1000"}]
    sonarr, bazarr = found["monitored"][-2:]
    assert (sonarr["namespace"], sonarr["restart_when_unhealthy"], bazarr["namespace"]) == ("vpn", True, "lan")
    assert sonarr["forwarded_port"] == {"way": "file", "path": "config/sonarr/port", "command": ["reload"]}
    form = found["services"][-2]
    assert form["reaches"] == [{"service": "jellyfin", "port": 8096}]
    assert form["backup"] == {"files": ["config/sonarr"], "databases": ["config/sonarr/sonarr.db"]}
    assert form["ports"][0]["variable"] == "mediaserver_extra_services.sonarr.published_port"


def test_the_ceiling_of_an_own_service_counts_where_the_kernel_enforces_one() -> None:
    given = {**PLACES, "mediaserver_extra_services": [SONARR, BAZARR]}
    made = yaml.safe_load(compose_project(given, VALUES, {"jellyfin": "3g"}, ENTRYPOINTS)["compose"])["services"]
    assert {name: one["mem_limit"] for name, one in made.items() if "mem_limit" in one} == {
        "jellyfin": "3g",
        "sonarr": "300m",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"privileged": True}, "sonarr: no such field: privileged"),
        ({"image": ""}, "sonarr: image is not set"),
        ({"namespace": "host"}, "sonarr: 'host'"),
        ({"port": "web"}, "sonarr: invalid literal"),
        ({"reaches": ["jellyfin"]}, "sonarr: 'list' object"),
        ({"volumes": [{"source": "/x"}]}, r"sonarr\.volumes: missing"),
        ({"healthcheck": {"interval": "1s"}}, "sonarr: 'test'"),
    ],
)
def test_what_has_no_normal_form_is_refused_by_its_name(change: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        own.read({**SONARR, **change}, root="/x", data_root="/y")


@given(some.text(some.characters(exclude_categories=["Cs", "Cc"])))
def test_a_text_is_read_by_yaml_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"- key: {yaml_text.block(text)}") == [{"key": text}]
    assert yaml.safe_load(f"[x, {yaml_text.flow([text, text])}]") == ["x", [text, text]]


@pytest.mark.parametrize(
    "text", ["true", "No", "null", "~", "12", "1e3", "0x1F", "a: b", "a #b", "-", "*x", "", "12:30:00"]
)
def test_what_yaml_would_read_otherwise_is_quoted(text: str) -> None:
    assert yaml.safe_load(yaml_text.flow([text])) == [text]
    assert yaml.safe_load(f"x: {yaml_text.block(text)}") == {"x": text}
