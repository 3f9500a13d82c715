# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role: a run that ends after it has changed the files, and before any restart, is completed by the next run.

The interrupted run ends without another task (``interruption.py``). Each case also shows that the old program still ran
then, because a restart that had happened already would prove nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jellyfin
import playbook
import pytest
from contract import Household, name_of
from drift import EDIT, JOURNAL
from interruption import aborted, aborted_while_stopping, until

ROLE = "household.mediaserver"
KEEPER, MONITOR = "mediaserver-barrier-keeper.service", "vpn-monitor.service"
HOLD = "/run/mediaserver/hold"


def run(inventory: str, **extra: Any) -> playbook.Run:
    result = playbook.run(inventory, *given(extra))
    assert result.ok, result.failures
    return result


def given(extra: dict[str, Any]) -> tuple[str, ...]:
    return ("--extra-vars", json.dumps(extra)) if extra else ()


def show(host: Any, unit: str, name: str) -> str:
    return str(host.check_output(f"systemctl show --property={name} --value {unit}"))


def inspect(host: Any, service: str, what: str) -> str:
    return str(host.check_output(f"docker inspect --format '{{{{{what}}}}}' {name_of(service)}"))


@pytest.fixture(autouse=True, scope="module")
def household_as_before(inventory: str) -> Iterator[None]:
    yield
    run(inventory)
    assert run(inventory).stats["changed"] == 0


def since(unit: str) -> Callable[[Any, Household], str]:
    """Return what tells one start of a service from another."""
    return lambda host, _household: show(host, unit, "ActiveEnterTimestampMonotonic")


def programs(host: Any, _household: Household) -> list[str]:
    return [show(host, unit, "MainPID") for unit in (KEEPER, MONITOR)]


def published_url(host: Any, _household: Household) -> bool:
    return "JELLYFIN_PublishedServerUrl=http://films.example" in inspect(host, "jellyfin", "json .Config.Env")


def unit_timeout(host: Any, _household: Household) -> str:
    return show(host, "mediaserver.service", "TimeoutStartUSec")


@dataclass(frozen=True)
class Case:
    """A change of the host or of the variables, the task before which the run ends, and what shows the new program."""

    before: str
    shows: Callable[[Any, Household], Any]
    change: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    expected: Any = None  # by default: another value than before


# Not the configuration of barrier and tunnel: vpn-monitor itself applies what it finds in these files.
CASES = {
    "host": Case(
        f"{ROLE}.host : Restart journald",
        since("systemd-journald.service"),
        change=f"sed -i s/MaxUse=.*/MaxUse=9G/ {JOURNAL}",
    ),
    "docker": Case(
        f"{ROLE}.docker : List the running containers",
        since("docker.service"),
        change=EDIT + " /etc/docker/daemon.json live-restore true",
    ),
    "runtime": Case(
        f"{ROLE}.gateway : Require the host's programs and packages",
        programs,
        change="echo '# older' >> {root}/lib/mediaserver/journal.py",
    ),
    "stack: a container": Case(
        f"{ROLE}.stack : Make the folder of Jellyfin's cache",
        published_url,
        variables={"jellyfin_published_url": "http://films.example"},
        expected=True,
    ),
    "stack: the unit": Case(
        f"{ROLE}.stack : Make the folder of Jellyfin's cache",
        unit_timeout,
        variables={"stack_start_timeout": 181},
        expected="3min 1s",
    ),
}
# In ``make test``: a service of the system, and a container. test_7_restarts.py has the programs of this collection.
SHORT = ("host", "stack: a container")
PARAMETERS = [pytest.param(name, marks=[] if name in SHORT else pytest.mark.faults) for name in CASES]


