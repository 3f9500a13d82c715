# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data file of the services: complete, and true to the files and variables that it names."""

from __future__ import annotations

import copy
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._services import project, registry, values
from ansible_collections.household.mediaserver.plugins.module_utils._services.model import Namespace
from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file

ROOT = Path(__file__).resolve().parents[4]
DATA = yaml.safe_load(_services_file.PATH.read_text(encoding="utf-8"))
REGISTRY = _services_file.read()
SERVICES = {one.name: one for one in REGISTRY.services}
ENTRYPOINTS = ROOT / "roles" / "stack" / "files" / "entrypoints"


def variables() -> set[str]:
    """Names of all public variables of the roles."""
    specs = ROOT.glob("roles/*/meta/argument_specs.yml")
    return {name for path in specs for name in yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]}


def test_one_service_holds_the_namespace_and_one_makes_the_tunnel() -> None:
    spaces = [one.namespace for one in REGISTRY.services]
    assert (spaces.count(Namespace.HOLDER), spaces.count(Namespace.TUNNEL)) == (1, 1)


def test_every_name_in_the_texts_is_a_variable_of_some_role() -> None:
    found = project.placeholders(project.project(REGISTRY, {}))
    # The role gateway makes it from what the household gives.
    assert set(found) - variables() == {"gateway_config"}
    assert {"gateway_image", "jellyfin_published_url", "stack_userspace_wireguard", "host_gpu_gids"} <= set(found)


def test_every_port_is_given_by_a_variable_and_used_once() -> None:
    ports = [port for one in REGISTRY.services for port in one.ports]
    assert {port.variable.partition(".")[0] for port in ports} <= variables()
    assert len({port.container for port in ports}) == len(ports)


# Its image has no shell, so it starts as the image says.
WITHOUT_SCRIPTS = {"watchtower"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in WITHOUT_SCRIPTS])
def test_its_start_up_scripts_and_its_health_check_are_there(name: str) -> None:
    one = SERVICES[name]
    assert one.healthcheck is not None
    assert one.entrypoint[0] == f"{name}.sh"
    health = Path(one.healthcheck.test[-1]).name
    script = (ENTRYPOINTS / one.entrypoint[0]).read_text(encoding="utf-8")
    sourced = re.findall(rf"^\. {registry.FOLDER}/(\S+)$", script, re.MULTILINE)
    sourced += re.findall(rf" {registry.FOLDER}/(\S+\.cfg)\b", script)
    assert sorted(one.entrypoint[1:]) == sorted(sourced), "the digest is of what the container runs"
    assert all((ENTRYPOINTS / file).is_file() for file in (*one.entrypoint, health))


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if one.role])
def test_its_configuration_is_a_folder_that_is_made_and_backed_up(name: str) -> None:
    one = SERVICES[name]
    bound = {volume.target: volume.source for volume in one.volumes}
    assert bound["/config"] == f"<mediaserver_root>/{one.folders[0]}"
    saved = (*one.backup.files, *one.backup.databases)
    assert saved
    assert all(path.startswith((f"{one.folders[0]}", "gateway/", "secrets/")) for path in saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"healthchek": {}}, r"^jackett: got an unexpected keyword argument 'healthchek'"),
        ({"namespace": "host"}, r"^service jackett: 'host' is not a valid Namespace"),
        ({"ports": [{"contianer": 1}]}, r"^jackett\.ports: got an unexpected keyword argument 'contianer'"),
        ({"healthcheck": {"test": "x.sh", "intervall": "9s"}}, r"^healthcheck: got an unexpected keyword argument"),
        ({"healthcheck": {"interval": "9s"}}, r"^service jackett: 'test'"),
        ({"backup": {"folders": []}}, r"^jackett\.backup: got an unexpected keyword argument 'folders'"),
        ({"forwarded_port": {"program": ""}}, r"^jackett\.forwarded_port: got an unexpected"),
        ({"volumes": [{"source": "/x"}]}, r"^jackett\.volumes: missing 1 required positional argument: 'target'"),
    ],
)
def test_what_the_schema_does_not_know_is_refused_by_its_place(change: dict[str, t.Any], words: str) -> None:
    data = copy.deepcopy(DATA)
    data["services"]["jackett"] |= change
    with pytest.raises(InvalidValue, match=words):
        registry.read(data)


def test_a_service_more_takes_one_entry() -> None:
    """Port, barriers, .env and checks follow; the household may leave it out, and give it another port."""
    data = copy.deepcopy(DATA)
    data["services"]["solver"] = {
        "namespace": "vpn",
        "image": "example/solver:1",
        "entrypoint": ["jackett.sh"],
        "ports": [{"container": 8191}],
        "healthcheck": {"test": "jackett-health.sh"},
    }
    found = project.project(registry.read(data), {})
    assert found.names == (*project.default_names(REGISTRY), "solver")
    assert (found.vpn_ports, found.published_ports) == ((8191, 9091, 9117), (8096, 8191, 9091, 9117))
    assert set(project.placeholders(found)) == set(project.placeholders(project.project(REGISTRY, {})))
    elsewhere = project.project(registry.read(data), {"mediaserver_ports": {"solver": 18191}})
    assert elsewhere.published_ports == (8096, 9091, 9117, 18191)


def test_an_optional_service_is_there_only_where_it_is_named() -> None:
    data = copy.deepcopy(DATA)
    data["services"]["jackett"]["optional"] = True
    optional = registry.read(data)
    assert "jackett" not in project.project(optional, {}).names
    assert project.project(optional, {"stack_services": ["vpn", "wireguard", "jackett"]}).names[2] == "jackett"


def test_a_value_that_is_derived_comes_from_its_variable() -> None:
    known = values.Values(
        {"mediaserver_ipv6": True, "gateway_subnet": "10.99.0.0/24", "gateway_config": {"dns": ["a"]}}
    )
    assert known.text("<ipv6_disabled> <bridge_address> <holder_address>") == "0 10.99.0.1 10.99.0.2"
    assert known.texts(["<gateway_config.dns>", "<jackett_image?>", "x"]) == ["a", "x"]
    assert known.text("<jackett_image?>") == ""
    with pytest.raises(InvalidValue, match=r"^jackett_image is not set"):
        known.text("<jackett_image>")
