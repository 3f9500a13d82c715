# SPDX-License-Identifier: GPL-3.0-or-later
"""When the role jellyfin completes the first-run wizard, and which of its variables it configures afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
KEY = "/opt/mediaserver/secrets/jellyfin.key"
SYSTEM = "/opt/mediaserver/config/jellyfin/config/system.xml"
CLAIM = "/opt/mediaserver/config/jellyfin-claim.cid"


def loaded(path: str) -> Any:
    return DataLoader().load_from_file(str(ROLES / path), trusted_as_template=True)


def rendered(template: str, **variables: Any) -> Any:
    """Render a template with the variables of the role."""
    files = ("mediaserver/defaults", "mediaserver/vars", "jellyfin/defaults", "jellyfin/vars")
    known: dict[str, Any] = {"inventory_hostname": "livingroom"}
    for file in files:
        known |= loaded(f"{file}/main.yml")
    return Templar(loader=DataLoader(), variables={**known, **variables}).template(trust_as_template(template))


def value(expression: str, **variables: Any) -> Any:
    """Evaluate an expression of the role."""
    return rendered(f"{{{{ {expression} }}}}", **variables)


def completed(*existing: str) -> Any:
    return value("__jellyfin_wizard_completed", ansible_facts={"mediaserver_host": {"existing": list(existing)}})


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ((KEY, SYSTEM), True),
        ((), False),
        ((KEY,), False),
        ((SYSTEM,), False),
        # A run was interrupted during the wizard: its container may still use the database.
        ((KEY, SYSTEM, CLAIM), False),
    ],
)
def test_the_wizard_is_completed_when_key_and_settings_exist_and_no_container_runs_it(
    existing: tuple[str, ...], expected: bool
) -> None:
    assert completed(*existing) is expected


def test_without_a_measurement_the_wizard_does_not_run() -> None:
    with pytest.raises(AnsibleError):
        value("__jellyfin_wizard_completed", ansible_facts={})


@pytest.mark.parametrize("file", ["first_run.yml", "main.yml"])
def test_the_host_is_measured_first(file: str) -> None:
    """Without a measurement the role cannot tell a new server from an existing one."""
    names = [task.get("ansible.builtin.import_role", {}).get("tasks_from") for task in loaded(f"jellyfin/tasks/{file}")]
    assert names[:3] == [None, "measured.yml", "require_stack.yml"]


@pytest.mark.parametrize(("compose", "installs"), [(True, False), (False, True), (False, False)])
def test_a_host_without_the_compose_project_is_refused_by_name(compose: bool, installs: bool) -> None:
    (refuse,) = loaded("mediaserver/tasks/require_stack.yml")
    facts = {"mediaserver_host": {"existing": ["/opt/mediaserver/compose.yml"] if compose else []}}
    known = {"ansible_facts": facts, **({"__stack_files": {}} if installs else {})}
    assert all(value(condition, **known) for condition in refuse["when"]) is not (compose or installs)
    said = rendered(refuse["ansible.builtin.fail"]["msg"], **known)
    assert said.startswith("/opt/mediaserver/compose.yml is missing on livingroom. ")


def test_the_files_that_the_role_checks_are_measured() -> None:
    (task,) = loaded("preflight/tasks/measure.yml")
    shared = {name: loaded("mediaserver/vars/main.yml")[name] for name in ("__mediaserver_overrides",)}
    places = {"mediaserver_data": "/mnt", "mediaserver_downloads": "/mnt/downloads", "mediaserver_state": "/state"}
    given = {"mediaserver_root": "/opt/mediaserver", **places, **shared}
    probe = Templar(loader=DataLoader(), variables=given).template(task["household.mediaserver.host_info"]["probe"])
    assert {KEY, SYSTEM, CLAIM} <= set(probe)
    assert value("[__jellyfin_first_run_file] + __jellyfin_proofs") == [CLAIM, KEY, SYSTEM]


def steps(tasks: list[dict[str, Any]]) -> list[str]:
    """Return the commands and removals of the wizard's tasks, in their order."""
    found = []
    for task in tasks:
        for part in ("block", "always"):
            found += steps(task.get(part, []))
        argv = task.get("ansible.builtin.command", {}).get("argv", "")
        found += [str(argv)] if argv else []
        found += ["remove id"] if task.get("ansible.builtin.file", {}).get("state") == "absent" else []
    return found


def test_a_running_jellyfin_has_time_to_close_its_database_and_its_id_is_removed_last() -> None:
    found = steps(loaded("jellyfin/tasks/wizard.yml"))
    assert found[0].startswith("{{ ['docker', 'ps', '--all'")
    assert found[1].startswith("['cat'")
    assert found[2] == "{{ ['docker', 'stop', '--time', '60'] + __jellyfin_users }}"
    assert found[3] == "{{ ['docker', 'rm', '--force'] + __jellyfin_users }}"
    assert found[4] == "remove id"
    assert "'--cidfile', __jellyfin_first_run_file" in found[5]
    assert found[-1] == "remove id"
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
def test_stops_and_removes_only_containers_of_this_collection(
    listed: list[str], file: list[str], expected: list[str]
) -> None:
    (block,) = (task for task in loaded("jellyfin/tasks/wizard.yml") if "__jellyfin_users" in task.get("vars", {}))
    expression = block["vars"]["__jellyfin_users"].strip("{} ")
    given = {"__jellyfin_listed": {"stdout_lines": listed}, "__jellyfin_interrupted": {"stdout_lines": file}}
    assert sorted(value(expression, **given)) == expected


def test_the_container_of_the_wizard_is_found_by_labels_and_is_no_service_of_the_stack() -> None:
    labels = dict(label.split("=") for label in value("__jellyfin_first_run_labels"))
    assert labels == {
        "com.docker.compose.project": "mediaserver-claim",
        "com.docker.compose.service": "jellyfin",
        "com.docker.compose.oneoff": "False",
    }
    (task,) = (one for one in loaded("jellyfin/tasks/wizard.yml") if one.get("register") == "__jellyfin_started")
    assert (
        "__jellyfin_first_run_labels | map('regex_replace', '^', '--label=')" in task["ansible.builtin.command"]["argv"]
    )


@pytest.mark.parametrize("wanted", [True, False])
def test_remote_access_is_configured_after_the_wizard_too(wanted: bool) -> None:
    (block,) = loaded("jellyfin/tasks/settings.yml")
    (settings,) = (task for task in block["block"] if "household.mediaserver.jellyfin_settings" in task)
    expression = settings["household.mediaserver.jellyfin_settings"]["network"].strip("{} ")
    network = value(expression.replace("\n", " "), jellyfin_remote_access=wanted)
    # HTTPS is switched off when its port is no longer published.
    assert network == {"EnableUPnP": False, "EnableRemoteAccess": wanted, "EnableHttps": False}


def test_https_has_its_certificate_and_the_log_does_not_show_its_password() -> None:
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
