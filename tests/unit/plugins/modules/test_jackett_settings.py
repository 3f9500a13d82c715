# SPDX-License-Identifier: GPL-3.0-or-later
"""The module jackett_settings: options and return values, which contain no secret."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.modules import jackett_settings

PASSWORD = "correct horse"
KEY = "givenapikey000000000000000000001"
PROXY_PASSWORD = "through the proxy"


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        jackett_settings.main()
    out = capsys.readouterr().out
    for secret in (PASSWORD, KEY, PROXY_PASSWORD):
        assert secret not in out
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return {
        "config_dir": str(tmp_path),
        "url": f"http://127.0.0.1:{port}",
        "admin_password": PASSWORD,
        "api_key": KEY,
        "api_key_file": str(tmp_path / "key"),
        "settings": {"allow_external": True, "ProxyPassword": PROXY_PASSWORD},
    }


def test_check_mode_predicts_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: dict[str, Any]
) -> None:
    predicted = run(capsys, check=True, **options)
    assert not list(tmp_path.iterdir())
    done = run(capsys, **options)
    assert predicted["changed"] is done["changed"] is True
    assert predicted["diff"] == done["diff"]
    assert done["changes"]["AllowExternal"] == {"before": None, "after": True}
    assert done["changes"]["AdminPassword"] == {"before": None, "after": "(hidden, changed)"}
    assert (done["daemon"], done["stopped_for"], done["kept_aside"]) == ("stopped", [], "")
    for check in (True, False):
        again = run(capsys, check=check, **options)
        assert (again["changed"], again["changes"]) == (False, {})
    assert json.loads((tmp_path / "ServerConfig.json").read_text())["APIKey"] == KEY
    assert (tmp_path / "key").read_text() == f"{KEY}\n"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"settings": {"Port": 0}}, "Port must be a whole number from 1 to 65535"),
        ({"settings": {"ProxyPassword": f"{PROXY_PASSWORD}\n"}}, "ProxyPassword must be text"),
        ({"settings": {"proxypassword": [PROXY_PASSWORD]}}, "ProxyPassword must be text"),
        ({"settings": {"Prot": 1}}, "is Port meant?"),
        ({"admin_password": ""}, "open to every client"),
        ({"admin_password": "  "}, "open to every client"),
        ({"admin_password": None}, "open to every client"),
        ({"api_key": "short"}, "api_key must have 16 to 128"),
        ({"api_key_file": "key"}, "api_key_file must be an absolute path"),
        ({"api_key_file": "/nowhere/at/all/key"}, "its folder does not exist"),
        ({"mode": "rw"}, "mode takes octal digits"),
        ({"mode": "-600"}, "mode takes octal digits"),
        ({"mode": "10600"}, "mode takes octal digits"),
        ({"timeout": 0}, "timeout must be at least one second"),
        ({"stop_timeout": -1}, "stop_timeout must be at least one second"),
        ({"config_dir": "/nowhere/at/all"}, "does not exist"),
        ({"container": "a", "unit": "b"}, "parameters are mutually exclusive: container|service|unit"),
    ],
)
def test_invalid_option_fails_by_name(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], more: dict[str, Any], text: str
) -> None:
    found = run(capsys, **{**options, **more})
    assert found["failed"] is True
    assert text in found["msg"]


def test_check_mode_passes_without_the_folder(capsys: pytest.CaptureFixture[str], options: dict[str, Any]) -> None:
    more = {"config_dir": "/nowhere/at/all", "api_key_file": "/nowhere/at/all/key", "owner": "no-such-account"}
    assert run(capsys, check=True, **{**options, **more})["changed"] is True


def test_generated_key_has_jacketts_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: dict[str, Any]
) -> None:
    run(capsys, **{**options, "api_key": ""})
    stored = json.loads((tmp_path / "ServerConfig.json").read_text())
    for name, length in (("APIKey", 32), ("InstanceId", 64)):
        assert len(stored[name]) == length
        assert stored[name].isalnum()
        assert stored[name] == stored[name].lower()


def test_documentation_matches_the_argument_spec() -> None:
    documented = yaml.safe_load(jackett_settings.DOCUMENTATION)["options"]
    assert documented.keys() == jackett_settings.SPEC.keys()
    for name, spec in jackett_settings.SPEC.items():
        assert documented[name]["type"] == spec["type"]
        assert documented[name].get("default") == spec.get("default")
        assert documented[name].get("required") == spec.get("required")
        assert sorted(documented[name].get("choices", [])) == sorted(spec.get("choices", []))


def test_documentation_lists_all_return_values(capsys: pytest.CaptureFixture[str], options: dict[str, Any]) -> None:
    documented = yaml.safe_load(jackett_settings.RETURN)
    returned = run(capsys, check=True, **options).keys() - {"changed", "diff", "invocation", "warnings"}
    assert returned == documented.keys()


def test_examples_use_existing_options() -> None:
    for task in yaml.safe_load(jackett_settings.EXAMPLES):
        assert task["household.mediaserver.jackett_settings"].keys() <= jackett_settings.SPEC.keys()
