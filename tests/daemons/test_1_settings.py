# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's table of settings, compared with real daemons: names, protocols, forms of values."""

from __future__ import annotations

import json
import time
from typing import Any

import daemon_process
import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue, NotTaken
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.client import version_of
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.file import from_file
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import (
    from_session,
    read_wanted,
)
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.protocol import Bespoke, JsonRpc
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import (
    READ_ONLY,
    SETTINGS,
    TABLE,
)

LIVE = [setting for setting in SETTINGS if setting.rpc]
# Settings whose change makes the RPC unreachable.
ACCESS_SETTINGS = {"rpc-enabled", "rpc-port", "rpc-url"}
# 3.00 writes these only if they are set.
NOT_WRITTEN = {"3.00": {"pidfile", "watch-dir", "watch-dir-enabled", "watch-dir-force-generic"}}
DEFAULTS = {
    "bool": False,
    "int": 8,
    "index": 0,
    "choice": "fast",
    "text": "",
    "password": "",
    "path": "",
    "csv": "",
    "umask": "022",
    "mode": "0750",
}
# A name of the beta that the release has changed.
FORMER = {"preferred_transport"}


def test_version_and_protocol(running_daemon: Any, system: daemon_process.System) -> None:
    _, client = running_daemon
    assert version_of(client.session_get()).startswith(system.version)
    assert isinstance(client.protocol, JsonRpc if system.json_rpc else Bespoke)


def test_session_has_settings_of_table_only(running_daemon: Any, system: daemon_process.System) -> None:
    _, client = running_daemon
    names = client.session_get().keys()
    assert names - READ_ONLY - {"tcp-enabled"} == {setting.name for setting in system.settings("rpc")}


@pytest.mark.parametrize("setting", LIVE, ids=lambda setting: setting.name)
def test_setting_can_be_changed_live(running_daemon: Any, system: daemon_process.System, setting: Any) -> None:
    daemon, client = running_daemon
    if not system.knows(setting):
        with pytest.raises(InvalidValue, match=f"{setting.name} is not known to Transmission {system.version}"):
            daemon.run({setting.name: "utp" if setting.kind == "list" else 1 if setting.kind != "path" else "/x"})
        return
    before = from_session(client.session_get())[setting.name]
    other = daemon_process.another(setting, before)
    assert daemon.run({setting.name: other}).plan.values() == {setting.name: other}
    client.session_set({setting.name: before})
    assert from_session(client.session_get())[setting.name] == before


@pytest.mark.parametrize(("name", "sent"), [("speed-limit-up", "5"), ("peer-limit-global", "70"), ("no-such-name", 1)])
def test_daemon_ignores_unconverted_values(running_daemon: Any, name: str, sent: Any) -> None:
    """The control: without the module's conversion, the daemon changes nothing and reports no error."""
    daemon, client = running_daemon
    before = from_session(client.session_get())
    json_rpc = isinstance(client.protocol, JsonRpc)
    content = json.loads(client.protocol.call("session-set", {}))
    key = TABLE[name].in_json_rpc if json_rpc and name in TABLE else name
    content["params" if json_rpc else "arguments"] = {key: sent}
    body = json.dumps(content).encode()
    reply = client.http.request("POST", client.url, headers=client.headers, body=body, timeout=10)
    assert client.protocol.answer(reply.body) == {}, "the daemon reports an error"
    assert from_session(client.session_get()) == before
    if name in TABLE:
        daemon.run({name: sent})
        assert client.session_get()[name] == int(sent)
        daemon.run({name: before[name]})


def test_file_has_names_of_table(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    daemon.path.unlink()
    daemon.path.write_text(json.dumps({"rpc-port": daemon.port, "port-forwarding-enabled": False}))
    daemon.start()
    daemon.client().wait_for_session(timeout=daemon_process.ANSWER_TIMEOUT_S, clock=time)
    daemon.stop()
    known = {setting.in_file for where in ("rpc", "file") for setting in system.settings(where)}
    assert daemon.data.keys() - FORMER == known - NOT_WRITTEN.get(system.line, set())


def other_file_values(daemon: daemon_process.Daemon, system: daemon_process.System) -> dict[str, Any]:
    """Return another value for each setting that only the file has."""
    wanted = {}
    for setting in system.settings("file"):
        current = from_file(daemon.data, {setting.name: ""}).get(setting.name)
        wanted[setting.name] = daemon_process.another(setting, DEFAULTS[setting.kind] if current is None else current)
    wanted |= {
        "bind-address-ipv4": "127.0.0.2",
        "bind-address-ipv6": "::1",
        "rpc-bind-address": "0.0.0.0",
        "peer-congestion-algorithm": "reno",
        "peer-socket-tos": "lowcost" if system.line == "3.00" else "cs1",
        "pidfile": f"{daemon.inside}/pid",
        "watch-dir": daemon.inside,
    }
    # With preferred-transports, 4.1 derives tcp-enabled from it. User name and password are options of the module.
    left_out = {*ACCESS_SETTINGS, "rpc-username", "rpc-password", *(("tcp-enabled",) if system.json_rpc else ())}
    return {name: value for name, value in wanted.items() if name not in left_out}


def test_file_settings_survive_stop_and_start(daemon: daemon_process.Daemon, system: daemon_process.System) -> None:
    daemon.begin()
    wanted = other_file_values(daemon, system)
    outcome = daemon.four_times(wanted, login=True)
    assert set(outcome.stopped_for) == {*wanted, "rpc-username", "rpc-password"}
    # The daemon writes its values at its end.
    daemon.stop()
    assert from_file(daemon.data, wanted) == read_wanted(wanted)
    for setting in SETTINGS:
        assert len(set(setting.spellings) & daemon.data.keys()) <= 1, "two spellings of one setting"


def test_value_that_daemon_does_not_accept_is_an_error(
    daemon: daemon_process.Daemon, system: daemon_process.System
) -> None:
    daemon.begin()
    if system.json_rpc:
        with pytest.raises(NotTaken, match="tcp-enabled is True instead of False"):
            daemon.run({"tcp-enabled": False})
    else:
        with pytest.raises(NotTaken, match=r"peer-socket-tos is '[a-z0-9]+' instead of 'no such service'"):
            daemon.run({"peer-socket-tos": "no such service"})
    assert daemon.state() == "running"


@pytest.mark.parametrize(("name", "value"), [("rpc-port", 20000), ("rpc-url", "/other/"), ("rpc-enabled", False)])
def test_access_settings_are_changed_while_stopped(daemon: daemon_process.Daemon, name: str, value: Any) -> None:
    assert daemon.four_times({name: value}).daemon == "stopped"
    before = daemon.path.stat().st_ino
    daemon.start()
    deadline = time.monotonic() + daemon_process.ANSWER_TIMEOUT_S
    while daemon.path.stat().st_ino == before and time.monotonic() < deadline:
        time.sleep(0.05)
    daemon.stop()
    assert from_file(daemon.data, {name: ""}) == {name: value}
    assert not daemon.run({name: value}).plan


@pytest.mark.parametrize("stored", [18, "022"])
def test_umask_in_every_form(daemon: daemon_process.Daemon, system: daemon_process.System, stored: Any) -> None:
    if system.line == "3.00":
        stored = 18  # it does not support text
    daemon.begin(umask=stored)
    assert not daemon.run({"umask": "022"}).plan
    daemon.four_times({"umask": "027"})
    daemon.stop()
    assert from_file(daemon.data, {"umask": ""}) == {"umask": "027"}
