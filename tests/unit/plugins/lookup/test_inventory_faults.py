# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The household's files: what is altered on its way is named with its line, an open vault with its path."""

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
def house(tmp_path: Path) -> Path:
    (tmp_path / "host_vars" / "pi").mkdir(parents=True)
    (tmp_path / "group_vars").mkdir()
    return tmp_path


def encrypt(text: str) -> str:
    return VaultLib([("default", SECRET)]).encrypt(text).decode()


def look(house: Path, **variables: t.Any) -> list[dict[str, str]]:
    loader = DataLoader()
    loader.set_vault_secrets([("default", SECRET)])
    known = {"inventory_hostname": "pi", "group_names": ["mediaserver"], **variables}
    return read_household([str(house), str(house)], known, secrets=["gateway_provider_config"], loader=loader)


def write(house: Path, name: str, text: str) -> str:
    path = house / name
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
        ("vault_a_password: 'with {{ braces'", "vault_a_password", "takes for a template"),
        ("vault_a_password: '{{abc}}'", "vault_a_password", "takes for a template"),
        ("vault_a_password: 'a{# b #}c'", "vault_a_password", "takes for a template"),
        ("transmission_password: 'a{% b'", "transmission_password", "takes for a template"),
    ],
)
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_text_that_is_altered_is_named_with_its_line(
    house: Path, line: str, variable: str, words: str, encrypted: bool
) -> None:
    text = f"---\n# a comment\n{line}\n"
    path = write(house, "host_vars/pi/vault.yml", encrypt(text) if encrypted else text)
    (found,) = [one for one in look(house) if one["level"] == "problem"]
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
        "something_of_another_collection: 0123",
        "jellyfin_server_name: 'of {{ inventory_hostname }}'",
    ],
)
def test_what_arrives_as_it_is_written_is_no_problem(house: Path, line: str) -> None:
    write(house, "host_vars/pi/main.yml", encrypt(f"{line}\n"))
    assert look(house) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("host_vars/pi/vault.yml", "vault_transmission_password: 'secret-7531'\n"),
        ("host_vars/pi.yml", "jellyfin_admin_password: 'secret-7531'\n"),
        ("host_vars/pi", "jellyfin_users: [{name: child, password: 'secret-7531'}]\n"),
        ("group_vars/all/secrets.yaml", "transmission_password: 'secret-7531'\n"),
        ("group_vars/mediaserver.yml", "gateway_private_key: 'secret-7531'\n"),
        ("hosts.yml", "mediaserver: {hosts: {pi: {transmission_password: 'secret-7531'}}}\n"),
        ("host_vars/pi/provider.conf", PROVIDER),
        ("host_vars/pi/main.yml", f"gateway_provider_config: |\n  {PROVIDER.replace(chr(10), chr(10) + '  ')}\n"),
    ],
)
def test_secrets_that_were_never_encrypted_are_a_warning(house: Path, name: str, text: str) -> None:
    if name == "host_vars/pi":
        (house / "host_vars" / "pi").rmdir()
    path = write(house, name, text)
    (notice,) = look(house)
    assert (notice["level"], notice["variable"]) == ("warning", path)
    assert f"ansible-vault encrypt {path}" in notice["remedy"]
    assert "7531" not in str(notice)
    write(house, name, encrypt(text))
    assert look(house) == []


def test_single_values_that_are_encrypted_are_none(house: Path) -> None:
    value = encrypt("secret").replace("\n", "\n  ")
    write(house, "host_vars/pi/main.yml", f"transmission_password: !vault |\n  {value}\n")
    assert look(house) == []


def test_files_of_other_hosts_are_not_read(house: Path) -> None:
    write(house, "host_vars/other/vault.yml", "vault_a_password: 0123\n")
    write(house, "group_vars/others.yml", "vault_a_password: 0123\n")
    assert look(house) == []


def test_the_example_and_the_demo_hold_nothing_of_it(tmp_path: Path) -> None:
    for name in ("example", "demo"):
        copy = shutil.copytree(ROOT / "inventory" / name, tmp_path / name)
        assert look(copy, inventory_hostname="livingroom") == []
