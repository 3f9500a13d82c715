# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A household's own services: what is refused, with the field, what was found, and the remedy."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.checks import find_problems
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.own_services import secret_texts
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.problem import with_text
from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
    with_services,
)
from hypothesis import given
from hypothesis import strategies as some

VARIABLE = "mediaserver_extra_services"
SPECS = {
    "transmission_password": {"type": "str", "no_log": True},
    "jellyfin_users": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "libraries": {"type": "list"},
        },
    },
    VARIABLE: {"type": "list", "elements": "dict", "no_log": True},
}
SONARR: dict[str, t.Any] = {
    "name": "sonarr",
    "image": "linuxserver/sonarr:4.0.16",
    "namespace": "vpn",
    "port": 8989,
    "published_port": 8989,
    "user": "0:0",
    "environment": {"PUID": "2000", "UMASK": "002"},
    "secret_files": {"api_key": "a-secret-of-sonarr"},
    "volumes": [{"source": "/opt/mediaserver/config/sonarr/scripts", "target": "/scripts", "read_only": True}],
    "capabilities": ["CHOWN", "cap_setuid", "SETGID"],
    "healthcheck": {"test": "curl --fail http://127.0.0.1:8989/ping", "interval": "30s", "retries": 3},
    "memory": "512m",
    "reaches": {"jellyfin": 8096},
    "forwarded_port": {"file": "/config/port", "command": ["sh", "-c", "cat /config/port"]},
    "backup": {"files": ["config.xml"], "databases": ["sonarr.db"]},
    "restart_when_unhealthy": True,
}
DESK: dict[str, t.Any] = {"name": "desk", "image": "household/desk:1", "namespace": "lan", "port": 5055}


def found(*services: t.Any, facts: dict[str, t.Any] | None = None, **settings: t.Any) -> list[dict[str, str]]:
    """Return the problems and warnings about a household that has these services of its own."""
    known = {**SETTINGS, "gateway_natpmp": True, VARIABLE: list(services), **settings}
    known |= {"preflight_registry": _services_file.read(), "preflight_secrets": secret_texts(known, SPECS)}
    told = find_problems({**copy.deepcopy(FACTS), **(facts or {})}, with_services(known))
    return [with_text(one) for one in told]


def without_port(**changes: t.Any) -> dict[str, t.Any]:
    """Return a service without what only one service may have."""
    return {key: value for key, value in {**SONARR, **changes}.items() if key not in ("forwarded_port", "reaches")}


def test_a_service_with_every_field_is_taken() -> None:
    (told,) = found(SONARR, DESK)
    assert told["level"] == "warning", "Transmission without the port is not reported"
    assert told["variable"] == f"{VARIABLE}[0].forwarded_port"
    assert "Transmission does not get it" in told["problem"]


def test_the_least_service_is_taken() -> None:
    assert found({"name": "a", "image": "b:1"}) == []


SHAPES = {
    "no list": ({"sonarr": {}}, VARIABLE, "it is not a list"),
    "no mapping": (["sonarr"], f"{VARIABLE}[0]", "it is not a mapping"),
}


@pytest.mark.parametrize(("value", "variable", "problem"), SHAPES.values(), ids=SHAPES.keys())
def test_what_is_not_a_list_of_services_is_refused(value: t.Any, variable: str, problem: str) -> None:
    (told,) = found(**{VARIABLE: value})
    assert told["variable"] == variable
    assert problem in told["problem"]


