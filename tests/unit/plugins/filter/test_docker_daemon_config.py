# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.household.mediaserver.plugins.filter.docker_daemon_config import docker_daemon_config


@pytest.mark.parametrize(
    ("text", "wanted", "options", "merged"),
    [
        ("", {"a": 1}, None, {"a": 1}),
        ('{"mine": true}', {"a": 1}, {}, {"mine": True, "a": 1}),
        ('{"a": 2}', {"a": 1}, {"a": 3}, {"a": 3}),
    ],
)
def test_unmentioned_keys_are_kept(text: str, wanted: dict, options: dict | None, merged: dict) -> None:
    assert json.loads(docker_daemon_config(text, wanted, options)) == merged


def test_file_with_all_settings_is_returned_unchanged() -> None:
    text = '{ "a":1,"mine" : [] }'
    assert docker_daemon_config(text, {"a": 1}) == text


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"a": 1} // mine'])
def test_invalid_file_is_named_and_not_replaced(text: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"/etc/docker/daemon\.json is not"):
        docker_daemon_config(text, {"a": 1})
