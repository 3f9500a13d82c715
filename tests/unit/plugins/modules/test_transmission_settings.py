# SPDX-License-Identifier: GPL-3.0-or-later
"""The module transmission_settings: options and return values, which contain no secret."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.modules import transmission_settings

PASSWORD = "correct horse"
TRACKER = "https://tracker.invalid/passkey-1234"


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        transmission_settings.main()
    out = capsys.readouterr().out
    assert PASSWORD not in out
    assert "passkey" not in out
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return {
        "config_dir": str(tmp_path),
        "url": f"http://127.0.0.1:{port}/transmission/rpc",
        "username": "family",
        "password": PASSWORD,
        "settings": {"rpc-authentication-required": True, "default_trackers": TRACKER},
    }


def test_check_mode_predicts_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: dict[str, Any]
) -> None:
    predicted = run(capsys, check=True, **options)
    assert not list(tmp_path.iterdir())
    done = run(capsys, **options)
    assert predicted["changed"] is done["changed"] is True
    assert predicted["diff"] == done["diff"]
    assert done["changes"]["rpc-username"] == {"before": None, "after": "family"}
    assert (done["daemon"], done["version"], done["kept_aside"]) == ("stopped", "", "")
    for check in (True, False):
        again = run(capsys, check=check, **options)
        assert (again["changed"], again["changes"]) == (False, {})
    written = json.loads((tmp_path / "settings.json").read_text())
    assert written["default-trackers"] == TRACKER


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"settings": {"umask": "9"}}, "umask takes"),
        ({"password": "{" + PASSWORD}, "rpc-password takes"),
        ({"mode": "rw"}, "mode takes octal digits"),
        ({"stop_timeout": 0}, "stop_timeout must be at least one second"),
        ({"config_dir": "/nowhere/at/all"}, "does not exist"),
        ({"container": "a", "unit": "b"}, "parameters are mutually exclusive: container|service|unit"),
        ({"config_dir": None}, "config_dir is needed"),
    ],
)
def test_invalid_option_fails_by_name(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], more: dict[str, Any], text: str
) -> None:
    found = run(capsys, **{**options, **more})
    assert found["failed"] is True
    assert text in found["msg"]


def test_documentation_matches_the_argument_spec() -> None:
    documented = yaml.safe_load(transmission_settings.DOCUMENTATION)["options"]
    assert documented.keys() == transmission_settings.SPEC.keys()
    for name, spec in transmission_settings.SPEC.items():
        assert documented[name]["type"] == spec["type"]
        assert documented[name].get("default") == spec.get("default")
        assert sorted(documented[name].get("choices", [])) == sorted(spec.get("choices", []))


def test_documentation_lists_all_return_values(capsys: pytest.CaptureFixture[str], options: dict[str, Any]) -> None:
    documented = yaml.safe_load(transmission_settings.RETURN)
    returned = run(capsys, check=True, **options).keys() - {"changed", "diff", "invocation", "warnings"}
    assert returned == documented.keys()


def test_access_file_follows_the_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: dict[str, Any]
) -> None:
    """Check mode and runs with one password, and again with another."""
    (tmp_path / "config").mkdir()
    path = tmp_path / "access.json"
    options |= {
        "config_dir": str(tmp_path / "config"),
        "access_file": str(path),
        "access_url": "http://172.31.254.2/rpc",
    }
    for password in (PASSWORD, f"{PASSWORD} 2"):
        options["password"] = password
        predicted = run(capsys, check=True, **options)
        done = run(capsys, **options)
        assert "(access_file)" in done["changes"]
        assert (predicted["changes"], predicted["diff"]) == (done["changes"], done["diff"])
        assert json.loads(path.read_text()) == {
            "url": "http://172.31.254.2/rpc",
            "user": "family",
            "password": password,
        }
        assert path.stat().st_mode & 0o777 == 0o600
        for check in (True, False):
            assert run(capsys, check=check, **options)["changed"] is False


@pytest.mark.parametrize(
    ("path", "text"), [("access.json", "must be an absolute path"), ("/no/such/folder/a.json", "does not exist")]
)
def test_invalid_access_file_is_rejected_before_any_change(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: dict[str, Any], path: str, text: str
) -> None:
    assert text in run(capsys, **options, access_file=path)["msg"]
    assert list(tmp_path.iterdir()) == []