# What is changed of SONARR; the field that is named; what is said; the remedy.
REFUSED: list[tuple[str, dict[str, t.Any], str, str, str]] = [
    ("no name", {"name": ""}, "name", "it has no name", "such as sonarr"),
    ("name in capitals", {"name": "Sonarr"}, "name", "'Sonarr' is not a usable name", "lower-case letters"),
    ("name with a dot", {"name": "son.arr"}, "name", "not a usable name", "lower-case letters"),
    ("name with an underscore", {"name": "son_arr"}, "name", "not a usable name", "lower-case letters"),
    ("name with a hyphen at its end", {"name": "sonarr-"}, "name", "not a usable name", "lower-case letters"),
    ("name that is too long", {"name": "a" * 32}, "name", "not a usable name", "31 at most"),
    ("name that is a number", {"name": 1984}, "name", "1984 is not a usable name", "beginning with a letter"),
    ("name of a service", {"name": "jackett"}, "name", "a service of the collection has this name", "another name"),
    ("name of the holder", {"name": "vpn"}, "name", "a service of the collection has this name", "another name"),
    ("name of the network", {"name": "house"}, "name", "used by the collection for something else", "another name"),
    ("name of this host", {"name": "localhost"}, "name", "used by the collection", "another name"),
    ("name of the claim's container", {"name": "claim-jellyfin"}, "name", "used by the collection", "another name"),
    ("name of a line of .env", {"name": "gateway"}, "name", "GATEWAY_IMAGE of .env is another one's", "another name"),
    ("misspelt field", {"volume": []}, "volume", "there is no field of this name", "write volumes"),
    ("unknown field", {"colour": 1}, "colour", "there is no field of this name", "use some of backup"),
    ("privileged", {"privileged": True}, "privileged", "would open both barriers and the host", "name the capab"),
    ("not privileged", {"privileged": False}, "privileged", "would open both barriers", "remove it"),
    ("host network", {"network_mode": "host"}, "network_mode", "follows from `namespace`", "namespace: vpn"),
    ("networks", {"networks": ["vpn"]}, "networks", "follows from `namespace`", "namespace: vpn"),
    ("host pid", {"pid": "host"}, "pid", "foreign process namespace", "remove it"),
    ("host ipc", {"ipc": "host"}, "ipc", "foreign IPC namespace", "remove it"),
    ("security_opt", {"security_opt": []}, "security_opt", "would open both barriers", "remove it"),
    ("devices", {"devices": ["/dev/dri"]}, "devices", "no devices of the host", "remove it"),
    ("cap_add", {"cap_add": ["CHOWN"]}, "cap_add", "not a field here", "write capabilities"),
    ("compose's ports", {"ports": ["1:1"]}, "ports", "not a field here", "write port"),
    ("command", {"command": "sh"}, "command", "starts as its image says", "make an image"),
    ("blank image", {"image": None}, "image", "left blank", "give it a value"),
    ("image with a variable", {"image": "a:${TAG}"}, "image", "'a:${TAG}' cannot be used", "owner/name:tag"),
    ("image that is a number", {"image": 1.5}, "image", "1.5 cannot be used", "owner/name:tag"),
    ("namespace of another name", {"namespace": "host"}, "namespace", "'host' is not a namespace", "write vpn"),
    ("port that is none", {"port": 0}, "port", "0 is not a port", "1 to 65535"),
    ("port that is a word", {"port": "web"}, "port", "'web' is not a port", "1 to 65535"),
    ("port that is true", {"port": True}, "port", "True is not a port", "1 to 65535"),
    ("published port that is none", {"published_port": 70000}, "published_port", "70000 is not a port", "1 to 65535"),
    ("user with a name", {"user": "root"}, "user", "'root' cannot be used", '"2000:2000"'),
    ("user that YAML has read as a number", {"user": 2000}, "user", "2000 cannot be used", "in quotes"),
    ("environment as a list", {"environment": ["A=b"]}, "environment", "not a mapping", "without a dash"),
    ("number in the environment", {"environment": {"UMASK": 18}}, "environment.UMASK", "something else", "reads 022"),
    ("flag in the environment", {"environment": {"X": True}}, "environment.X", "something else", "quotes"),
    (
        "name in the environment",
        {"environment": {"A B": "c"}},
        "environment",
        "'A B' is not the name",
        "letters, digits",
    ),
    ("control character", {"environment": {"A": "b\x00"}}, "environment.A", "control character", "printable"),
    ("line separator", {"environment": {"A": "b\u2028"}}, "environment.A", "control character", "printable"),
    ("secret files as a list", {"secret_files": ["a"]}, "secret_files", "not a mapping", "file_name: its content"),
    ("secret file above", {"secret_files": {"../a": "secret"}}, "secret_files", "'../a' is not the name", "letters"),
    (
        "secret file that is hidden",
        {"secret_files": {".a": "secret"}},
        "secret_files",
        "'.a' is not the name",
        "letters",
    ),
    ("empty secret file", {"secret_files": {"a": " "}}, "secret_files.a", "it is empty", "in the vault"),
    ("numeric secret file", {"secret_files": {"a": 12345}}, "secret_files.a", "something else", "quotes"),
    ("volumes as a text", {"volumes": "/a:/b"}, "volumes", "not a list", "with a dash"),
    ("volume as a text", {"volumes": ["/a:/b"]}, "volumes[0]", "'/a:/b' is not a mapping", "{source:"),
    ("memory that is a number", {"memory": 512}, "memory", "512 cannot be used", "512m"),
    ("memory in percent", {"memory": "50%"}, "memory", "'50%' cannot be used", "512m"),
    ("memory below Docker's least", {"memory": "512k"}, "memory", "less than Docker takes", "6m"),
    ("capabilities as a text", {"capabilities": "CHOWN"}, "capabilities", "not a list of names", "[CHOWN"),
    ("health check as a text", {"healthcheck": "true"}, "healthcheck", "not a mapping", "write test"),
    (
        "health check without test",
        {"healthcheck": {"retries": 1}},
        "healthcheck.test",
        "None cannot be used",
        "as a text",
    ),
    (
        "health check that lacks CMD",
        {"healthcheck": {"test": ["curl", "x"]}},
        "healthcheck.test",
        "cannot be used",
        "begin the list with CMD",
    ),
    ("health check NONE", {"healthcheck": {"test": ["NONE"]}}, "healthcheck.test", "cannot be used", "CMD"),
    (
        "interval that is a number",
        {"healthcheck": {"test": "a", "interval": 30}},
        "healthcheck.interval",
        "30 is not a duration",
        "30s",
    ),
    (
        "interval with a line break",
        {"healthcheck": {"test": "a", "interval": "30s\nprivileged: true"}},
        "healthcheck.interval",
        "is not a duration",
        "30s",
    ),
    (
        "no retries",
        {"healthcheck": {"test": "a", "retries": 0}},
        "healthcheck.retries",
        "0 cannot be used",
        "1 or more",
    ),
    ("unknown part of a check", {"healthcheck": {"test": "a", "x": 1}}, "healthcheck", "no field 'x'", "start_period"),
    ("reaches as a list", {"reaches": ["jellyfin"]}, "reaches", "not a mapping", "its port"),
    (
        "reaches without a port",
        {"reaches": {"jellyfin": "all"}},
        "reaches.jellyfin",
        "'all' is not a port",
        "1 to 65535",
    ),
    ("forwarded port as a path", {"forwarded_port": "/config/port"}, "forwarded_port", "not a mapping", "command"),
    (
        "forwarded port outside",
        {"forwarded_port": {"file": "/data/port"}},
        "forwarded_port.file",
        "cannot be used",
        "below /config",
    ),
    (
        "forwarded port above",
        {"forwarded_port": {"file": "/config/../x"}},
        "forwarded_port.file",
        "cannot be used",
        "below /config",
    ),
    (
        "command as a text",
        {"forwarded_port": {"file": "/config/port", "command": "sh"}},
        "forwarded_port.command",
        "not a list of texts",
        "as a list",
    ),
    ("backup as a list", {"backup": ["a"]}, "backup", "not a mapping", "below /config"),
    ("backup from outside", {"backup": {"files": ["../jellyfin"]}}, "backup.files", "'../jellyfin' cannot", "/config"),
    ("backup by an absolute path", {"backup": {"files": ["/etc"]}}, "backup.files", "'/etc' cannot", "as seen from"),
    ("backup as a text", {"backup": {"databases": "a.db"}}, "backup.databases", "'a.db' cannot", "a list of paths"),
    ("a flag that is a text", {"restart_when_unhealthy": "yes"}, "restart_when_unhealthy", "'yes' cannot", "true or"),
]