@pytest.mark.parametrize("name", PARAMETERS)
def test_next_run_restarts_what_an_interrupted_run_has_changed(
    host: Any, household: Household, inventory: str, name: str
) -> None:
    case = CASES[name]
    extra = case.variables
    before = case.shows(host, household)
    assert before != case.expected, "it is so already; the test proves nothing"
    if case.change:
        host.check_output(case.change.replace("{root}", household["mediaserver_root"]))
    aborted(inventory, *given(extra), before=case.before)
    assert case.shows(host, household) == before, "it was restarted already; the test proves nothing"
    run(inventory, **extra)
    after = case.shows(host, household)
    assert after == case.expected if case.expected is not None else after != before
    if name == "runtime":
        assert all(one != other for one, other in zip(before, after, strict=True)), "only one of two was restarted"
    assert run(inventory, **extra).stats["changed"] == 0
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"


@pytest.mark.faults
def test_next_run_restarts_programs_whose_units_an_interrupted_run_has_changed(host: Any, inventory: str) -> None:
    run(inventory, __gateway_program="older")
    command = "tr '\\0' '\\n' </proc/%s/environ | sed -n 's/^MEDIASERVER_PROGRAM=//p'"

    def digests() -> set[str]:
        return {host.check_output(command % show(host, unit, "MainPID")) for unit in (KEEPER, MONITOR)}

    assert digests() == {"older"}
    aborted(inventory, before=f"{ROLE}.gateway : Load the outer barrier, now and before Docker at every boot")
    assert digests() == {"older"}, "a program was restarted; the test proves nothing"
    run(inventory)
    (program,) = digests()
    assert program not in ("", "older")


# A setting that the service reads only when it starts, with its file and how it is found there.
WHILE_STOPPED = {
    "transmission": (
        {"transmission_settings": {"message-level": 5}},
        *("transmission/settings.json", re.compile(r'"message[-_]level": *5\b')),
    ),
    "jackett": (
        {"jackett_settings": {"CacheTtl": 2000}},
        *("jackett/Jackett/ServerConfig.json", re.compile(r'"CacheTtl": *2000\b')),
    ),
}


@pytest.mark.faults
@pytest.mark.parametrize("service", WHILE_STOPPED)
def test_next_run_starts_a_service_that_an_interrupted_run_has_stopped(
    host: Any, household: Household, inventory: str, service: str
) -> None:
    extra, name, setting = WHILE_STOPPED[service]
    file = f"{household['mediaserver_root']}/config/{name}"
    run(inventory)
    assert not setting.search(host.file(file).content_string)
    aborted_while_stopping(host, inventory, name_of(service), *given(extra))
    until(lambda: inspect(host, service, ".State.Running") == "false", f"{service} is stopped")
    assert not setting.search(host.file(file).content_string), "the run has come further; the test proves nothing"
    run(inventory, **extra)
    assert inspect(host, service, ".State.Running") == "true"
    if service == "transmission":
        # When it ends, it writes the settings that it works with: one that it had not read would be gone.
        host.check_output(f"docker restart {name_of(service)}")
    else:
        started = host.check_output(f"date --date '{inspect(host, service, '.State.StartedAt')}' +%s")
        written = host.check_output(f"stat --format %Y {file}")
        assert int(started) >= int(written), "it was started before its file was written"
    assert setting.search(host.file(file).content_string)
    assert not host.file(HOLD).exists, "vpn-monitor is still paused"


@pytest.mark.faults
def test_next_run_restarts_jellyfin_after_a_setting_that_it_does_not_serve_yet(
    household: Household, inventory: str
) -> None:
    """An interrupted run has written EnableMetrics and not restarted the server, which reads it when it starts."""
    run(inventory)
    token = jellyfin.administrators_token(household)
    settings = jellyfin.ask(household, "/System/Configuration", token=token)[1]
    changed = {**settings, "EnableMetrics": True}
    assert jellyfin.ask(household, "/System/Configuration", token=token, body=changed)[0] == 204
    assert metrics(household) == 404, "it was restarted; the test proves nothing"
    run(inventory, jellyfin_system_settings={"EnableMetrics": True})
    assert metrics(household) == 200


def metrics(household: Household) -> int:
    """Return the status of the page that the server has only when it was started with EnableMetrics."""
    try:
        return jellyfin.ask(household, "/metrics")[0]
    except ValueError:  # the page is not JSON
        return 200
