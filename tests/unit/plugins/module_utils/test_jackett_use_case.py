# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case as a whole, against a Jackett with the real one's habits and a real file."""

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
from ansible_collections.household.mediaserver.plugins.module_utils._core.supervisor import Nobody
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import settings as use_case
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.client import JackettClient
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._jackett.settings import JackettSettings, Outcome
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.jackett_doubles import (
    ID,
    KEY,
    OK,
    REFUSED,
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


class House:
    """A folder, a Jackett, and runs of the use case on them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ServerConfig.json"
        self.key_path = folder / "api_key"
        self.jackett = Jackett(str(self.path))
        self.keys = 0

    def make_key(self, length: int) -> str:
        self.keys += 1
        return f"made{self.keys:0{length - 4}}"

    def run(self, wanted: dict[str, Any] | None = None, *, password: str = PASSWORD, **more: Any) -> Outcome:
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
        outcome = case.run()
        if more.get("check_mode"):
            assert self.files() == before
        return outcome

    def files(self) -> dict[str, tuple[bytes, int]]:
        return {p.name: (p.read_bytes(), p.stat().st_mode) for p in self.path.parent.iterdir()}

    def four_times(self, wanted: dict[str, Any] | None = None, **more: Any) -> Outcome:
        """Check, real, check, real: the first two agree, the last two find nothing. Return the second."""
        foreseen = self.run(wanted, check_mode=True, **more)
        outcome = self.run(wanted, **more)
        assert foreseen.plan.diff() == outcome.plan.diff()
        assert foreseen.stopped_for == outcome.stopped_for
        assert outcome.plan
        answer = json.dumps([outcome.plan.diff(), outcome.warnings])
        stored = self.stored()
        for secret in (PASSWORD, SECRET, stored["APIKey"], stored["AdminPassword"], stored["InstanceId"]):
            assert secret not in answer
        assert not self.run(wanted, check_mode=True, **more).plan
        again = self.run(wanted, **more)
        assert not again.plan
        assert self.jackett.log == []
        return outcome

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def running(house: House) -> House:
    """Settled once and started."""
    house.path.write_text(as_written(AdminPassword=stored_hash(PASSWORD), ProxyType=-1))
    house.path.chmod(0o600)
    house.run()
    house.jackett.start()
    return house


def test_before_the_first_start_the_file_is_whole_and_claimed(house: House) -> None:
    outcome = house.four_times({"AllowExternal": True, "ProxyPassword": SECRET})
    assert (outcome.daemon, outcome.stopped_for, outcome.kept_aside) == ("stopped", [], "")
    text = house.path.read_text()
    assert house.path.stat().st_mode & 0o777 == 0o600
    assert house.key_path.read_text() == house.stored()["APIKey"] + "\n"
    assert house.key_path.stat().st_mode & 0o777 == 0o600
    house.jackett.start()
    assert house.path.read_text() == text
    assert house.jackett.logs_in(PASSWORD)
    assert not house.jackett.logs_in("another")


def test_an_open_jackett_is_closed(house: House) -> None:
    house.path.write_text(as_written())
    house.jackett.start()
    assert house.jackett.logs_in("anything")
    outcome = house.four_times()
    assert outcome.stopped_for == ["AdminPassword"]
    assert outcome.plan.diff()["before"]["(mode of ServerConfig.json)"] == "0644"
    assert (house.stored()["APIKey"], house.stored()["InstanceId"]) == (KEY, ID)
    assert house.jackett.logs_in(PASSWORD)
    assert not house.jackett.logs_in("anything")


def test_a_change_stops_writes_and_starts(running: House) -> None:
    running.run({"CacheTtl": 60})
    assert running.jackett.log == ["stop", "start"]
    assert running.jackett.held["CacheTtl"] == 60
    assert running.four_times({"CacheTtl": 61}).daemon == "running"


def test_what_jackett_saves_while_it_stops_is_kept(running: House) -> None:
    running.jackett.saves_while_stopping = {"BlackholeDir": "/last/minute", "CacheTtl": 5}
    running.run({"CacheTtl": 60})
    assert (running.stored()["BlackholeDir"], running.stored()["CacheTtl"]) == ("/last/minute", 60)


def test_what_is_saved_in_the_page_is_no_drift_and_a_managed_field_is(running: House) -> None:
    running.run({"CacheTtl": 60})
    running.jackett.save(BlackholeDir="/downloads")
    assert not running.run({"CacheTtl": 60}).plan
    running.jackett.save(CacheTtl=5, AdminPassword=None)
    assert set(running.four_times({"CacheTtl": 60}).plan.values()) == {"AdminPassword", "CacheTtl"}
    assert running.stored()["BlackholeDir"] == "/downloads"


def test_another_password_and_another_key(running: House) -> None:
    outcome = running.four_times(api_key="k" * 32)
    assert set(outcome.plan.values()) == {"APIKey", "AdminPassword", "(api_key_file)"}
    assert running.key_path.read_text() == "k" * 32 + "\n"
    assert running.jackett.logs_in(PASSWORD)
    running.four_times(password="another")
    assert running.jackett.logs_in("another")
    assert not running.jackett.logs_in(PASSWORD)


def test_a_key_that_is_there_is_never_made_anew(running: House) -> None:
    running.path.unlink()
    running.jackett.stop()
    running.key_path.write_text("f" * 32)
    running.four_times()
    assert running.stored()["APIKey"] == "f" * 32
    running.key_path.unlink()
    assert set(running.four_times().plan.values()) == {"(api_key_file)"}
    assert running.key_path.read_text() == "f" * 32 + "\n"


def test_owner_mode_and_key_file_need_no_stop(running: House) -> None:
    running.path.chmod(0o644)
    running.key_path.chmod(0o644)
    outcome = running.four_times()
    assert set(outcome.plan.values()) == {"(mode of ServerConfig.json)", "(api_key_file)"}
    assert outcome.stopped_for == []
    assert running.path.stat().st_mode & 0o777 == running.key_path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_repaired(running: House) -> None:
    file = JsonFile(str(running.path), owner="2000", group="2001")
    outcome = running.four_times(file=file)
    assert outcome.plan.diff() == {
        "before": {"(owner of ServerConfig.json)": "0:0"},
        "after": {"(owner of ServerConfig.json)": "2000:2001"},
    }
    assert (running.path.stat().st_uid, running.path.stat().st_gid) == (2000, 2001)
    running.four_times({"CacheTtl": 5})
    assert running.path.stat().st_uid == 2000


def test_the_form_is_jacketts_own(running: House) -> None:
    running.path.write_text(running.path.read_text() + "\n")
    outcome = running.four_times()
    assert outcome.stopped_for == ["(form of ServerConfig.json)"]
    assert not running.path.read_text().endswith("\n")


DAMAGED = {
    "empty": "",
    "cut off": as_written(AdminPassword=stored_hash(PASSWORD))[:-30],
    "wrong type": as_written(CacheTtl="long"),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damage_fails_and_is_kept_aside(house: House, text: str) -> None:
    house.path.write_text(text)
    with pytest.raises(FileProblem, match=r"damaged.*kept as .*on_damage=recreate"):
        house.run()
    (copy,) = house.path.parent.glob("*.damaged-*")
    assert copy.read_text() == house.path.read_text() == text


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("runs", [False, True])
def test_damage_is_repaired_when_that_is_asked_for(house: House, text: str, runs: bool) -> None:
    house.path.write_text(as_written())
    if runs:
        house.jackett.start()
    house.path.write_text(text)
    outcome = house.four_times({"CacheTtl": 5}, recreate_damaged=True)
    assert Path(outcome.kept_aside).read_text() == text
    assert (house.stored()["APIKey"] == KEY) is (text != "")
    if not runs:
        house.jackett.start()
    assert house.jackett.logs_in(PASSWORD)
    assert not house.jackett.logs_in("x")


def test_a_jackett_that_replaces_the_file_is_told_of(running: House) -> None:
    running.jackett.replaces_at_start = True
    with pytest.raises(NotTaken, match=r"APIKey, AdminPassword, CacheTtl, InstanceId.*it was stopped") as caught:
        running.run({"CacheTtl": 60})
    assert KEY not in str(caught.value)
    assert not running.jackett.running, "it is open to everybody"


def test_one_that_replaces_the_file_and_does_not_get_well_is_not_left_open(running: House) -> None:
    running.jackett.replaces_at_start = running.jackett.sick = True
    with pytest.raises(NotTaken, match="it was stopped"):
        running.run({"CacheTtl": 60})
    assert not running.jackett.running


def test_a_jackett_that_never_gets_well_is_told_of(running: House) -> None:
    running.jackett.sick = True
    with pytest.raises(Unreachable, match=r"/health: status 500 and no OK; waited 2 s"):
        running.run({"CacheTtl": 60})


def test_one_that_does_not_stop_is_not_written_under(running: House) -> None:
    running.jackett.stubborn = True
    before = running.path.read_bytes()
    running.jackett.start = lambda: None  # type: ignore[method-assign]
    with pytest.raises(ServiceProblem, match="still runs"):
        running.run({"CacheTtl": 60})
    assert running.path.read_bytes() == before


class Full(JsonFile):
    """On a disk without room."""

    def replace(self, text: str, *, found: Any) -> None:
        raise FileProblem("No space left on device")


@pytest.mark.parametrize("claimed", [True, False])
def test_when_the_file_cannot_be_written_only_a_claimed_one_is_started_again(running: House, claimed: bool) -> None:
    if not claimed:
        running.jackett.save(AdminPassword=None)
    with pytest.raises(FileProblem, match="No space left"):
        running.run({"CacheTtl": 60}, file=Full(str(running.path)))
    assert running.jackett.log == (["stop", "start"] if claimed else ["stop"])


def test_a_file_that_is_damaged_at_the_stop_fails_and_stays_down(running: House) -> None:
    running.jackett.save = lambda **_: running.path.write_text("{")  # type: ignore[method-assign,misc,assignment]
    running.jackett.saves_while_stopping = {"x": 1}
    with pytest.raises(FileProblem, match="damaged"):
        running.run({"CacheTtl": 60})
    assert running.jackett.log == ["stop"]


def test_without_a_supervisor_the_connection_tells(running: House) -> None:
    assert not running.run(supervisor=Nobody()).plan
    with pytest.raises(ServiceProblem, match="only while Jackett is stopped: CacheTtl; name the container"):
        running.run({"CacheTtl": 60}, supervisor=Nobody())
    running.jackett.stop()
    assert running.run({"CacheTtl": 60}, supervisor=Nobody()).daemon == "stopped"
    assert running.stored()["CacheTtl"] == 60


def test_one_that_restarts_for_ever_is_mended(running: House) -> None:
    running.jackett.restarting = True
    outcome = running.run({"CacheTtl": 60})
    assert "again and again" in outcome.warnings[0]
    assert (outcome.daemon, running.jackett.held["CacheTtl"]) == ("running", 60)


def test_a_link_in_place_of_the_file_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("{}")
    house.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileProblem, match="symbolic link"):
        house.run()


def test_a_contradiction_is_found_before_anything_stops(running: House) -> None:
    with pytest.raises(InvalidValue, match="ProxyType needs ProxyUrl"):
        running.run({"ProxyType": "http"})
    assert running.jackett.log == []


def test_the_plan_names_no_field_twice(house: House) -> None:
    house.path.write_text("[]")
    names = [change.name for change in house.run(recreate_damaged=True).plan.changes]
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
def test_any_two_wishes_one_after_the_other_leave_nothing_to_do(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, Any], second: dict[str, Any], runs: bool
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    house.four_times(first)
    if runs:
        house.jackett.start()
    if house.run(second, check_mode=True).plan:
        house.four_times(second)
    assert {name: house.stored().get(name) for name in read_wanted(second, allow_unknown=True)} == read_wanted(
        second, allow_unknown=True
    )


class Scripted:
    """Gives the listed answers to GET /health; `finish` fails on any missing."""

    def __init__(self, *script: Response | Exception) -> None:
        self.script = list(script)

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        assert (method, url, headers, body) == ("GET", "http://j:1/base/health", {}, None)
        assert self.script, "unexpected call"
        result = self.script.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_the_wait_ends_with_the_first_ok_and_with_nothing_else() -> None:
    others = [REFUSED, Response(503, {}, b"x"), Response(200, {}, b"<html>"), Response(200, {}, b"[]")]
    http = Scripted(*others, Response(200, {}, b'{"status":"Degraded"}'), OK)
    JackettClient(http, "http://j:1/base/").wait_for_health(timeout=60, clock=Clock())
    assert http.script == []


@pytest.mark.parametrize(
    ("answer", "listens"), [(OK, True), (Response(404, {}, b""), True), (REFUSED, False), (Unreachable("late"), None)]
)
def test_only_a_refused_connection_means_stopped(answer: Response | Exception, listens: bool | None) -> None:
    client = JackettClient(Scripted(answer), "http://j:1/base")
    if listens is None:
        with pytest.raises(Unreachable, match="late"):
            client.listens()
    else:
        assert client.listens() is listens