@pytest.mark.parametrize(
    ("changes", "field", "problem", "remedy"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_field_of_the_wrong_form_is_refused(changes: dict[str, t.Any], field: str, problem: str, remedy: str) -> None:
    told = [one for one in found(DESK, {**SONARR, **changes}) if one["variable"] == f"{VARIABLE}[1].{field}"]
    assert told, "nothing is said of it"
    assert told[0]["level"] == "problem"
    assert problem in told[0]["problem"]
    assert remedy in told[0]["remedy"]


CAPABILITIES = ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_net_raw", "NET_RAW", "SYS_ADMIN", "CAP_SYS_PTRACE"]
CAPABILITIES += ["ALL", "all", "CAP_ALL", "Sys_Module", "MKNOD", "DAC_READ_SEARCH", "BPF", "SETFCAP", " NET_RAW ", ""]


@pytest.mark.parametrize("name", CAPABILITIES)
def test_a_capability_that_opens_a_barrier_is_refused(name: str) -> None:
    (told,) = found(without_port(capabilities=["CHOWN", name]))
    assert told["variable"] == f"{VARIABLE}[0].capabilities"
    assert told["level"] == "problem"
    assert name in told["problem"]


SOURCES = {
    "Docker's socket": ("/var/run/docker.sock", "Docker's socket"),
    "Docker's socket at its other place": ("/run/docker.sock", "Docker's socket"),
    "its folder": ("/run", "Docker's socket"),
    "its folder's other name": ("/var/run", "Docker's socket"),
    "above its folder": ("/var", "Docker's socket"),
    "a socket below the data": ("/mnt/docker.sock", "Docker's socket"),
    "the root": ("/", "cannot be used"),
    "another folder": ("/etc", "neither below mediaserver_data (/mnt) nor below /opt/mediaserver/config/sonarr"),
    "another service's configuration": ("/opt/mediaserver/config/jellyfin", "neither below"),
    "all configurations": ("/opt/mediaserver/config", "neither below"),
    "the secrets": ("/opt/mediaserver/secrets", "neither below"),
    "a name that begins alike": ("/mnt2/media", "neither below"),
    "up and away": ("/mnt/../etc", "cannot be used"),
    "up and away at the end": ("/mnt/media/..", "cannot be used"),
    "itself": ("/mnt/./media", "cannot be used"),
    "two slashes": ("/mnt//media", "cannot be used"),
    "a slash at the end": ("/mnt/media/", "cannot be used"),
    "a relative path": ("media", "cannot be used"),
    "a variable of compose": ("/mnt/${X}", "cannot be used"),
    "a variable of Docker's host": ("~/media", "cannot be used"),
    "nothing": (None, "cannot be used"),
}


@pytest.mark.parametrize(("source", "problem"), SOURCES.values(), ids=SOURCES.keys())
def test_a_folder_outside_data_and_configuration_is_refused(source: t.Any, problem: str) -> None:
    (told,) = found(without_port(volumes=[{"source": source, "target": "/x"}]))
    assert told["variable"] == f"{VARIABLE}[0].volumes[0].source"
    assert told["level"] == "problem"
    assert problem in told["problem"]


@pytest.mark.parametrize(
    "target", ["/config", "/data/x", "/proc", "/run/secrets/x", "/etc", "x", "/a/../b", "/scripts"]
)
def test_a_place_in_the_container_that_is_taken_is_refused(target: str) -> None:
    volumes = [{"source": "/mnt/media", "target": "/scripts"}, {"source": "/mnt/media", "target": target}]
    (told,) = found(without_port(volumes=volumes))
    assert told["variable"] == f"{VARIABLE}[0].volumes[1].target"


SECRETS = {
    "a password by its name": ({"DB_PASSWORD": "x"}, "DB_PASSWORD", "a secret by its name"),
    "a token in small letters": ({"plex_token": "x"}, "plex_token", "a secret by its name"),
    "an API key": ({"SONARR__AUTH__APIKEY": "x"}, "SONARR__AUTH__APIKEY", "a secret by its name"),
    "an api_key": ({"API_KEY": "x"}, "API_KEY", "a secret by its name"),
    "a password's short name": ({"SMTP_PASS": "x"}, "SMTP_PASS", "a secret by its name"),
    "a file that is none": ({"PASSWORD_FILE": "hunter2"}, "PASSWORD_FILE", "a secret by its name"),
    "another variable's secret": ({"LOGIN": "correct horse"}, "LOGIN", "the secret of transmission_password"),
    "a secret in an address": ({"URL": "http://family:correct horse@x"}, "URL", "the secret of transmission_password"),
    "a secret of a list": ({"LOGIN": "child-secret"}, "LOGIN", "the secret of jellyfin_users.password"),
    "its own secret": (
        {"LOGIN": "a-secret-of-sonarr"},
        "LOGIN",
        "the secret of mediaserver_extra_services[0].secret_files.api_key",
    ),
}


@pytest.mark.parametrize(("environment", "name", "problem"), SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_in_the_environment_is_refused(environment: dict[str, str], name: str, problem: str) -> None:
    users = [{"name": "child", "password": "child-secret", "libraries": []}]
    given = {"transmission_password": "correct horse", "jellyfin_users": users}
    told = [one for one in found(without_port(environment=environment), **given) if VARIABLE in one["variable"]]
    assert [one["variable"] for one in told] == [f"{VARIABLE}[0].environment.{name}"]
    assert problem in told[0]["problem"]
    assert "secret_files" in told[0]["remedy"]
    assert not {"correct horse", "child-secret", "a-secret-of-sonarr", "hunter2"} & set(told[0]["text"].split("'"))


def test_a_secret_in_a_command_is_refused() -> None:
    check = {"test": ["CMD", "curl", "http://127.0.0.1/?key=a-secret-of-sonarr"]}
    (told,) = found(without_port(healthcheck=check))
    assert told["variable"] == f"{VARIABLE}[0].healthcheck.test"
    assert "a-secret-of-sonarr" not in told["text"]


@pytest.mark.parametrize("name", ["DB_PASSWORD_FILE", "FILE__API_KEY", "TOKEN_FILE"])
def test_the_path_of_a_secret_file_may_be_in_the_environment(name: str) -> None:
    assert found(without_port(environment={name: "/run/secrets/api_key"})) == []


@pytest.mark.parametrize("image", ["linuxserver/sonarr", "linuxserver/sonarr:latest", "registry:5000/sonarr"])
def test_an_image_without_a_version_is_warned_of(image: str) -> None:
    (told,) = found(without_port(image=image))
    assert (told["level"], told["variable"]) == ("warning", f"{VARIABLE}[0].image")


@pytest.mark.parametrize("image", ["a/b:1", "registry:5000/b:1", f"a/b@sha256:{'0' * 64}"])
def test_an_image_with_a_version_is_taken(image: str) -> None:
    assert found(without_port(image=image)) == []


def own(name: str, namespace: str = "vpn", port: int = 1, **fields: t.Any) -> dict[str, t.Any]:
    return {"name": name, "image": "a:1", "namespace": namespace, "port": port, **fields}


# The services; the index and field that is named; what is said.
TOGETHER: dict[str, tuple[list[dict[str, t.Any]], str, str]] = {
    "one name twice": ([own("a"), own("a", port=2)], "[0].name", "2 own services have this name"),
    "port of Transmission": ([own("a", port=9091)], "[0].port", "already, by transmission"),
    "port of torrents": ([own("a", port=51413)], "[0].port", "torrents (transmission_peer_port)"),
    "one port twice": ([own("a"), own("b")], "[1].port", "already, by a"),
    "unknown service": ([own("a", reaches={"sonar": 1})], "[0].reaches.sonar", "no service of this name"),
    "itself": ([own("a", reaches={"a": 1})], "[0].reaches.a", "the service itself"),
    "the holder": ([own("a", "lan", reaches={"vpn": 9091})], "[0].reaches.vpn", "a part of the gateway"),
    "the tunnel": ([own("a", "lan", reaches={"wireguard": 1})], "[0].reaches.wireguard", "a part of the gateway"),
    "same namespace": ([own("a", reaches={"jackett": 9117})], "[0].reaches.jackett", "no way is needed"),
    "another port": ([own("a", "lan", reaches={"transmission": 80})], "[0].reaches.transmission", "at port 80"),
    "no port": (
        [{"name": "b", "image": "a:1"}, own("a", "lan", reaches={"b": 80})],
        "[1].reaches.b",
        "does not listen at port 80",
    ),
    "port of another one of the host": (
        [own("a", reaches={"b": 5055}), own("b", "lan", 5055), own("c", "lan", 80, published_port=5055)],
        "[0].reaches.b",
        "port 5055 of the host leads to c",
    ),
    "one port of two": (
        [own("a", reaches={"b": 80, "c": 80}), own("b", "lan", 80), own("c", "lan", 80)],
        "[0].reaches.c",
        "b are both reached at port 80",
    ),
    "forwarded port outside": (
        [own("a", "lan", forwarded_port={"file": "/config/port"})],
        "[0].forwarded_port",
        "this service is outside",
    ),
    "forwarded port twice": (
        [own("a", forwarded_port={"file": "/config/a"}), own("b", port=2, forwarded_port={"file": "/config/b"})],
        "[0].forwarded_port",
        "b claims it, too",
    ),
    "port of the host twice": ([own("a", published_port=8096)], ".a.published_port", "used twice"),
}


@pytest.mark.parametrize(("services", "place", "problem"), TOGETHER.values(), ids=TOGETHER.keys())
def test_services_that_do_not_go_together_are_refused(
    services: list[dict[str, t.Any]], place: str, problem: str
) -> None:
    told = [one for one in found(*services, transmission_peer_port=51413) if one["level"] == "problem"]
    text = " ".join(one["problem"] for one in told)
    assert problem in text
    assert any(one["variable"] in (f"{VARIABLE}{place}", "mediaserver_ports") for one in told)


def test_services_reach_each_other_in_both_directions_and_outside() -> None:
    services = [
        own("inside", port=6800, reaches={"outside": 80, "jellyfin": 8096}),
        own("outside", "lan", 80, reaches={"inside": 6800, "transmission": 9091, "jellyfin": 8096}),
        own("other", "lan", 81, reaches={"outside": 80}),
    ]
    assert found(*services, transmission_peer_port=51413) == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"gateway_natpmp": False}, "the household has no forwarded port"),
        (
            {"gateway_natpmp": False, "gateway_peer_port_forwarded": 51413, "transmission_peer_port": 51413},
            "Transmission listens at it, too",
        ),
    ],
    ids=["none", "one that Transmission uses"],
)
def test_a_port_that_is_not_to_be_had_is_refused(given: dict[str, t.Any], problem: str) -> None:
    (told,) = found(own("a", forwarded_port={"file": "/config/port"}), **given)
    assert told["level"] == "problem"
    assert problem in told["problem"]


