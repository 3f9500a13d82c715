# SPDX-License-Identifier: GPL-3.0-or-later
"""The use case as a whole, against a daemon with the real one's habits and a real file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    FileProblem,
    InvalidValue,
    NotTaken,
    ServiceProblem,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.json_file import JsonFile
from ansible_collections.household.mediaserver.plugins.module_utils._core.supervisor import Unmanaged
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import table
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.client import (
    TransmissionClient,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.password import verify_password
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.plan import DAMAGE, DENIED
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.settings import (
    TransmissionOutcome,
    TransmissionSettings,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils.transmission_doubles import (
    URL,
    Clock,
    Daemon,
    filed,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PASSWORD = "correct horse"
BASE = {"rpc-authentication-required": True, "umask": "002", "lpd-enabled": False}


class Installation:
    """A folder, a daemon, and runs of the use case on them."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.path = folder / "settings.json"
        self.daemon = Daemon(str(self.path), **more)
        self.url = URL

    def run(
        self, wanted: dict[str, Any] | None = None, *, password: str = PASSWORD, **more: Any
    ) -> TransmissionOutcome:
        self.daemon.log.clear()
        self.daemon.writes_allowed = not more.get("check_mode", False)
        before = self.path.read_bytes() if self.path.exists() else None
        supervisor = more.pop("supervisor", self.daemon)
        use_case = TransmissionSettings(
            wanted=read_wanted({**BASE, **(wanted or {})}, username="family", password=password),
            client=TransmissionClient(self.daemon, self.url, username="family", password=password),
            supervisor=supervisor,
            clock=Clock(),
            **{"file": JsonFile(str(self.path)), "timeout": 2, **more},
        )
        outcome = use_case.run()
        if more.get("check_mode"):
            assert (self.path.read_bytes() if self.path.exists() else None) == before
        return outcome

    def four_times(self, wanted: dict[str, Any], **more: Any) -> TransmissionOutcome:
        """Check, real, check, real: the first two agree, the last two find nothing. Return the second."""
        expected = self.run(wanted, check_mode=True, **more)
        outcome = self.run(wanted, **more)
        assert expected.plan.diff() == outcome.plan.diff()
        assert outcome.plan
        assert PASSWORD not in json.dumps(outcome.plan.diff())
        assert not self.run(wanted, check_mode=True, **more).plan
        assert not self.run(wanted, **more).plan
        return outcome

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def running(installation: Installation) -> Installation:
    installation.run()
    installation.daemon.start()
    return installation


def test_before_the_first_start_the_file_is_written_whole(installation: Installation) -> None:
    outcome = installation.four_times({})
    assert outcome.daemon == "stopped"
    assert installation.data.keys() == {*BASE, "rpc-username", "rpc-password"}
    assert verify_password(PASSWORD, installation.data["rpc-password"])
    assert PASSWORD not in installation.path.read_text()
    installation.daemon.start()
    assert not installation.run().plan


def test_unknown_and_unmanaged_settings_stay(installation: Installation) -> None:
    installation.path.write_text('{"foo-bar": [1], "speed-limit-up": 7}')
    installation.four_times({"speed-limit-down": 9})
    assert (installation.data["foo-bar"], installation.data["speed-limit-up"]) == ([1], 7)


def test_a_live_change_stops_nothing(running: Installation) -> None:
    outcome = running.four_times({"speed-limit-up": "77", "encryption": "required", "ratio-limit": 1})
    assert outcome.stopped_for == []
    assert running.daemon.held["speed-limit-up"] == 77
    assert running.daemon.held["encryption"] == 2


def test_a_live_change_is_read_back(running: Installation) -> None:
    running.daemon.deaf_to = {"speed-limit-up"}
    with pytest.raises(NotTaken, match="speed-limit-up is 1 instead of 77"):
        running.run({"speed-limit-up": 77})


def test_only_what_differs_is_sent(running: Installation) -> None:
    running.run({"speed-limit-up": 77})
    assert running.daemon.log == ["session-get", "session-set", "session-get"]
    running.run({"speed-limit-up": 77})
    assert running.daemon.log == ["session-get"]


def test_a_file_only_change_stops_and_starts_and_loses_nothing(running: Installation) -> None:
    running.daemon.held["peer-limit-global"] = 123
    outcome = running.four_times({"watch-dir": "/downloads/watch", "speed-limit-up": 5})
    assert outcome.stopped_for == ["watch-dir"]
    assert running.daemon.running
    assert running.data["peer-limit-global"] == running.daemon.held["peer-limit-global"] == 123
    assert running.daemon.held["speed-limit-up"] == 5


