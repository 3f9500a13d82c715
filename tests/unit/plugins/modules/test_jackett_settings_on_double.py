# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's file with a double of Jackett, which keeps it byte for byte and requires the password."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.modules import jackett_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "doubles"))
from jackett_double import Server

PASSWORD = "correct hörse"


def configure(capsys: pytest.CaptureFixture[str], folder: Path, url: str = "http://127.0.0.1:9", **more: Any) -> Any:
    options = {
        "config_dir": str(folder),
        "url": url,
        "admin_password": PASSWORD,
        "settings": {"AllowExternal": True, "UpdateDisabled": True, "proxy_password": "größe"},
        **more,
    }
    with patch_module_args(options), pytest.raises(SystemExit):
        jackett_settings.main()
    return json.loads(capsys.readouterr().out)


def logs_in(server: Server, password: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/UI/Dashboard", urlencode({"password": password}), form)
        answer = connection.getresponse()
        answer.read()
        return answer.status == 302 and "Jackett=" in (answer.headers.get("Set-Cookie") or "")
    finally:
        connection.close()


def test_jackett_keeps_the_file_and_requires_the_password(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert configure(capsys, tmp_path)["changed"] is True
    path = tmp_path / "ServerConfig.json"
    written = path.read_bytes()
    with Server(tmp_path, port=0) as server:
        assert (logs_in(server, PASSWORD), logs_in(server, "wrong"), logs_in(server, "")) == (True, False, False)
        assert server.listens_on == "*:9117"
        # Jackett itself writes the same text, so its own save is not a change.
        server.file.save(server.config)
    assert path.read_bytes() == written
    assert configure(capsys, tmp_path)["changed"] is False


def test_change_is_kept_after_a_restart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    configure(capsys, tmp_path)
    key = json.loads((tmp_path / "ServerConfig.json").read_text())["APIKey"]
    done = configure(capsys, tmp_path, settings={"cache_ttl": 60}, admin_password="another one")
    assert done["changed"] is True
    with Server(tmp_path, port=0) as server:
        assert (server.config["CacheTtl"], server.config["APIKey"]) == (60, key)
        assert (logs_in(server, "another one"), logs_in(server, PASSWORD)) == (True, False)


def test_new_key_keeps_the_password_valid(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    configure(capsys, tmp_path)
    configure(capsys, tmp_path, api_key="an0therk3y000000000000000000000a")
    with Server(tmp_path, port=0) as server:
        assert server.config["APIKey"].startswith("an0ther")
        assert logs_in(server, PASSWORD)


def test_damaged_file_opens_jackett_and_the_module_closes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configure(capsys, tmp_path)
    path = tmp_path / "ServerConfig.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert configure(capsys, tmp_path)["failed"] is True
    assert configure(capsys, tmp_path, on_damage="recreate")["changed"] is True
    with Server(tmp_path, port=0) as server:
        assert (logs_in(server, PASSWORD), logs_in(server, "wrong")) == (True, False)
    path.write_bytes(whole[: len(whole) // 2])
    with Server(tmp_path, port=0) as server:
        # The check before each start prevents this.
        assert logs_in(server, "anything")
        assert server.config["AllowExternal"] is True


def test_file_of_a_running_jackett_is_not_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    configure(capsys, tmp_path)
    before = (tmp_path / "ServerConfig.json").read_bytes()
    with Server(tmp_path, port=0) as server:
        found = configure(capsys, tmp_path, f"http://127.0.0.1:{server.port}", settings={"cache_ttl": 60})
        assert found["failed"] is True
        assert (tmp_path / "ServerConfig.json").read_bytes() == before
