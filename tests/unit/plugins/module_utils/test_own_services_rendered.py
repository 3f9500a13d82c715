# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A household's own services in the compose file: whatever is accepted opens nothing, and ways lead over the host."""

from __future__ import annotations

import copy
import functools
import json
import typing as t

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.services import services
from ansible_collections.household.mediaserver.plugins.module_utils._services import secret_digest, ways
from ansible_collections.household.mediaserver.plugins.module_utils._services.fault import VARIABLE, Household
from ansible_collections.household.mediaserver.plugins.module_utils._services.project import project
from ansible_collections.household.mediaserver.plugins.module_utils._services.validate import faults
from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.test_own_services import (
    CAPABILITIES,
    SONARR,
    SOURCES,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.test_services_project import (
    ALL,
    PLACES,
    composed,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

# All that compose.yml may say of an own service.
KEYS = {
    "image",
    "restart",
    "labels",
    "user",
    "network_mode",
    "depends_on",
    "networks",
    "extra_hosts",
    "ports",
    "cap_add",
}
KEYS |= {"environment", "tmpfs", "cap_drop", "security_opt", "mem_limit", "volumes", "healthcheck", "stop_grace_period"}
OPENING = {"NET_ADMIN", "NET_RAW", "ALL", "BPF", "MKNOD", "DAC_READ_SEARCH"}

TEXTS = some.text(max_size=12) | some.sampled_from(
    ["host", "a\nprivileged: true", "${X}", "<mediaserver_root>", "{a: b}"]
)
WORDS = TEXTS | some.integers() | some.booleans() | some.none()
FIELDS: dict[str, some.SearchStrategy[t.Any]] = {
    "name": some.sampled_from(["sonarr", "a", "a-b", "vpn", "host"]) | TEXTS,
    "image": some.sampled_from(["a:1", "a/b:1"]) | TEXTS,
    "namespace": some.sampled_from(["vpn", "lan", "host"]),
    "port": some.sampled_from([1, 80, "8989"]) | WORDS,
    "published_port": some.sampled_from([81, 8989]) | WORDS,
    "user": some.sampled_from(["0:0", "2000"]) | TEXTS,
    "environment": some.dictionaries(some.sampled_from(["A", "B_1"]) | TEXTS, TEXTS | WORDS, max_size=2),
    "secret_files": some.dictionaries(some.sampled_from(["a", "b.txt"]) | TEXTS, TEXTS, max_size=2),
    "volumes": some.lists(
        some.fixed_dictionaries(
            {
                "source": some.sampled_from([one for one, _problem in SOURCES.values()] + ["/mnt", "/mnt/media"])
                | TEXTS,
                "target": some.sampled_from(["/x", "/x/y", "/config", "/"]) | TEXTS,
            },
            optional={"read_only": some.booleans(), "bind": some.just({"propagation": "shared"})},
        ),
        max_size=2,
    ),
    "capabilities": some.lists(some.sampled_from([*CAPABILITIES, "CHOWN", "cap_setuid"]) | TEXTS, max_size=3),
    "healthcheck": some.fixed_dictionaries(
        {"test": TEXTS | some.just(["CMD", "true"])},
        optional={"interval": some.sampled_from(["1s", "1m30s"]) | WORDS, "retries": some.integers() | TEXTS},
    ),
    "memory": some.sampled_from(["512m", "1g"]) | WORDS,
    "restart_when_unhealthy": some.booleans() | TEXTS,
    "reaches": some.dictionaries(some.sampled_from(["jellyfin", "transmission"]) | TEXTS, WORDS, max_size=2),
    "forwarded_port": some.fixed_dictionaries({"file": some.just("/config/port") | TEXTS}),
    "backup": some.fixed_dictionaries({"files": some.lists(TEXTS, max_size=2)}),
    "privileged": some.booleans(),
    "network_mode": some.just("host"),
    "pid": some.just("host"),
    "ipc": some.just("host"),
}
SOUND: dict[str, t.Any] = {"name": "sonarr", "image": "a:1"}


# The C parser is fast enough for hundreds of compose files.
load = functools.partial(yaml.load, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def accepted(listed: list[t.Any]) -> bool:
    given = {**PLACES, VARIABLE: listed}
    found = project(_services_file.read(), given)
    household = Household(found, PLACES["mediaserver_root"], PLACES["mediaserver_data"], natpmp=True)
    return not any(fault.serious for fault in faults(listed, household))


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(some.sets(some.sampled_from(sorted(FIELDS)), max_size=4).flatmap(
    lambda names: some.fixed_dictionaries({name: FIELDS[name] for name in sorted(names)})))  # fmt: skip
def test_no_accepted_service_opens_the_host_or_a_barrier(changes: dict[str, t.Any]) -> None:
    listed = [{**SOUND, **changes}]
    assume(accepted(listed))
    project = load(composed({VARIABLE: listed})["compose"])
    assert set(project["services"]) == {*ALL, listed[0]["name"]}
    one = project["services"][listed[0]["name"]]
    check_closed(one, listed[0])
    # Nothing else changes in any of the others but the holder's ports and names.
    for name in ALL:
        assert without_ways(project["services"][name]) == without_ways(plain()[name])


@functools.cache
def plain() -> dict[str, t.Any]:
    return dict(load(composed({})["compose"])["services"])


def without_ways(service: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in service.items() if key not in ("ports", "extra_hosts")}


def check_closed(one: dict[str, t.Any], given: dict[str, t.Any]) -> None:
    """Hold what compose.yml says of an own service against all that may not be in it."""
    assert set(one) <= KEYS
    assert one.get("network_mode", "service:vpn") == "service:vpn"
    assert ("network_mode" in one) != ("networks" in one)
    assert one.get("networks", [f"own_{given['name']}"]) == [f"own_{given['name']}"]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    for name in one.get("cap_add", []):
        assert name == name.strip().upper()
        assert name not in OPENING
        assert not name.startswith(("CAP_", "SYS_"))
    allowed = ("/mnt/", f"/opt/mediaserver/config/{given['name']}/", f"/opt/mediaserver/secrets/{given['name']}/")
    for volume in one["volumes"]:
        assert (volume["type"], volume["bind"]) == ("bind", {"create_host_path": False})
        assert f"{volume['source']}/".startswith(allowed)
        assert not {"..", "."} & set(volume["source"].split("/"))
        assert "docker.sock" not in volume["source"]
    for port in one.get("ports", []):
        assert port.startswith(("${BIND_ADDRESS}:", "172.31.254.1:"))
    expected = {name: str(text).replace("$", "$$") for name, text in (given.get("environment") or {}).items()}
    assert one["environment"] == {"TZ": "${TZ}", **expected}


def test_the_fields_that_are_generated_are_accepted_often_enough() -> None:
    """The control of the property above: a service with every field is accepted, and closed."""
    listed = [copy.deepcopy(SONARR)]
    assert accepted(listed)
    check_closed(load(composed({VARIABLE: listed})["compose"])["services"]["sonarr"], SONARR)


@pytest.mark.parametrize("change", [{"capabilities": ["NET_ADMIN"]}, {"privileged": True}, {"name": "vpn"}], ids=str)
def test_what_preflight_refuses_is_never_written(change: dict[str, t.Any]) -> None:
    """A play may do without preflight."""
    with pytest.raises(Exception, match=r"compose_project: mediaserver_extra_services\[0\]"):
        composed({VARIABLE: [{**SOUND, **change}]})


def test_the_backups_are_not_in_the_container_of_an_own_service() -> None:
    """All data is at /data, and the repository and its work folder are below it on the host."""
    service = load(composed({VARIABLE: [SOUND]})["compose"])["services"]["sonarr"]
    assert any(one["target"] == "/data" for one in service["volumes"]), "the control"
    assert service["tmpfs"] == ["/data/backup", "/data/cache/backup"]


def test_docker_never_starts_an_own_service_in_the_vpn_namespace_by_itself() -> None:
    """Its image does not wait for the inner barrier."""
    listed = [SOUND, {"name": "outside", "image": "a:1", "namespace": "lan"}]
    project = load(composed({VARIABLE: listed})["compose"])["services"]
    assert project["sonarr"]["restart"] == "no"
    assert {one["restart"] for name, one in project.items() if name != "sonarr"} == {"unless-stopped"}
    waits = {one["name"]: one["waits"] for one in services({**PLACES, VARIABLE: listed})["monitored"]}
    assert {name for name in waits if not waits[name]} == {"sonarr", "outside"}


INSIDE = {"name": "inside", "image": "a:1", "port": 6800}
OUTSIDE = {"name": "outside", "image": "a:1", "namespace": "lan", "port": 8080}


def reached(*listed: dict[str, t.Any], **values: t.Any) -> dict[str, t.Any]:
    return dict(load(composed({VARIABLE: list(listed)}, **values)["compose"])["services"])


def test_a_way_out_of_the_vpn_namespace_leads_over_the_host() -> None:
    found = reached({**INSIDE, "reaches": {"outside": 8080, "jellyfin": 8096}}, OUTSIDE)
    assert found["vpn"]["extra_hosts"] == {"outside": "172.31.254.1", "jellyfin": "172.31.254.1"}
    assert "172.31.254.1:8080:8080" in found["outside"]["ports"]
    assert found["jellyfin"]["ports"] == ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096"], "it is published everywhere already"
    assert "extra_hosts" not in found["inside"], "one that shares a namespace has its holder's names"


def test_a_way_into_the_vpn_namespace_leads_over_the_host() -> None:
    found = reached(INSIDE, {**OUTSIDE, "reaches": {"inside": 6800, "transmission": 9091}})
    assert found["outside"]["extra_hosts"] == {"inside": "172.31.254.1", "transmission": "172.31.254.1"}
    assert "172.31.254.1:6800:6800" in found["vpn"]["ports"]
    assert "172.31.254.1:9091:9091" not in found["vpn"]["ports"], "it is published everywhere already"
    assert "extra_hosts" not in found["vpn"]


@pytest.mark.parametrize(
    "values", [{"mediaserver_bind_address": "192.168.1.5"}, {}], ids=["published at one address", "by another number"]
)
def test_a_published_port_that_does_not_answer_there_is_bound_there(values: dict[str, t.Any]) -> None:
    service = {**OUTSIDE, "reaches": {"jellyfin": 8096}}
    ports = {} if values else {"mediaserver_ports": {"jellyfin": 80}}
    made = load(composed({VARIABLE: [service], **ports}, **values)["compose"])["services"]
    assert made["jellyfin"]["ports"] == ["${BIND_ADDRESS}:${JELLYFIN_PORT}:8096", "172.31.254.1:8096:8096"]


def test_the_barriers_know_each_way_and_every_port_that_must_stay_closed() -> None:
    inside = {**INSIDE, "reaches": {"outside": 8080}}
    outside = {**OUTSIDE, "reaches": {"inside": 6800, "transmission": 9091}}
    assert services({**PLACES, VARIABLE: [inside, outside]})["barrier"] == {
        "vpn_service_ports": [6800, 9091, 9117],
        "own_bridges": ["br-own-outside"],
        "reaches": [
            {"bridge": "br-vpn", "port": 8080},
            {"bridge": "br-own-outside", "port": 6800},
            {"bridge": "br-own-outside", "port": 9091},
        ],
        "reached_ports": [6800],
    }
    assert services(PLACES)["barrier"] == {}


@pytest.mark.parametrize(
    ("name", "bridge"), [("sonarr", "br-own-sonarr"), ("prowlarr", "br-own-prowlarr"), ("jellyseerr", "br-own-jel")]
)
def test_a_bridge_has_the_name_of_its_service(name: str, bridge: str) -> None:
    assert ways.bridge(name).startswith(bridge)
    assert len(ways.bridge(name)) <= 15
    assert ways.bridge("jellyseerr") != ways.bridge("jellyseerrs")


def test_another_secret_recreates_the_container_and_nothing_tells_it() -> None:
    def labels(secret: str) -> t.Any:
        made = composed({VARIABLE: [{**SOUND, "secret_files": {"key": secret}}]})
        assert secret not in json.dumps(made)
        return load(made["compose"])["services"]["sonarr"]["labels"]

    first = labels("the first secret")
    assert first == labels("the first secret")
    assert first != labels("the second secret")
    assert len(first["mediaserver.secrets"]) == 4
    assert secret_digest.digests([SOUND]) == {}


def test_a_folder_below_its_configuration_is_made_like_the_first_one() -> None:
    volumes = [{"source": "/opt/mediaserver/config/sonarr/a/b", "target": "/b"}, {"source": "/mnt/x", "target": "/x"}]
    found = services({**PLACES, VARIABLE: [{**SOUND, "volumes": volumes}]})
    assert [one["path"] for one in found["folders"][-3:]] == ["config/sonarr", "config/sonarr/a", "config/sonarr/a/b"]
    assert found["volume_sources"] == ["/opt/mediaserver/config/sonarr/a/b", "/mnt/x"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [("", "${PUID}:${PGID}"), ("2000", "2000:${PGID}"), ("0", "0:0"), ("1000:1001", "1000:1001")],
)
def test_service_without_a_group_gets_the_households_group(user: str, expected: str) -> None:
    own = {**SOUND, **({"user": user} if user else {})}
    assert project(_services_file.read(), {**PLACES, VARIABLE: [own]}).services[-1].user == expected


def test_configuration_belongs_to_whom_the_image_runs_as() -> None:
    cases: list[tuple[dict[str, t.Any], str]] = [
        ({}, ""),
        ({"user": "1000:1000"}, "1000"),
        ({"user": "0:0", "environment": {"PUID": "2000"}}, "2000"),
        ({"user": "0"}, "0"),
    ]
    for change, owner in cases:
        found = services({**PLACES, VARIABLE: [{**SOUND, **change}]})["folders"][-1]
        assert found == {"path": "config/sonarr", "owner": owner}