def test_a_daemon_that_was_killed_loses_nothing_either(running: Installation) -> None:
    running.daemon.held["peer-limit-global"] = 124
    running.daemon.killed_at_stop = True
    running.run({"watch-dir": "/downloads/watch"})
    assert running.daemon.held["peer-limit-global"] == 124
    assert running.daemon.held["watch-dir"] == "/downloads/watch"


def test_a_file_edited_under_a_running_daemon_is_put_right(running: Installation) -> None:
    running.path.write_text(json.dumps({**running.data, "umask": 0}))
    assert running.four_times({}).stopped_for == ["umask"]


def test_a_new_password_needs_no_old_one(running: Installation) -> None:
    old = running.data["rpc-password"]
    outcome = running.run(password="another", check_mode=True)
    assert outcome.plan.diff() == {
        "before": {"rpc-password": "(hidden)"},
        "after": {"rpc-password": "(hidden, changed)"},
    }
    assert running.run(password="another").plan
    assert not running.run(password="another").plan
    assert running.data["rpc-password"] != old


def test_a_password_in_plain_text_is_replaced(installation: Installation) -> None:
    installation.run()
    installation.path.write_text(json.dumps({**installation.data, "rpc-password": PASSWORD}))
    installation.four_times({})
    assert PASSWORD not in installation.path.read_text()


def test_a_right_password_keeps_its_salt(installation: Installation) -> None:
    installation.run()
    old = installation.data["rpc-password"]
    installation.run({"speed-limit-up": 3})
    assert installation.data["rpc-password"] == old


def test_credentials_that_only_the_daemon_has_wrong_are_put_right(running: Installation) -> None:
    running.daemon.held["rpc-username"] = "another-user"
    assert running.four_times({}).stopped_for == [DENIED["credentials"]]


def test_a_denial_that_a_restart_does_not_cure_is_an_error(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.daemon, "_known", lambda _: False)
    with pytest.raises(AccessDenied):
        running.run()
    assert running.daemon.running


def test_without_leave_to_stop_nothing_is_stopped(running: Installation) -> None:
    with pytest.raises(ServiceProblem, match="umask"):
        running.run({"umask": "077"}, supervisor=Unmanaged())
    assert running.run({"speed-limit-up": 3}, supervisor=Unmanaged()).plan
    running.daemon.stop()
    assert running.run({"umask": "077"}, supervisor=Unmanaged()).daemon == "stopped"
    assert running.data["umask"] == 0o77


@pytest.mark.parametrize("raw", ["", '{"umask": 2', "[]"])
def test_a_damaged_file_is_kept_and_reported(installation: Installation, raw: str) -> None:
    installation.path.write_text(raw)
    with pytest.raises(FileProblem, match="damaged"):
        installation.run(check_mode=True)
    assert [path.name for path in installation.path.parent.iterdir()] == ["settings.json"]
    with pytest.raises(FileProblem, match="kept as"):
        installation.run()
    assert installation.path.read_text() == raw
    outcome = installation.four_times({}, recreate_damaged=True)
    assert Path(outcome.kept_aside).read_text() == raw
    assert outcome.warnings


def test_a_file_damaged_under_a_running_daemon_comes_back_from_it(running: Installation) -> None:
    running.daemon.held["peer-limit-global"] = 125
    running.path.write_text("{")
    outcome = running.four_times({}, recreate_damaged=True)
    assert DAMAGE in outcome.stopped_for
    assert running.data["peer-limit-global"] == 125
    assert Path(outcome.kept_aside).read_text() == "{"


def test_a_silent_daemon_is_an_error_unless_the_file_is_trusted(running: Installation) -> None:
    running.daemon.silent = True
    with pytest.raises(Unreachable, match="waited 2 s"):
        running.run()
    outcome = running.run(trust_file=True)
    assert not outcome.plan
    assert "does not answer" in outcome.warnings[0]
    changed = running.run({"speed-limit-up": 4}, trust_file=True)
    assert changed.plan.values() == {"speed-limit-up": 4}
    assert running.daemon.log == ["stop", "start"]
    assert running.data["speed-limit-up"] == 4