def test_a_port_of_the_host_that_a_program_has_is_refused() -> None:
    listening = [{"port": 5055, "process": "node", "container": "", "project": ""}]
    (told,) = found(own("a", published_port=5055), facts={"ports_listening": listening})
    assert told["text"].startswith(f"{VARIABLE}.a.published_port: port 5055 is used by node")


def test_a_port_by_which_services_reach_each_other_and_that_a_program_has_is_refused() -> None:
    listening = [{"port": 6800, "process": "aria2c", "container": "", "project": ""}]
    services = [own("a", port=6800), own("b", "lan", reaches={"a": 6800})]
    (told,) = found(*services, facts={"ports_listening": listening})
    assert told["text"].startswith(
        f"{VARIABLE}: other services reach a at port 6800 of the host, which is taken by aria2c"
    )
    listening = [{**listening[0], "project": "mediaserver"}]
    assert found(*services, facts={"ports_listening": listening}) == []


FILE, FLAG = '"userland-proxy": false in /etc/docker/daemon.json', "--userland-proxy=false on dockerd's command line"


@pytest.mark.parametrize(
    ("options", "off", "told"),
    [
        ({"userland-proxy": False}, [], ["docker_daemon_options.userland-proxy: it is false"]),
        ({}, [FILE], [f"docker: found {FILE}"]),
        ({}, [FLAG], [f"docker: found {FLAG}"]),
        ({"userland-proxy": False}, [FILE, FLAG], ["docker_daemon_options.userland-proxy", f"docker: found {FLAG}"]),
        ({"userland-proxy": True}, [FILE], []),
        ({"userland-proxy": True}, [FLAG], [f"docker: found {FLAG}"]),
        ({"userland-proxy": True}, [], []),
        ({}, [], []),
    ],
)
def test_ways_need_docker_s_proxy(options: dict[str, bool], off: list[str], told: list[str]) -> None:
    measured = {"facts": {"docker_proxy_off": off}, "docker_daemon_options": options}
    problems = found(own("a", "lan", reaches={"transmission": 9091}), **measured)
    assert len(problems) == len(told)
    for one, text in zip(problems, told, strict=True):
        assert one["level"] == "problem"
        assert one["text"].startswith(text)
        assert "remove userland-proxy, or all reaches" in one["text"]
    assert found(own("a", "lan"), **measured) == [], "a household without ways is not concerned"


