# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case of jackett_settings, with a double of Jackett and a real file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    FileProblem,
    InvalidValue,
    NotTaken,
    ServiceProblem,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import JsonFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.owned_file import OwnedFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.supervisor import Unmanaged
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import settings as use_case
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.client import JackettClient
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.settings import (
    JackettSettings,
    SettingsResult,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jackett.doubles import (
    ID,
    KEY,
    URL,
    Jackett,
    as_written,
    stored_hash,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PASSWORD = "correct horse"
SECRET = "hidden-in-the-proxy"


class SettingsRig:
    """A folder, a Jackett, and runs of the use case on them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ServerConfig.json"
        self.key_path = folder / "api_key"
        self.jackett = Jackett(str(self.path))
        self.keys = 0

    def make_key(self, length: int) -> str:
        self.keys += 1
        return f"made{self.keys:0{length - 4}}"

    def run(self, wanted: dict[str, Any] | None = None, *, password: str = PASSWORD, **more: Any) -> SettingsResult:
        self.jackett.log.clear()
        self.jackett.writes_allowed = not more.get("check_mode", False)
        before = self.files()
        case = JackettSettings(
            wanted=read_wanted(wanted or {}, allow_unknown=True),
            password=password,
            client=JackettClient(self.jackett, URL),
            clock=Clock(),
            make_key=self.make_key,
            **{
                "file": JsonFile(str(self.path)),
                "key_file": OwnedFile(str(self.key_path)),
                "supervisor": self.jackett,
                "timeout": 2,
                **more,
            },
        )
        result = case.run()
        if more.get("check_mode"):
            assert self.files() == before
        return result

    def files(self) -> dict[str, tuple[bytes, int]]:
        return {p.name: (p.read_bytes(), p.stat().st_mode) for p in self.path.parent.iterdir()}

    def four_times(self, wanted: dict[str, Any] | None = None, **more: Any) -> SettingsResult:
        """Run in check mode, for real, and both again; return the second result.

        The prediction equals the run, and the last two change nothing.
        """
        predicted = self.run(wanted, check_mode=True, **more)
        result = self.run(wanted, **more)
        assert predicted.plan.diff() == result.plan.diff()
        assert predicted.stopped_for == result.stopped_for
        assert result.plan
        answer = json.dumps([result.plan.diff(), result.warnings])
        stored = self.stored()
        for secret in (PASSWORD, SECRET, stored["APIKey"], stored["AdminPassword"], stored["InstanceId"]):
            assert secret not in answer
        assert not self.run(wanted, check_mode=True, **more).plan
        again = self.run(wanted, **more)
        assert not again.plan
        assert self.jackett.log == []
        return result

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found


@pytest.fixture
def host(tmp_path: Path) -> SettingsRig:
    return SettingsRig(tmp_path)


@pytest.fixture
def running(host: SettingsRig) -> SettingsRig:
    """A Jackett that is configured and started."""
    host.path.write_text(as_written(AdminPassword=stored_hash(PASSWORD), ProxyType=-1))
    host.path.chmod(0o600)
    host.run()
    host.jackett.start()
    return host


def test_creates_a_complete_and_protected_file_before_the_first_start(host: SettingsRig) -> None:
    result = host.four_times({"AllowExternal": True, "ProxyPassword": SECRET})
    assert (result.daemon, result.stopped_for, result.kept_aside) == ("stopped", [], "")
    text = host.path.read_text()
    assert host.path.stat().st_mode & 0o777 == 0o600
    assert host.key_path.read_text() == host.stored()["APIKey"] + "\n"
    assert host.key_path.stat().st_mode & 0o777 == 0o600
    host.jackett.start()
    assert host.path.read_text() == text
    assert host.jackett.logs_in(PASSWORD)
    assert not host.jackett.logs_in("another")


def test_jackett_without_a_password_gets_one(host: SettingsRig) -> None:
    host.path.write_text(as_written())
    host.jackett.start()
    assert host.jackett.logs_in("anything")
    result = host.four_times()
    assert result.stopped_for == ["AdminPassword"]
    assert result.plan.diff()["before"]["(mode of ServerConfig.json)"] == "0644"
    assert (host.stored()["APIKey"], host.stored()["InstanceId"]) == (KEY, ID)
    assert host.jackett.logs_in(PASSWORD)
    assert not host.jackett.logs_in("anything")


def test_change_stops_writes_and_starts(running: SettingsRig) -> None:
    running.run({"CacheTtl": 60})
    assert running.jackett.log == ["stop", "start"]
    assert running.jackett.held["CacheTtl"] == 60
    assert running.four_times({"CacheTtl": 61}).daemon == "running"


def test_values_that_jackett_saves_at_its_stop_are_kept(running: SettingsRig) -> None:
    running.jackett.saves_while_stopping = {"BlackholeDir": "/last/minute", "CacheTtl": 5}
    running.run({"CacheTtl": 60})
    assert (running.stored()["BlackholeDir"], running.stored()["CacheTtl"]) == ("/last/minute", 60)


def test_only_managed_fields_are_drift(running: SettingsRig) -> None:
    running.run({"CacheTtl": 60})
    running.jackett.save(BlackholeDir="/downloads")
    assert not running.run({"CacheTtl": 60}).plan
    running.jackett.save(CacheTtl=5, AdminPassword=None)
    assert set(running.four_times({"CacheTtl": 60}).plan.values()) == {"AdminPassword", "CacheTtl"}
    assert running.stored()["BlackholeDir"] == "/downloads"


def test_changes_password_and_key(running: SettingsRig) -> None:
    result = running.four_times(api_key="k" * 32)
    assert set(result.plan.values()) == {"APIKey", "AdminPassword", "(api_key_file)"}
    assert running.key_path.read_text() == "k" * 32 + "\n"
    assert running.jackett.logs_in(PASSWORD)
    running.four_times(password="another")
    assert running.jackett.logs_in("another")
    assert not running.jackett.logs_in(PASSWORD)


def test_existing_key_is_never_replaced(running: SettingsRig) -> None:
    running.path.unlink()
    running.jackett.stop()
    running.key_path.write_text("f" * 32)
    running.four_times()
    assert running.stored()["APIKey"] == "f" * 32
    running.key_path.unlink()
    assert set(running.four_times().plan.values()) == {"(api_key_file)"}
    assert running.key_path.read_text() == "f" * 32 + "\n"


def test_mode_and_key_file_need_no_stop(running: SettingsRig) -> None:
    running.path.chmod(0o644)
    running.key_path.chmod(0o644)
    result = running.four_times()
    assert set(result.plan.values()) == {"(mode of ServerConfig.json)", "(api_key_file)"}
    assert result.stopped_for == []
    assert running.path.stat().st_mode & 0o777 == running.key_path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change a file's owner")
def test_owner_is_repaired(running: SettingsRig) -> None:
    file = JsonFile(str(running.path), owner="2000", group="2001")
    result = running.four_times(file=file)
    assert result.plan.diff() == {
        "before": {"(owner of ServerConfig.json)": "0:0"},
        "after": {"(owner of ServerConfig.json)": "2000:2001"},
    }
    assert (running.path.stat().st_uid, running.path.stat().st_gid) == (2000, 2001)
    running.four_times({"CacheTtl": 5})
    assert running.path.stat().st_uid == 2000


def test_other_format_is_rewritten_in_jacketts_own(running: SettingsRig) -> None:
    running.path.write_text(running.path.read_text() + "\n")
    result = running.four_times()
    assert result.stopped_for == ["(format of ServerConfig.json)"]
    assert not running.path.read_text().endswith("\n")


DAMAGED = {
    "empty": "",
    "truncated": as_written(AdminPassword=stored_hash(PASSWORD))[:-30],
    "wrong type": as_written(CacheTtl="long"),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_file_fails_the_run_and_is_kept(host: SettingsRig, text: str) -> None:
    host.path.write_text(text)
    with pytest.raises(FileProblem, match=r"damaged.*kept as .*on_damage=recreate"):
        host.run()
    (copy,) = host.path.parent.glob("*.damaged-*")
    assert copy.read_text() == host.path.read_text() == text


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("runs", [False, True])
def test_damaged_file_is_recreated_with_on_damage(host: SettingsRig, text: str, runs: bool) -> None:
    host.path.write_text(as_written())
    if runs:
        host.jackett.start()
    host.path.write_text(text)
    result = host.four_times({"CacheTtl": 5}, recreate_damaged=True)
    assert Path(result.kept_aside).read_text() == text
    assert (host.stored()["APIKey"] == KEY) is (text != "")
    if not runs:
        host.jackett.start()
    assert host.jackett.logs_in(PASSWORD)
    assert not host.jackett.logs_in("x")


def test_jackett_that_replaces_the_file_is_reported_and_stopped(running: SettingsRig) -> None:
    running.jackett.replaces_at_start = True
    with pytest.raises(NotTaken, match=r"APIKey, AdminPassword, CacheTtl, InstanceId.*it was stopped") as caught:
        running.run({"CacheTtl": 60})
    assert KEY not in str(caught.value)
    assert not running.jackett.running, "it is open to every client"


def test_unhealthy_jackett_without_a_password_is_stopped(running: SettingsRig) -> None:
    running.jackett.replaces_at_start = running.jackett.sick = True
    with pytest.raises(NotTaken, match="it was stopped"):
        running.run({"CacheTtl": 60})
    assert not running.jackett.running


def test_unhealthy_jackett_is_reported(running: SettingsRig) -> None:
    running.jackett.sick = True
    with pytest.raises(Unreachable, match=r"/health: status 500 without OK; waited 2 s"):
        running.run({"CacheTtl": 60})


def test_file_is_not_written_while_jackett_runs(running: SettingsRig) -> None:
    running.jackett.stubborn = True
    before = running.path.read_bytes()
    running.jackett.start = lambda: None  # type: ignore[method-assign]
    with pytest.raises(ServiceProblem, match="still runs"):
        running.run({"CacheTtl": 60})
    assert running.path.read_bytes() == before


class FullDiskFile(JsonFile):
    """A file on a full disk."""

    def replace(self, text: str, *, found: Any) -> None:
        raise FileProblem("No space left on device")


@pytest.mark.parametrize("claimed", [True, False])
def test_failed_write_restarts_jackett_only_with_a_password(running: SettingsRig, claimed: bool) -> None:
    if not claimed:
        running.jackett.save(AdminPassword=None)
    with pytest.raises(FileProblem, match="No space left"):
        running.run({"CacheTtl": 60}, file=FullDiskFile(str(running.path)))
    assert running.jackett.log == (["stop", "start"] if claimed else ["stop"])


def test_file_damaged_at_the_stop_keeps_jackett_stopped(running: SettingsRig) -> None:
    running.jackett.save = lambda **_: running.path.write_text("{")  # type: ignore[method-assign,misc,assignment]
    running.jackett.saves_while_stopping = {"x": 1}
    with pytest.raises(FileProblem, match="damaged"):
        running.run({"CacheTtl": 60})
    assert running.jackett.log == ["stop"]


def test_connection_shows_the_state_without_a_supervisor(running: SettingsRig) -> None:
    assert not running.run(supervisor=Unmanaged()).plan
    with pytest.raises(ServiceProblem, match="only while Jackett is stopped: CacheTtl; set container, service or unit"):
        running.run({"CacheTtl": 60}, supervisor=Unmanaged())
    running.jackett.stop()
    assert running.run({"CacheTtl": 60}, supervisor=Unmanaged()).daemon == "stopped"
    assert running.stored()["CacheTtl"] == 60


def test_restarting_jackett_is_repaired(running: SettingsRig) -> None:
    running.jackett.restarting = True
    result = running.run({"CacheTtl": 60})
    assert "again and again" in result.warnings[0]
    assert (result.daemon, running.jackett.held["CacheTtl"]) == ("running", 60)


def test_link_in_place_of_the_file_is_rejected(host: SettingsRig, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    host.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileProblem, match="symbolic link"):
        host.run()


def test_contradiction_is_found_before_a_stop(running: SettingsRig) -> None:
    with pytest.raises(InvalidValue, match="ProxyType needs ProxyUrl"):
        running.run({"ProxyType": "http"})
    assert running.jackett.log == []


def test_plan_has_each_field_once(host: SettingsRig) -> None:
    host.path.write_text("[]")
    names = [change.name for change in host.run(recreate_damaged=True).plan.changes]
    assert len(names) == len(set(names))
    assert use_case.DAMAGE in names


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(1, 65535),
        "allow_external": st.booleans(),
        "cache_ttl": st.integers(1, 10**6),
        "blackhole_dir": st.sampled_from(["", "/downloads", "/ü ~"]),
        "omdb_api_key": st.sampled_from(["", SECRET]),
        "proxy_type": st.just("disabled"),
        "Extra": st.integers() | st.booleans() | st.just("text"),
    },
)


@given(VALUES, VALUES, st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_plan_is_empty_after_any_two_runs(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, Any], second: dict[str, Any], runs: bool
) -> None:
    host = SettingsRig(tmp_path_factory.mktemp("host"))
    host.four_times(first)
    if runs:
        host.jackett.start()
    if host.run(second, check_mode=True).plan:
        host.four_times(second)
    assert {name: host.stored().get(name) for name in read_wanted(second, allow_unknown=True)} == read_wanted(
        second, allow_unknown=True
    )
