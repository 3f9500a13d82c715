# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/own-services.md: each example is accepted and written, and no field or refusal is missing."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._services import own, own_limits
from ansible_collections.household.mediaserver.plugins.module_utils._services.model import HealthCheck
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.test_own_services import (
    VARIABLE,
    found,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.test_own_services_rendered import (
    check_closed,
    load,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.test_services_project import composed

DOCUMENT = (Path(__file__).resolve().parents[4] / "docs" / "own-services.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)]
EXAMPLES = {", ".join(one["name"] for one in block[VARIABLE]): block for block in BLOCKS if VARIABLE in block}
# What the images' documentation and their start as root need (linuxserver.io).
LINUXSERVER = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_each_example_is_accepted_and_written(example: dict[str, t.Any]) -> None:
    listed, given = example[VARIABLE], {key: value for key, value in example.items() if key != VARIABLE}
    told = found(*listed, **{"gateway_natpmp": False, "transmission_peer_port": 51413, **given})
    assert [one["text"] for one in told if one["level"] == "problem"] == []
    project = load(composed({VARIABLE: listed})["compose"])
    for one in listed:
        check_closed(project["services"][one["name"]], one)


def test_the_defaults_of_a_health_check_are_those_of_the_normal_form() -> None:
    section = DOCUMENT.partition("\n## Health checks\n")[2].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section, re.MULTILINE))
    defaults = {one.name: str(one.default) for one in dataclasses.fields(HealthCheck) if one.name != "test"}
    assert documented == defaults


def test_a_test_alone_is_written_with_these_defaults_and_without_one_the_image_s_own_is_used() -> None:
    base = {"name": "own", "image": "x/y:1"}
    services = [{**base, "healthcheck": {"test": "true"}}, base]
    checked, unchecked = [load(composed({VARIABLE: [one]})["compose"])["services"]["own"] for one in services]
    defaults = {one.name: one.default for one in dataclasses.fields(HealthCheck) if one.name != "test"}
    assert checked["healthcheck"] == {"test": ["CMD-SHELL", "true"], **defaults}
    assert "healthcheck" not in unchecked
    (fault,) = found({**base, "healthcheck": {"test": ["NONE"]}})
    assert (fault["variable"].rpartition(".")[2], fault["level"]) == ("test", "problem")


def test_there_are_examples_for_the_services_that_households_ask_for() -> None:
    services = {one["name"]: one for block in EXAMPLES.values() for one in block[VARIABLE] if "capabilities" in one}
    assert set(services) == {"prowlarr", "sonarr", "radarr", "bazarr", "qbittorrent"}
    for one in services.values():
        assert set(one["capabilities"]) == LINUXSERVER
        assert (one["user"], one["environment"]["PUID"], one["environment"]["UMASK"]) == ("0:0", "2000", "002")
        assert {"healthcheck", "memory", "backup", "published_port"} <= set(one)
    assert "These images were not run here" in DOCUMENT


def test_an_example_has_no_warning_but_that_transmission_does_not_get_the_port() -> None:
    for name, example in EXAMPLES.items():
        told = found(*example[VARIABLE], **{"gateway_natpmp": True, "transmission_peer_port": 51413})
        assert [one["variable"].rpartition(".")[2] for one in told] == (
            ["forwarded_port"] if name == "qbittorrent" else []
        )


def test_the_part_about_the_forwarded_port_is_a_field_that_is_accepted() -> None:
    (part,) = [block["forwarded_port"] for block in BLOCKS if "forwarded_port" in block]
    told = found({"name": "a", "image": "b:1", "forwarded_port": part}, gateway_natpmp=True)
    assert [one["level"] for one in told] == ["warning"]


def test_every_field_and_every_capability_is_in_the_document() -> None:
    table = DOCUMENT.partition("## All fields")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == own.FIELDS
    (row,) = [line for line in DOCUMENT.splitlines() if line.startswith("| Other capabilities than")]
    assert set(re.findall(r"`([A-Z_]+)`", row)) == set(own_limits.ALLOWED)


def test_paths_are_mapped_as_the_containers_have_them() -> None:
    project = load(composed({VARIABLE: [{"name": "a", "image": "b:1"}]})["compose"])["services"]
    mounts = {name: {one["target"]: one["source"] for one in service["volumes"]} for name, service in project.items()}
    assert mounts["a"]["/data"] == "/mnt"
    assert mounts["transmission"]["/downloads"] == "${DOWNLOAD_PATH}"
    assert mounts["jellyfin"]["/media"] == "${MEDIA_PATH}"
    assert "`/downloads` is `/data/downloads`, and `/media` is `/data/media`" in DOCUMENT