def test_when_the_file_cannot_be_written_the_daemon_is_started_again(
    running: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FileProblem("no space")

    monkeypatch.setattr(JsonFile, "write", full)
    with pytest.raises(FileProblem, match="no space"):
        running.run({"umask": "077"})
    assert running.daemon.running


def test_a_daemon_without_a_file_is_never_started_again(running: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        running.path.unlink()
        raise FileProblem("no space")

    monkeypatch.setattr(JsonFile, "write", gone)
    with pytest.raises(FileProblem):
        running.run({"umask": "077"})
    assert not running.daemon.running


def test_a_setting_newer_than_the_daemon_is_refused(running: Installation) -> None:
    running.daemon.version = "3.00"
    for name, value in (("default-trackers", "x"), ("rpc-socket-mode", "0700")):
        with pytest.raises(InvalidValue, match=f"{name} is not known to Transmission 3.00; it came with 4.0"):
            running.run({name: value})


def test_without_the_file_only_the_rpc_is_managed(running: Installation) -> None:
    use_case = TransmissionSettings(
        wanted=read_wanted({"speed-limit-up": 9}),
        client=TransmissionClient(running.daemon, URL, username="family", password=PASSWORD),
        supervisor=Unmanaged(),
        clock=Clock(),
    )
    assert use_case.run().plan
    use_case.wanted = read_wanted({"umask": "022"})
    with pytest.raises(InvalidValue, match=r"config_dir is needed.*umask"):
        use_case.run()


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"speed-limt-up": 1}, "is speed-limit-up meant"),
        ({"rpc-password": "x"}, "belongs into transmission_password"),
        ({"rpc_username": "x"}, "belongs into transmission_user"),
        ({"version": "4"}, "cannot be set"),
        ({"config_dir": "/x"}, "cannot be set"),
        ({"speed-limit-up": 1, "speed_limit_up": 2}, "given twice"),
        ({"cache_size_mib": 1, "cache-size-mb": 2}, "given twice"),
        ({"umask": "9"}, "umask takes"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(wanted: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        read_wanted(wanted)


def test_null_leaves_alone_and_unknown_names_pass_when_allowed() -> None:
    assert read_wanted({"umask": None, "x_y": [1]}, allow_unknown=True) == {"x_y": [1]}


def test_the_files_own_spelling_is_kept(installation: Installation) -> None:
    installation.path.write_text('{"speed_limit_up": 3, "start_paused": false}')
    installation.four_times({"speed-limit-up": 4, "start-paused": True})
    assert (installation.data["speed_limit_up"], installation.data["start_paused"]) == (4, True)
    assert not {"speed-limit-up", "start-paused"} & installation.data.keys()


@pytest.mark.parametrize(("version", "snake"), [("3.00", False), ("4.0", False), ("4.1", False), ("4.1", True)])
def test_every_version_gets_what_it_reads_in_its_own_style(tmp_path: Path, version: str, snake: bool) -> None:
    installation = Installation(tmp_path, version=version, snake=snake)
    mixed = {"encryption": "required", "cache-size-mb": 3, "ratio-limit": 1.5, "peer-socket-tos": "cs1"}
    installation.four_times(mixed)
    installation.daemon.start()
    assert not installation.run(mixed).plan
    outcome = installation.four_times(
        {**mixed, "encryption": "tolerated", "cache-size-mb": 4, "peer-socket-tos": "cs2"}
    )
    assert outcome.stopped_for == ["peer-socket-tos"]
    assert installation.four_times({**mixed, "peer-socket-tos": "cs2"}).stopped_for == []
    held = installation.daemon.held
    assert [held[name] for name in mixed] == [2, 3, 1.5, "cs2"]
    assert ("cache_size_mib" in installation.data) is snake
    assert ("cache-size-mb" in installation.data) is not snake


def test_a_spelling_that_no_daemon_reads_is_put_right(installation: Installation) -> None:
    installation.path.write_text('{"start-paused": true, "umask": 18, "dht-enabled": true}')
    assert installation.four_times({"start-paused": True}).plan.values()["start-paused"] is True
    assert (installation.data["start_paused"], "start-paused" in installation.data) == (True, False)


@pytest.mark.parametrize(("version", "reason"), [("3.00", "locked"), ("4.0", "forbidden"), ("4.1", "forbidden")])
def test_a_lock_after_wrong_passwords_is_cured_by_a_restart(tmp_path: Path, version: str, reason: str) -> None:
    installation = Installation(tmp_path, version=version)
    wanted = {} if version == "3.00" else {"anti-brute-force-enabled": True}
    installation.run(wanted)
    installation.daemon.start()
    installation.daemon.locked = True
    expected = installation.run(wanted, check_mode=True)
    outcome = installation.run(wanted)
    assert expected.plan.diff() == outcome.plan.diff()
    assert outcome.stopped_for == [DENIED[reason]]
    assert not installation.run(wanted).plan


@pytest.mark.parametrize("version", ["3.00", "4.0", "4.1"])
def test_a_whitelist_is_cured_only_by_another_whitelist(tmp_path: Path, version: str) -> None:
    installation = Installation(tmp_path, version=version)
    installation.run({"rpc-whitelist": "10.*"})
    installation.daemon.start()
    for wanted in ({}, {"rpc-whitelist": "10.*"}):
        with pytest.raises(AccessDenied, match="rpc-whitelist does not list"):
            installation.run(wanted)
        assert installation.daemon.log == [], "a restart that could not have helped"
    assert installation.run({"rpc-whitelist": "127.0.0.1"}).stopped_for == ["rpc-whitelist"]
    assert not installation.run({"rpc-whitelist": "127.0.0.1"}).plan


@pytest.mark.parametrize(
    "cure", [{"rpc-host-whitelist": "tv"}, {"rpc-host-whitelist-enabled": False}, {"rpc-authentication-required": True}]
)
def test_a_host_name_is_cured_only_by_what_lets_it_in(installation: Installation, cure: dict[str, Any]) -> None:
    other_network = {
        "rpc-authentication-required": False,
        "rpc-host-whitelist-enabled": True,
        "rpc-host-whitelist": "elsewhere",
    }
    installation.run(other_network)
    installation.daemon.start()
    assert not installation.run(other_network).plan, "an address is always accepted"
    installation.url = URL.replace("127.0.0.1", "tv")
    with pytest.raises(AccessDenied, match="rpc-host-whitelist must list it"):
        installation.run(other_network)
    assert installation.daemon.log == [], "a restart that could not have helped"
    assert installation.four_times({**other_network, **cure}).stopped_for == list(cure)


def test_a_setting_that_is_gone_is_refused(running: Installation) -> None:
    with pytest.raises(
        InvalidValue, match=r"prefetch-enabled is not known to Transmission 4\.1\.0; it was there up to"
    ):
        running.run({"prefetch-enabled": False})


SECRET = st.text("abcxyz019", min_size=4, max_size=9).map(lambda text: f"geheim-{text}")


@given(secrets=st.fixed_dictionaries(dict.fromkeys(["default-trackers", "proxy-url", "password"], SECRET)))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_secret_is_shown_old_or_new(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> None:
    installation = Installation(tmp_path_factory.mktemp("installation"))
    password = secrets.pop("password")
    installation.run({name: f"geheim-old-{name}" for name in secrets})
    for check in (True, False):
        outcome = installation.run(secrets, password=password, check_mode=check)
        assert outcome.plan.values().keys() == {"default-trackers", "proxy-url", "rpc-password"}
        assert "geheim" not in json.dumps([outcome.plan.diff(), outcome.stopped_for, outcome.warnings])
        assert "geheim" not in json.dumps([change.shown() for change in outcome.plan.changes])


def test_an_image_that_writes_the_file_itself_is_warned_about(installation: Installation) -> None:
    installation.daemon.config = {"Entrypoint": ["/init"], "Env": [f"PASS={PASSWORD}"]}
    for check in (True, False):
        (warning,) = installation.run(check_mode=check).warnings
        assert "rpc-authentication-required, rpc-password, rpc-username" in warning
        assert PASSWORD not in warning


SIMPLE = {
    "bool": st.booleans(),
    "int": st.integers(1, 127),
    "float": st.floats(0, 100),
    "path": st.sampled_from(["/a", "/b/c"]),
    "umask": st.sampled_from(["002", "022", "077"]),
    "text": st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=9),
    "csv": st.sampled_from(["", "127.0.0.1", "10.*,::1"]),
}
ALL = {
    setting.name: SIMPLE[setting.kind]
    for setting in table.SETTINGS
    if setting.kind in SIMPLE and not setting.until and setting.name not in {"rpc-username", "rpc-whitelist", *BASE}
}
WISHES = st.dictionaries(st.sampled_from(sorted(ALL)), st.none(), max_size=8).flatmap(
    lambda names: st.fixed_dictionaries({name: ALL[name] for name in names})
)


@given(first=WISHES, second=WISHES, live=st.booleans(), snake=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_wanted_the_next_run_finds_nothing_to_do(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, Any], second: dict[str, Any], live: bool, snake: bool
) -> None:
    installation = Installation(tmp_path_factory.mktemp("installation"), snake=snake)
    installation.run(first)
    if live:
        installation.daemon.start()
    expected = installation.run(second, check_mode=True)
    assert expected.plan.diff() == installation.run(second).plan.diff()
    assert not installation.run(second).plan
    kept = filed({name: value for name, value in read_wanted(first).items() if name not in second})
    if not live:
        assert {name: installation.data[name] for name in kept} == kept
    for setting in table.SETTINGS:
        assert len({setting.in_file, setting.in_snake_file} & installation.data.keys()) <= 1, "both spellings"
