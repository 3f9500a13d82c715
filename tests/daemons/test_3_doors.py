# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in: passwords and their hashes, addresses, host names, and the lock after too many attempts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import real
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.password import (
    hash_password,
    is_hash,
    verify_password,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.plan import DENIED

LOGIN = {"rpc-authentication-required": True}
# 3.00 counts to this without being told to.
FIXED_THRESHOLD = 100


def begin(daemon: real.Daemon, password: str = real.PASSWORD, **more: Any) -> Any:
    names = {"rpc-authentication-required": True, "rpc-username": real.USER, "rpc-password": hash_password(password)}
    return daemon.begin(**{**names, **more})


def locked_out(daemon: real.Daemon, **settings: Any) -> str:
    """Start a daemon that does not let us in, and return why."""
    daemon.prepare(**settings)
    daemon.start()
    with pytest.raises(AccessDenied) as caught:
        daemon.client().wait_for_session(timeout=real.ANSWER_TIMEOUT_S, clock=time)
    return caught.value.reason


def denied(client: Any) -> str:
    with pytest.raises(AccessDenied) as caught:
        client.session_get()
    assert real.PASSWORD not in str(caught.value)
    return caught.value.reason


def test_our_hash_opens_and_another_password_does_not(daemon: real.Daemon) -> None:
    assert begin(daemon).session_get()["version"]
    assert denied(daemon.client(password="wrong")) == "credentials"
    assert denied(daemon.client(username="", password="")) == "credentials"
    assert daemon.run({"speed-limit-up": 5}).plan, "a right one still does"


def test_its_hash_is_recognised_and_left_alone(daemon: real.Daemon) -> None:
    """It salts and hashes a plain password at its start."""
    begin(daemon, **{"rpc-password": real.PASSWORD})
    daemon.stop()
    stored = daemon.data["rpc-password"]
    assert is_hash(stored)
    assert verify_password(real.PASSWORD, stored)
    assert not verify_password("wrong", stored)
    assert not daemon.run(LOGIN, login=True).plan
    assert daemon.data["rpc-password"] == stored
    daemon.run({"umask": "027"}, login=True)
    assert daemon.data["rpc-password"] == stored


def test_a_password_that_we_do_not_know_is_replaced(daemon: real.Daemon) -> None:
    stored = {"rpc-username": real.USER, "rpc-password": hash_password("another")}
    assert locked_out(daemon, **LOGIN, **stored) == "credentials"
    assert set(daemon.four_times(LOGIN, login=True).stopped_for) == {"rpc-password"}
    assert daemon.client().session_get()["version"]
    assert real.PASSWORD.encode() not in daemon.path.read_bytes()
    with pytest.raises(AccessDenied):
        daemon.run({"speed-limit-up": 3}, client=daemon.client(password="wrong"))


def test_an_address_that_is_not_listed(daemon: real.Daemon, system: real.System) -> None:
    reason = locked_out(daemon, **{"rpc-whitelist": "10.9.8.7", "rpc-whitelist-enabled": True})
    assert reason == ("whitelist" if system.line == "3.00" else "forbidden")
    process = daemon.process
    with pytest.raises(AccessDenied, match="rpc-whitelist does not list"):
        daemon.run({"umask": "027"})
    assert daemon.process is process, "a restart could not help"
    assert "rpc-whitelist" in daemon.four_times({"rpc-whitelist": "127.0.0.1, ::1"}).stopped_for


def test_a_host_name_that_is_not_listed(daemon: real.Daemon) -> None:
    daemon.begin(**{"rpc-host-whitelist": "tv.example", "rpc-host-whitelist-enabled": True})
    client = daemon.client(username="", password="")
    client.headers["Host"] = "elsewhere.example"
    assert denied(client) == "host"
    client.headers["Host"] = "tv.example"
    assert client.session_get()["version"]


def test_too_many_attempts_lock_it_for_all_and_a_restart_opens_it(daemon: real.Daemon, system: real.System) -> None:
    old = system.line == "3.00"
    threshold, reason = (FIXED_THRESHOLD, "locked") if old else (2, "forbidden")
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    client = daemon.client(password="wrong")
    reasons = [denied(client) for _ in range(threshold + 2)]
    assert (reasons[0], reasons[-1]) == ("credentials", reason)
    with pytest.raises(AccessDenied, match=r"too many wrong passwords have locked .* for everybody.* started anew"):
        daemon.client().session_get()
    assert daemon.four_times(LOGIN, login=True).stopped_for == [DENIED[reason]]
    assert daemon.client().session_get()["version"]


def status(daemon: real.Daemon, method: str, path: str = "rpc", **headers: str) -> int:
    """Return what it says to somebody who sends no password."""
    url = f"http://127.0.0.1:{daemon.port}/transmission/{path}"
    return int(daemon.client().http.request(method, url, headers=headers, body=None, timeout=10).status)


def test_who_sends_no_password_is_counted_as_a_wrong_one_and_who_asks_for_options_is_not(
    daemon: real.Daemon, system: real.System
) -> None:
    """So a probe that only wants to know whether it lives must not ask for more than OPTIONS."""
    old = system.line == "3.00"
    threshold = FIXED_THRESHOLD if old else 2
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    # 3.00 has not learnt the word, which is an answer too.
    assert {status(daemon, "OPTIONS") for _ in range(threshold + 2)} == {501 if old else 200}
    assert daemon.client().session_get()["version"]
    assert [status(daemon, "GET") for _ in range(threshold + 2)][-1] == 403
    assert daemon.process is not None
    assert daemon.process.poll() is None, "it lives"


def test_a_right_password_begins_the_count_anew(daemon: real.Daemon, system: real.System) -> None:
    old = system.line == "3.00"
    threshold = FIXED_THRESHOLD if old else 2
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    for _ in range(3):
        assert {status(daemon, "GET") for _ in range(threshold - 1)} == {401}
        assert daemon.client().session_get()["version"]


def test_the_order_of_its_checks(daemon: real.Daemon, system: real.System) -> None:
    begin(daemon)
    assert status(daemon, "GET", "web/") == 401, "the pages need the password too"
    unlisted = {"rpc-whitelist": "10.9.8.7", "rpc-whitelist-enabled": True}
    assert locked_out(daemon, **LOGIN, **unlisted) in ("whitelist", "forbidden")
    assert status(daemon, "GET", "web/") == 403, "an address comes before a password"
    assert status(daemon, "OPTIONS") == (501 if system.line == "3.00" else 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "tv.example", "elsewhere.example"])
@pytest.mark.parametrize("password", [True, False])
def test_host_names_count_only_where_no_password_does(daemon: real.Daemon, host: str, password: bool) -> None:
    names = {"rpc-host-whitelist": "tv.example", "rpc-host-whitelist-enabled": True}
    client = begin(daemon, **names) if password else daemon.begin(**names)
    client.headers["Host"] = host
    if host == "elsewhere.example" and not password:
        assert denied(client) == "host"
    else:
        assert client.session_get()["version"]


def test_no_secret_is_in_the_plan(daemon: real.Daemon) -> None:
    daemon.begin()
    outcome = daemon.run(LOGIN, login=True)
    shown = json.dumps([outcome.plan.diff(), outcome.stopped_for, outcome.warnings])
    assert real.PASSWORD not in shown
    assert daemon.data["rpc-password"] not in shown
