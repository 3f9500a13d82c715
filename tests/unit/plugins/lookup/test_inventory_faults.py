# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Altered values in the household's files are reported with their lines, unencrypted secrets with the file's path."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.household.mediaserver.plugins.lookup.inventory_faults import read_household

ROOT = Path(__file__).resolve().parents[4]
SECRET = VaultSecret(b"a password of the test")
PROVIDER = "[Interface]\nPrivateKey = AAAA\n"


@pytest.fixture
def household(tmp_path: Path) -> Path:
    (tmp_path / "host_vars" / "pi").mkdir(parents=True)
    (tmp_path / "group_vars").mkdir()
    return tmp_path


def encrypt(text: str) -> str:
    return VaultLib([("default", SECRET)]).encrypt(text).decode()


def faults(household: Path, **variables: t.Any) -> list[dict[str, str]]:
    loader = DataLoader()
    loader.set_vault_secrets([("default", SECRET)])
    known = {"inventory_hostname": "pi", "group_names": ["mediaserver"], **variables}
    return read_household([str(household), str(household)], known, secrets=["gateway_provider_config"], loader=loader)


def write(household: Path, name: str, text: str) -> str:
    path = household / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("line", "variable", "words"),
    [
        ("vault_transmission_password: 0123456", "vault_transmission_password", "a number"),
        ("vault_transmission_password: on", "vault_transmission_password", "true or false"),
        ("vault_transmission_password: 2001-01-01", "vault_transmission_password", "a date"),
        ("jellyfin_users: [{name: child, password: 0000}]", "jellyfin_users.password", "a number"),
        (
            "transmission_settings: {speed-limit-up: 0500}",
            "transmission_settings.speed-limit-up",
            "0500 as the number 320",
        ),
        (
            "transmission_settings: {alt-speed-time-begin: 9:30}",
            "transmission_settings.alt-speed-time-begin",
            "number 570",
        ),
        ("jackett_settings: {CacheTtl: 0x10}", "jackett_settings.CacheTtl", "number 16"),
        ("vault_a_password: 'with {{ braces'", "vault_a_password", "parses as a template"),
        (
            "mediaserver_extra_services: [{secret_files: {a: 0123}}]",
            "mediaserver_extra_services.secret_files.a",
            "a number",
        ),
        ("vault_a_password: '{{abc}}'", "vault_a_password", "parses as a template"),
        ("vault_a_password: 'a{# b #}c'", "vault_a_password", "parses as a template"),
        ("transmission_password: 'a{% b'", "transmission_password", "parses as a template"),
    ],
)
@pytest.mark.parametrize("encrypted", [True, False])
def test_altered_text_is_reported_with_its_line(
    household: Path, line: str, variable: str, words: str, encrypted: bool
) -> None:
    text = f"---\n# a comment\n{line}\n"
    path = write(household, "host_vars/pi/vault.yml", encrypt(text) if encrypted else text)
    (found,) = [one for one in faults(household) if one["level"] == "problem"]
    assert found["variable"] == variable
    assert words in found["problem"]
    assert f"{path}, line 3" in found["problem"]
    assert "0123456" not in str(found) and "42798" not in str(found)
    assert "quotes" in found["remedy"] or "!unsafe" in found["remedy"]


@pytest.mark.parametrize(
    "line",
    [
        "vault_transmission_password: '0123456'",
        "vault_transmission_password: !unsafe 'with {{ braces'",
        "transmission_password: \"{{ vault_transmission_password | default('') }}\"",
        "gateway_provider_config: \"{{ lookup('ansible.builtin.file', 'x.conf') }}\"",
        "transmission_settings: {speed-limit-up: 500, umask: 002, rpc-socket-mode: 0750}",
        "mediaserver_timezone: Europe/Vienna",
        "mediaserver_extra_services: [{port: 80, secret_files: {a: '{{ vault_a_secret }}'}, environment: {B: '/x'}}]",
        "something_of_another_collection: 0123",
        "jellyfin_server_name: 'of {{ inventory_hostname }}'",
    ],
)
def test_unaltered_value_is_not_reported(household: Path, line: str) -> None:
    write(household, "host_vars/pi/main.yml", encrypt(f"{line}\n"))
    assert faults(household) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("host_vars/pi/vault.yml", "vault_transmission_password: 'secret-7531'\n"),
        ("host_vars/pi.yml", "jellyfin_admin_password: 'secret-7531'\n"),
        ("host_vars/pi", "jellyfin_users: [{name: child, password: 'secret-7531'}]\n"),
        ("host_vars/pi/main.yml", "mediaserver_extra_services: [{secret_files: {a: 'secret-7531'}}]\n"),
        ("group_vars/all/secrets.yaml", "transmission_password: 'secret-7531'\n"),
        ("group_vars/mediaserver.yml", "gateway_private_key: 'secret-7531'\n"),
        ("hosts.yml", "mediaserver: {hosts: {pi: {transmission_password: 'secret-7531'}}}\n"),
        ("host_vars/pi/provider.conf", PROVIDER),
        ("host_vars/pi/main.yml", f"gateway_provider_config: |\n  {PROVIDER.replace(chr(10), chr(10) + '  ')}\n"),
    ],
)
def test_unencrypted_secrets_are_a_warning(household: Path, name: str, text: str) -> None:
    if name == "host_vars/pi":
        (household / "host_vars" / "pi").rmdir()
    path = write(household, name, text)
    (notice,) = faults(household)
    assert (notice["level"], notice["variable"]) == ("warning", path)
    assert f"ansible-vault encrypt {path}" in notice["remedy"]
    assert "7531" not in str(notice)
    write(household, name, encrypt(text))
    assert faults(household) == []


def test_unencrypted_secrets_are_named_once(household: Path) -> None:
    users = "[{name: a, password: 'secret-7531'}, {name: b, password: 'secret-7532'}]"
    write(household, "host_vars/pi/main.yml", f"vault_a: 'secret-7530'\njellyfin_users: {users}\n")
    (notice,) = faults(household)
    assert notice["problem"] == "it contains secrets and is not encrypted (vault_a, jellyfin_users.password)"


def test_encrypted_single_value_is_not_reported(household: Path) -> None:
    value = encrypt("secret").replace("\n", "\n  ")
    write(household, "host_vars/pi/main.yml", f"transmission_password: !vault |\n  {value}\n")
    assert faults(household) == []


def test_files_of_other_hosts_are_ignored(household: Path) -> None:
    write(household, "host_vars/other/vault.yml", "vault_a_password: 0123\n")
    write(household, "group_vars/others.yml", "vault_a_password: 0123\n")
    assert faults(household) == []


def test_example_and_demo_inventories_have_no_faults(tmp_path: Path) -> None:
    for name in ("example", "demo"):
        copy = shutil.copytree(ROOT / "inventory" / name, tmp_path / name)
        assert faults(copy, inventory_hostname="livingroom") == []
