# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the RPC: passwords and hashes, addresses, host names, and the lock after too many attempts."""

from __future__ import annotations

import json
import time
from typing import Any

import daemon_process
import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import AccessDenied
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.password import (
    hash_password,
    is_hash,
    verify_password,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.plan import DENIED

LOGIN = {"rpc-authentication-required": True}
# The fixed limit of 3.00.
FIXED_THRESHOLD = 100


def begin(daemon: daemon_process.Daemon, password: str = daemon_process.PASSWORD, **more: Any) -> Any:
    names = {
        "rpc-authentication-required": True,
        "rpc-username": daemon_process.USER,
        "rpc-password": hash_password(password),
    }
    return daemon.begin(**{**names, **more})


def reason_of_refusal(daemon: daemon_process.Daemon, **settings: Any) -> str:
    """Start a daemon that refuses access; return the reason."""
    daemon.prepare(**settings)
    daemon.start()
    with pytest.raises(AccessDenied) as caught:
        daemon.client().wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    return caught.value.reason


def denied(client: Any) -> str:
    with pytest.raises(AccessDenied) as caught:
        client.session_get()
    assert daemon_process.PASSWORD not in str(caught.value)
    return caught.value.reason


def test_accepts_modules_hash_and_refuses_other_password(daemon: daemon_process.Daemon) -> None:
    assert begin(daemon).session_get()["version"]
    assert denied(daemon.client(password="wrong")) == "credentials"
    assert denied(daemon.client(username="", password="")) == "credentials"
    assert daemon.run({"speed-limit-up": 5}).plan, "the right password is refused after wrong ones"


def test_daemons_hash_is_recognised_and_kept(daemon: daemon_process.Daemon) -> None:
    """The daemon salts and hashes a plain password at its start."""
    begin(daemon, **{"rpc-password": daemon_process.PASSWORD})
    daemon.stop()
    stored = daemon.data["rpc-password"]
    assert is_hash(stored)
    assert verify_password(daemon_process.PASSWORD, stored)
    assert not verify_password("wrong", stored)
    assert not daemon.run(LOGIN, login=True).plan
    assert daemon.data["rpc-password"] == stored
    daemon.run({"umask": "027"}, login=True)
    assert daemon.data["rpc-password"] == stored


def test_unknown_password_is_replaced(daemon: daemon_process.Daemon) -> None:
    stored = {"rpc-username": daemon_process.USER, "rpc-password": hash_password("another")}
    assert reason_of_refusal(daemon, **LOGIN, **stored) == "credentials"
    assert set(daemon.four_times(LOGIN, login=True).stopped_for) == {"rpc-password"}
    assert daemon.client().session_get()["version"]
    assert daemon_process.PASSWORD.encode() not in daemon.path.read_bytes()
    with pytest.raises(AccessDenied):
        daemon.run({"speed-limit-up": 3}, client=daemon.client(password="wrong"))


def test_address_that_is_not_listed(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    reason = reason_of_refusal(daemon, **{"rpc-whitelist": "10.9.8.7", "rpc-whitelist-enabled": True})
    assert reason == ("whitelist" if system.line == "3.00" else "forbidden")
    process = daemon.process
    with pytest.raises(AccessDenied, match="rpc-whitelist does not list"):
        daemon.run({"umask": "027"})
    assert daemon.process is process, "it was restarted, which cannot help"
    assert "rpc-whitelist" in daemon.four_times({"rpc-whitelist": "127.0.0.1, ::1"}).stopped_for


def test_host_name_that_is_not_listed(daemon: daemon_process.Daemon) -> None:
    daemon.begin(**{"rpc-host-whitelist": "tv.example", "rpc-host-whitelist-enabled": True})
    client = daemon.client(username="", password="")
    client.headers["Host"] = "elsewhere.example"
    assert denied(client) == "host"
    client.headers["Host"] = "tv.example"
    assert client.session_get()["version"]


def test_restart_ends_lock_after_too_many_attempts(
    daemon: daemon_process.Daemon, system: daemon_process.System
) -> None:
    old = system.line == "3.00"
    threshold, reason = (FIXED_THRESHOLD, "locked") if old else (2, "forbidden")
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    client = daemon.client(password="wrong")
    reasons = [denied(client) for _ in range(threshold + 2)]
    assert (reasons[0], reasons[-1]) == ("credentials", reason)
    with pytest.raises(AccessDenied, match=r"too many wrong passwords have locked .* for all clients.* restarted"):
        daemon.client().session_get()
    assert daemon.four_times(LOGIN, login=True).stopped_for == [DENIED[reason]]
    assert daemon.client().session_get()["version"]


def status(daemon: daemon_process.Daemon, method: str, path: str = "rpc", **headers: str) -> int:
    """Return the status of a request without password."""
    url = f"http://127.0.0.1:{daemon.port}/transmission/{path}"
    return int(daemon.client().http.request(method, url, headers=headers, body=None, timeout=10).status)


def test_missing_password_counts_as_attempt_but_options_does_not(
    daemon: daemon_process.Daemon, system: daemon_process.System
) -> None:
    """The reason why the health check sends OPTIONS only."""
    old = system.line == "3.00"
    threshold = FIXED_THRESHOLD if old else 2
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    # 3.00 does not support OPTIONS; 501 proves that it runs, too.
    assert {status(daemon, "OPTIONS") for _ in range(threshold + 2)} == {501 if old else 200}
    assert daemon.client().session_get()["version"]
    assert [status(daemon, "GET") for _ in range(threshold + 2)][-1] == 403
    assert daemon.process is not None
    assert daemon.process.poll() is None, "the daemon has ended"


def test_right_password_resets_counter(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    old = system.line == "3.00"
    threshold = FIXED_THRESHOLD if old else 2
    begin(daemon, **({} if old else {"anti-brute-force-enabled": True, "anti-brute-force-threshold": threshold}))
    for _ in range(3):
        assert {status(daemon, "GET") for _ in range(threshold - 1)} == {401}
        assert daemon.client().session_get()["version"]


def test_order_of_checks(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    begin(daemon)
    assert status(daemon, "GET", "web/") == 401, "the web interface needs no password"
    unlisted = {"rpc-whitelist": "10.9.8.7", "rpc-whitelist-enabled": True}
    assert reason_of_refusal(daemon, **LOGIN, **unlisted) in ("whitelist", "forbidden")
    assert status(daemon, "GET", "web/") == 403, "the password is checked before the address"
    assert status(daemon, "OPTIONS") == (501 if system.line == "3.00" else 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "tv.example", "elsewhere.example"])
@pytest.mark.parametrize("password", [True, False])
def test_host_names_are_checked_only_without_password(daemon: daemon_process.Daemon, host: str, password: bool) -> None:
    names = {"rpc-host-whitelist": "tv.example", "rpc-host-whitelist-enabled": True}
    client = begin(daemon, **names) if password else daemon.begin(**names)
    client.headers["Host"] = host
    if host == "elsewhere.example" and not password:
        assert denied(client) == "host"
    else:
        assert client.session_get()["version"]


def test_plan_has_no_secret(daemon: daemon_process.Daemon) -> None:
    daemon.begin()
    outcome = daemon.run(LOGIN, login=True)
    shown = json.dumps([outcome.plan.diff(), outcome.stopped_for, outcome.warnings])
    assert daemon_process.PASSWORD not in shown
    assert daemon.data["rpc-password"] not in shown
