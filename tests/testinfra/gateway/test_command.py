# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``mediaserver``: every account has it, and it says what is true of this host."""

from __future__ import annotations

import json
import sys
from typing import Any

import jsonschema
import pytest
from contract import ROOT, Containers, Household

sys.path.append(str(ROOT / "roles" / "runtime" / "files" / "lib"))

from mediaserver.command.subcommands import SUBCOMMANDS

pytestmark = pytest.mark.evidence(units=["vpn-monitor.service", "mediaserver.service"])
# An account without any right.
AS_DAEMON = "runuser -u daemon -- "
COMPLETION = "/usr/local/share/bash-completion/completions/mediaserver"


def answer(host: Any, subcommand: str, *, prefix: str = "", codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Return what a subcommand prints as JSON, which must match its schema."""
    done = host.run(f"{prefix}mediaserver {subcommand} --json")
    assert (done.rc in codes, done.stderr) == (True, ""), done
    found: dict[str, Any] = json.loads(done.stdout)
    (schema,) = (dict(one.SCHEMA) for one in SUBCOMMANDS if subcommand.split(maxsplit=1)[0] == one.NAME)
    jsonschema.validate(found, schema)
    return found


def of_the_lab(attention: list[str]) -> list[str]:
    """Leave out what is true of a simulated Pi: it has the clock of its host, and perhaps no time server."""
    return [text for text in attention if not text.startswith("clock: ")]


def test_status_needs_no_rights(host: Any) -> None:
    # What the last health check has found may be minutes old.
    assert host.run("mediaserver health --quiet").rc in (0, 3)
    found = answer(host, "status", prefix=AS_DAEMON, codes=(0, 3))
    assert (found["bypass"]["answer"], found["tunnel"]["state"]) == ("no", "online")
    assert found["services"]["running"]
    assert of_the_lab(found["attention"]) == []


def test_status_agrees_with_the_monitor_s_file(host: Any) -> None:
    told = json.loads(host.check_output("cat /run/mediaserver/vpn.json"))
    tunnel = answer(host, "status", codes=(0, 3))["tunnel"]
    assert (tunnel["state"], tunnel["peer"], tunnel["problems"]) == (told["state"], told["peer"], told["problems"])


def test_status_measures_the_data(host: Any, household: Household) -> None:
    data = answer(host, "status", prefix=AS_DAEMON, codes=(0, 3))["disk"][0]
    total = host.check_output(f"stat --file-system --format '%b %S' {household['mediaserver_data']}").split()
    assert (data["path"], data["total"]) == (household["mediaserver_data"], int(total[0]) * int(total[1]))


def test_doctor_finds_no_fault(host: Any) -> None:
    found = answer(host, "doctor", codes=(0, 3))
    # A simulated Pi has the clock of its host, and perhaps no time server.
    faults = {one["check"]: one["text"] for one in found["checks"] if one["result"] != "ok"}
    assert {name: text for name, text in faults.items() if name != "clock"} == {}


def test_version_names_the_image_of_every_container(host: Any, containers: Containers, household: Household) -> None:
    found = answer(host, "version")
    images = {one["service"]: one["id"] for one in found["images"]}
    assert images == {name: containers[name]["Image"] for name in household.services}
    assert answer(host, "version", prefix=AS_DAEMON) == {"version": found["version"], "images": None}


@pytest.mark.parametrize("name", ["vpn", "vpn-monitor"])
def test_logs_are_shown(host: Any, name: str) -> None:
    assert answer(host, f"logs {name} --lines 3")["lines"]


@pytest.mark.parametrize("subcommand", ["verify", "doctor --notify-test", "logs vpn", "import", "space", "remove x"])
def test_what_needs_root_says_so_in_one_line(host: Any, subcommand: str) -> None:
    done = host.run(f"{AS_DAEMON}mediaserver {subcommand}")
    assert (done.rc, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "sudo" in done.stderr


def test_bash_completes_it(host: Any) -> None:
    done = host.check_output(f"bash -c '. {COMPLETION}; COMP_WORDS=(mediaserver st) COMP_CWORD=1 _mediaserver;"
                             ' echo "${COMPREPLY[@]}"\'')  # fmt: skip
    assert done == "status"


def test_addresses_of_notifications_are_for_root_only(host: Any, household: Household) -> None:
    file = host.file(f"{household['mediaserver_root']}/secrets/notify.json")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)
    assert json.loads(file.content_string)["urls"] == household["mediaserver_notify"]
    assert host.run(f"{AS_DAEMON}cat {file.path}").rc != 0


def test_messages_wait_in_a_folder_of_the_account(host: Any, household: Household) -> None:
    """Also in a household without the import."""
    folder = host.file(f"{household['mediaserver_state']}/notify")
    account = household["mediaserver_uid"], household["mediaserver_gid"]
    assert (folder.uid, folder.gid, oct(folder.mode)) == (*account, "0o700")
