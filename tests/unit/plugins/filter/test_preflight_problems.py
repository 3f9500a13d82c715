# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.filter.boot_cmdline import boot_cmdline
from ansible_collections.household.mediaserver.plugins.filter.preflight_problems import preflight_problems

FACTS = {"os": {"id": "debian", "version_id": "13"}, "architecture": "arm64"}
SPECS: dict[str, dict[str, t.Any]] = {
    "gateway_mtu": {"type": "int", "default": "{{ other }}", "description": "Bytes."},
    "gateway_dns": {"type": "list", "elements": "str", "description": ["Resolvers.", "More."]},
    "gateway_mode": {"type": "str", "choices": ["a", "b"], "description": "Mode."},
    "transmission_password": {"type": "str", "required": True, "no_log": True, "description": "A secret."},
    "transmission_settings": {"type": "dict", "no_log": True, "description": "Secrets."},
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"transmission_password": "long enough", "gateway_mtu": "1420"}, []),
        ({}, ["transmission_password"]),
        ({"transmission_password": "p", "gateway_mtu": "many"}, ["gateway_mtu"]),
        (
            {"gateway_mode": "c", "gateway_dns": {"a": 1}},
            ["gateway_dns", "gateway_mode", "transmission_password"],
        ),
    ],
    ids=["fits", "missing", "malformed", "several"],
)
def test_variables_against_their_specs(values: dict[str, t.Any], expected: list[str]) -> None:
    problems = preflight_problems(FACTS, values, SPECS)
    assert [one["variable"] for one in problems] == expected
    assert all(
        one["text"].startswith(one["variable"] + ": ") and "Remedy: " in one["text"] for one in problems
    )


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    (problem,) = preflight_problems(
        FACTS, {"transmission_password": "p", "transmission_settings": "s3cret"}, SPECS
    )
    assert problem["variable"] == "transmission_settings"
    assert "s3cret" not in str(problem)


def test_a_provider_file_that_cannot_be_read_is_a_problem_not_a_crash() -> None:
    settings = {"gateway_provider_config": "[Interface]\nAddress = 10.66.0.2/32\n", "gateway_endpoints": []}
    (problem,) = preflight_problems(FACTS, settings)
    assert problem["variable"] == "gateway_provider_config"


def test_boot_cmdline_says_which_file() -> None:
    assert boot_cmdline("a\n", ["b"]) == "a b\n"
    with pytest.raises(AnsibleFilterError, match=r"cmdline\.txt"):
        boot_cmdline("", ["b"])