VOLUME = {"source": "/mnt/media/books", "target": "/books"}
LEADS = {
    "where it seems to": ("/mnt/media/books", False, None, ""),
    "to another disk that is the data": ("/srv/disk/media/books", False, None, ""),
    "away": ("/etc", False, "problem", "a link to /etc"),
    "to the tunnel's key": ("/opt/mediaserver/gateway", False, "problem", "a link to /opt/mediaserver/gateway"),
    "to another service's": ("/opt/mediaserver/config/jackett", False, "problem", "outside the data and its own"),
    "to its own configuration": ("/opt/mediaserver/config/sonarr/x", False, None, ""),
    "to a folder that begins alike": ("/mnt2", False, "problem", "a link to /mnt2"),
    "nowhere, on a new host": ("", False, "warning", "does not exist"),
    "nowhere": ("", True, "problem", "does not exist"),
}


@pytest.mark.parametrize(("real", "installed", "level", "problem"), LEADS.values(), ids=LEADS.keys())
def test_a_folder_is_refused_that_leads_elsewhere(real: str, installed: bool, level: str | None, problem: str) -> None:
    facts = {"resolved": {"/mnt": "/srv/disk" if real.startswith("/srv") else "/mnt", VOLUME["source"]: real}}
    told = found(without_port(volumes=[VOLUME]), facts=facts, preflight_installed=installed)
    assert [one["level"] for one in told] == ([level] if level else [])
    assert all(problem in one["problem"] for one in told)


