# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role runtime writes for the command: its start in the PATH, its settings, and the addresses of messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.household.mediaserver.plugins.module_utils._preflight import ownership

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "roles" / "runtime" / "files" / "lib"))

from mediaserver.notify.settings import CREDENTIAL, FILE, OUTBOX

ROLES = Path(__file__).resolve().parents[3] / "roles"
SECRET = "ntfys://ntfy.example.org/s3cr3t"


def render(text: str, **given: Any) -> Any:
    known = DataLoader().load_from_file(str(ROLES / "runtime/vars/main.yml"), trusted_as_template=True)
    shared = DataLoader().load_from_file(str(ROLES / "mediaserver/defaults/main.yml"), trusted_as_template=True)
    variables = {"role_path": str(ROLES / "runtime"), **shared, **known, **given}
    return Templar(DataLoader(), variables=variables).template(trust_as_template(text))


def gateway_defaults() -> dict[str, Any]:
    return dict(yaml.safe_load((ROLES / "gateway/defaults/main.yml").read_text(encoding="utf-8")))


def test_the_command_has_the_household_s_values() -> None:
    found = render(
        "{{ __runtime_command_settings }}",
        gateway_address_page="http://page.example/",
        gateway_verify_target="198.51.100.7",
        mediaserver_data="/mnt/disk",
        mediaserver_state="/var/lib/state",
    )
    assert found == {
        **{"address_page": "http://page.example/", "verify_target": "198.51.100.7"},
        **{"data": "/mnt/disk", "state": "/var/lib/state"},
    }


def test_in_a_play_without_the_role_gateway_its_defaults_are_meant() -> None:
    found, meant = render("{{ __runtime_command_settings }}"), gateway_defaults()
    assert found["address_page"] == meant["gateway_address_page"]
    assert found["verify_target"] == meant["gateway_verify_target"]


@pytest.mark.parametrize("urls", [[], [SECRET]])
def test_the_addresses_of_messages_are_a_secret_of_root(urls: list[str]) -> None:
    found = render("{{ __runtime_notify_secrets }}", mediaserver_notify=urls, mediaserver_notify_titles=True)
    assert list(found) == ["/opt/mediaserver/secrets/notify.json"]
    assert json.loads(found["/opt/mediaserver/secrets/notify.json"]) == {"urls": urls, "titles": True}
    entries = render("{{ __runtime_notify_files }}", mediaserver_notify=urls)
    assert [(one["path"], one["mode"]) for one in entries] == [
        ("/opt/mediaserver/secrets", "0700"),
        ("/opt/mediaserver/secrets/notify.json", "0600"),
        ("/var/lib/mediaserver", "0755"),
        ("/var/lib/mediaserver/notify", "0700"),
    ]
    # What is sent lies where the account of the import writes, also in a household without the import.
    assert entries[3]["owner"] == 2000
    assert OUTBOX.parts == ("notify", "outbox.json")
    assert "s3cr3t" not in str(entries)


def test_the_import_gets_the_addresses_as_a_credential() -> None:
    """It runs as an account that cannot read them."""
    unit = (ROLES / "upkeep/templates/mediaserver-import.service.j2").read_text(encoding="utf-8")
    (path,) = render("{{ __runtime_notify_secrets }}")
    line = f"LoadCredential={CREDENTIAL}:{{{{ mediaserver_root }}}}/secrets/notify.json"
    assert line in unit.splitlines()
    assert path.removeprefix("/opt/mediaserver/") == str(FILE)


@pytest.mark.parametrize("folder", ["project", "a folder's name"])
def test_the_start_in_the_path_passes_arguments_and_exit_code(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    (root / "scripts").mkdir(parents=True)
    program = root / "scripts" / "mediaserver"
    program.write_text('#!/bin/sh\nprintf "<%s>" "$0" "$@"\nexit 3\n')
    program.chmod(0o755)
    start = tmp_path / "start"
    template = (ROLES / "runtime/templates/mediaserver.sh.j2").read_text(encoding="utf-8")
    start.write_text(str(render(template, mediaserver_root=str(root))))
    assert "household.mediaserver" in start.read_text(), "preflight would take it for another program's file"
    done = subprocess.run(["sh", str(start), "a b", "*"], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"<{program}><a b><*>", "")


def test_an_interrupted_installation_is_recognised_from_its_first_folder_on() -> None:
    """Else preflight would refuse the project folder as another program's."""
    paths = [one["path"] for one in render("{{ __runtime_folders }}")]
    for length in range(2, len(paths) + 1):
        entries = [path.rpartition("/")[2] for path in paths[1:length]]
        facts = {"folder_entries": {"/opt/mediaserver": {"entries": entries}}}
        assert ownership.is_installed(facts, {"mediaserver_root": "/opt/mediaserver"})
    facts = {"folder_entries": {"/opt/mediaserver": {"entries": ["lib", "scripts"]}}}
    assert not ownership.is_installed(facts, {"mediaserver_root": "/opt/mediaserver"}), "the control"


def test_preflight_claims_each_file_outside_of_the_project() -> None:
    marked = (ROLES / "preflight/vars/main.yml").read_text(encoding="utf-8")
    for name in ("__runtime_command", "__runtime_completion"):
        assert f"'{render('{{ ' + name + ' }}')}'" in marked
