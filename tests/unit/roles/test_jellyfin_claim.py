# SPDX-License-Identifier: GPL-3.0-or-later
"""When the role jellyfin goes through the wizard again, and what of its variables it keeps afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
KEY = "/opt/mediaserver/secrets/jellyfin.key"
SYSTEM = "/opt/mediaserver/config/jellyfin/config/system.xml"
CLAIM = "/opt/mediaserver/config/jellyfin-claim.cid"


def loaded(path: str) -> Any:
    return DataLoader().load_from_file(str(ROLES / path), trusted_as_template=True)


def value(expression: str, **variables: Any) -> Any:
    """What an expression of the role's becomes."""
    files = ("mediaserver/defaults", "mediaserver/vars", "jellyfin/defaults", "jellyfin/vars")
    known: dict[str, Any] = {"inventory_hostname": "livingroom"}
    for file in files:
        known |= loaded(f"{file}/main.yml")
    templar = Templar(loader=DataLoader(), variables={**known, **variables})
    return templar.template(trust_as_template(f"{{{{ {expression} }}}}"))


def claimed(*existing: str) -> Any:
    return value("__jellyfin_claimed", ansible_facts={"mediaserver_host": {"existing": list(existing)}})


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ((KEY, SYSTEM), True),
        ((), False),
        ((KEY,), False),
        ((SYSTEM,), False),
        # A run was cut off while the server was claimed: its container may still work on the database.
        ((KEY, SYSTEM, CLAIM), False),
    ],
)
def test_it_is_claimed_when_everything_is_there_and_nobody_is_at_it(existing: tuple[str, ...], expected: bool) -> None:
    assert claimed(*existing) is expected


def test_where_nothing_was_measured_nothing_is_claimed_again() -> None:
    assert value("__jellyfin_claimed", ansible_facts={}) is True


def test_what_the_role_looks_for_is_measured() -> None:
    (task,) = loaded("preflight/tasks/measure.yml")
    probe = Templar(loader=DataLoader(), variables={"mediaserver_root": "/opt/mediaserver"}).template(
        task["household.mediaserver.host_info"]["probe"]
    )
    assert {KEY, SYSTEM, CLAIM} <= set(probe)
    assert value("[__jellyfin_claim_file] + __jellyfin_proofs") == [CLAIM, KEY, SYSTEM]


def steps(tasks: list[dict[str, Any]]) -> list[str]:
    """The tasks of the wizard as the words that matter, in their order."""
    found = []
    for task in tasks:
        for part in ("block", "always"):
            found += steps(task.get(part, []))
        argv = task.get("ansible.builtin.command", {}).get("argv", "")
        found += [str(argv)] if argv else []
        found += ["forget"] if task.get("ansible.builtin.file", {}).get("state") == "absent" else []
    return found


def test_a_jellyfin_that_runs_has_time_to_close_its_database_and_the_mark_goes_last() -> None:
    found = steps(loaded("jellyfin/tasks/wizard.yml"))
    assert found[0].startswith("{{ ['docker', 'ps', '--all'")
    assert found[1].startswith("['cat'")
    assert found[2] == "{{ ['docker', 'stop', '--time', '60'] + __jellyfin_users }}"
    assert found[3] == "{{ ['docker', 'rm', '--force'] + __jellyfin_users }}"
    assert found[4] == "forget"
    assert "'--cidfile', __jellyfin_claim_file" in found[5]
    assert found[-1] == "forget"
    assert found[-2] == "['docker', 'rm', '{{ __jellyfin_started.stdout }}']"


OURS, CLAIM_OF_OURS, CUT_OFF, FOREIGN, NAMELESS = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)


@pytest.mark.parametrize(
    ("listed", "file", "expected"),
    [
        ([], [], []),
        ([f"{OURS} mediaserver"], [], [OURS]),
        ([f"{CLAIM_OF_OURS} mediaserver-claim", f"{OURS} mediaserver"], [], [OURS, CLAIM_OF_OURS]),
        # A container of an earlier version, which gave it no labels.
        ([], [CUT_OFF], [CUT_OFF]),
        ([f"{CLAIM_OF_OURS} mediaserver-claim"], [CLAIM_OF_OURS], [CLAIM_OF_OURS]),
        # A user's own Jellyfin, of a compose project or of none.
        ([f"{FOREIGN} tv", f"{NAMELESS} ", f"{OURS} mediaserver"], [], [OURS]),
        ([f"{FOREIGN} mediaserver2", f"{FOREIGN} my-mediaserver"], ["--all", "", "jellyfin"], []),
    ],
)
def test_only_our_own_containers_are_stopped_and_removed(
    listed: list[str], file: list[str], expected: list[str]
) -> None:
    (block,) = (task for task in loaded("jellyfin/tasks/wizard.yml") if "__jellyfin_users" in task.get("vars", {}))
    expression = block["vars"]["__jellyfin_users"].strip("{} ")
    given = {"__jellyfin_listed": {"stdout_lines": listed}, "__jellyfin_cut_off": {"stdout_lines": file}}
    assert sorted(value(expression, **given)) == expected


def test_the_container_of_the_wizard_is_found_by_labels_and_is_no_service_of_the_stack() -> None:
    labels = dict(label.split("=") for label in value("__jellyfin_claim_labels"))
    assert labels == {
        "com.docker.compose.project": "mediaserver-claim",
        "com.docker.compose.service": "jellyfin",
        "com.docker.compose.oneoff": "False",
    }
    (task,) = (one for one in loaded("jellyfin/tasks/wizard.yml") if one.get("register") == "__jellyfin_started")
    assert "__jellyfin_claim_labels | map('regex_replace', '^', '--label=')" in task["ansible.builtin.command"]["argv"]


@pytest.mark.parametrize("wanted", [True, False])
def test_remote_access_is_kept_after_the_wizard_too(wanted: bool) -> None:
    (block,) = loaded("jellyfin/tasks/settings.yml")
    (settings,) = (task for task in block["block"] if "household.mediaserver.jellyfin_settings" in task)
    expression = settings["household.mediaserver.jellyfin_settings"]["network"].strip("{} ")
    network = value(expression.replace("\n", " "), jellyfin_remote_access=wanted)
    # Nor does HTTPS stay on when the port is not published any more.
    assert network == {"EnableUPnP": False, "EnableRemoteAccess": wanted, "EnableHttps": False}


def test_https_gets_its_certificate_and_its_password_stays_out_of_the_log() -> None:
    https = {
        "jellyfin_https_port": "8920",
        "jellyfin_https_certificate_password": "certificate-Pass-9",
        "__jellyfin_certificate": {"stat": {"exists": True, "checksum": "0123456789abcdef" * 4}},
    }
    network = value("jellyfin_default_network_settings | combine(__jellyfin_named_network_settings)", **https)
    assert network == {
        "EnableUPnP": False,
        "EnableRemoteAccess": False,
        "EnableHttps": True,
        "CertificatePath": "/config/https-0123456789abcdef.pfx",
        "CertificatePassword": "certificate-Pass-9",
        "PublicHttpsPort": 8920,
    }
    installed = loaded("jellyfin/tasks/https.yml")[-1]["ansible.builtin.copy"]["dest"]
    assert installed == "{{ __jellyfin_config }}/https-{{ __jellyfin_certificate.stat.checksum[:16] }}.pfx"
    # The task's own rule.
    assert value("__jellyfin_own_settings | to_json is search(__jellyfin_secret_name)", **https) is True
    assert value("__jellyfin_own_settings | to_json is search(__jellyfin_secret_name)") is False