EXPOSED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    "the project": ({"mediaserver_root": "/mnt/mediaserver"}, {}, "mediaserver_root"),
    "the state": ({"mediaserver_state": "/mnt/state"}, {}, "mediaserver_state"),
    "Docker's layers": (
        {"docker_daemon_options": {"data-root": "/mnt/docker"}},
        {},
        "docker_daemon_options: data-root",
    ),
    "Docker's layers, set by hand": (
        {},
        {"docker_file": {"settings": {"data-root": "/mnt/docker"}}},
        "/etc/docker/daemon.json: data-root",
    ),
    "a link to the data": (
        {},
        {"folder_entries": {"/opt/mediaserver": {"real": "/mnt/mediaserver"}}},
        "mediaserver_root",
    ),
}


@pytest.mark.parametrize(("settings", "facts", "variable"), EXPOSED.values(), ids=EXPOSED.keys())
def test_data_that_hold_the_project_or_docker_are_refused_with_own_services(
    settings: dict[str, t.Any], facts: dict[str, t.Any], variable: str
) -> None:
    told = [
        one for one in found(without_port(volumes=[]), facts=facts, **settings) if "every own service" in one["problem"]
    ]
    assert [one["variable"] for one in told] == [variable]
    alone = [one for one in found(facts=facts, **settings) if "every own service" in one["problem"]]
    assert alone == []


BY_NAME = {
    "DB_PASSWORD": ("correct horse", True),
    "APP_KEY": ("base64:c2VjcmV0", True),
    "DB_PWD": ("hunter2", True),
    "WG_PASSWORD": ("12345", True),
    "SHOW_PASSWORD_HINT": ("false", False),
    "PASSWORD_LOGIN": ("no", False),
    "SECRET_PATH": ("/config/x", False),
    "TOKEN_TTL": ("60", False),
    "TOKEN_TTL_UNIT": ("fortnight", True),
    "MONKEY": ("yellow", False),
}


@pytest.mark.parametrize(("name", "text", "refused"), [(name, *case) for name, case in BY_NAME.items()], ids=BY_NAME)
def test_variable_with_name_of_secret_is_refused_unless_its_value_shows_otherwise(
    name: str, text: str, refused: bool
) -> None:
    told = found(without_port(volumes=[], environment={name: text}))
    assert [one["variable"] for one in told] == ([f"{VARIABLE}[0].environment.{name}"] if refused else [])


def test_secret_of_another_own_service_is_refused() -> None:
    spy = {"name": "spy", "image": "household/spy:1", "environment": {"GREETING": "a-secret-of-sonarr"}}
    (told,) = found(without_port(volumes=[]), spy)
    assert told["variable"] == f"{VARIABLE}[1].environment.GREETING"
    assert "mediaserver_extra_services[0].secret_files.api_key" in told["problem"]


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(some.dictionaries(some.sampled_from(sorted(SONARR)), JSON, max_size=4))
def test_whatever_is_written_is_judged_without_an_error(changes: dict[str, t.Any]) -> None:
    for one in found({**SONARR, **changes}):
        assert one["problem"]
        assert one["remedy"]
