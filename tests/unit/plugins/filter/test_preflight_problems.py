# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar, trust_as_template
from ansible_collections.household.mediaserver.plugins.filter.boot_cmdline import boot_cmdline
from ansible_collections.household.mediaserver.plugins.filter.preflight_problems import preflight_problems
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.problem import warning, with_text

FACTS = {"os": {"id": "debian", "version_id": "13"}, "architecture": "arm64"}
SPECS: dict[str, dict[str, t.Any]] = {
    "gateway_mtu": {"type": "int", "default": "{{ other }}", "description": "Bytes."},
    "gateway_dns": {"type": "list", "elements": "str", "description": ["Resolvers.", "More."]},
    "gateway_mode": {"type": "str", "choices": ["a", "b"], "description": "Mode."},
    "transmission_password": {"type": "str", "required": True, "no_log": True, "description": "A secret."},
    "transmission_settings": {"type": "dict", "no_log": True, "description": "Secrets."},
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"transmission_password": "long enough", "gateway_mtu": "1420"}, []),
        ({}, ["transmission_password"]),
        ({"transmission_password": "p", "gateway_mtu": "many"}, ["gateway_mtu"]),
        (
            {"gateway_mode": "c", "gateway_dns": {"a": 1}},
            ["gateway_dns", "gateway_mode", "transmission_password"],
        ),
    ],
    ids=["fits", "missing", "malformed", "several"],
)
def test_variables_are_validated_against_their_specs(values: dict[str, t.Any], expected: list[str]) -> None:
    problems = preflight_problems(FACTS, values, SPECS)
    assert [one["variable"] for one in problems] == expected
    assert all(one["text"].startswith(one["variable"] + ": ") and "Remedy: " in one["text"] for one in problems)


def test_text_has_no_markup_and_ends_with_the_remedy() -> None:
    specs = {"gateway_mtu": {"type": "int", "description": ["Bytes; V(0) takes C(x)."]}}
    (problem,) = preflight_problems(FACTS, {"gateway_mtu": "lots"}, specs)
    assert problem["text"] == (
        "gateway_mtu: argument 'gateway_mtu' is of type str, not int. "
        "Remedy: see the documentation of the variable: Bytes; 0 takes x."
    )


def test_invalid_boolean_has_true_or_false_as_remedy() -> None:
    specs = {"gateway_natpmp": {"type": "bool", "description": ["Ask for a port."]}}
    (problem,) = preflight_problems(FACTS, {"gateway_natpmp": "maybe"}, specs)
    assert problem["text"].endswith("is of type str, not bool. Remedy: write true or false.")


def test_text_keeps_a_question_mark() -> None:
    assert with_text(warning("x", "is y meant?", "write y"))["text"] == "x: is y meant? Remedy: write y."


def test_secret_of_the_wrong_type_is_not_shown() -> None:
    (problem,) = preflight_problems(FACTS, {"transmission_password": "p", "transmission_settings": "s3cret"}, SPECS)
    assert problem["variable"] == "transmission_settings"
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("values", [{}, {"transmission_password": None}], ids=["absent", "null"])
def test_missing_required_variable_is_not_set(values: dict[str, t.Any]) -> None:
    (problem,) = preflight_problems(FACTS, values, SPECS)
    assert problem["text"] == (
        "transmission_password: it is not set. Remedy: set it in the inventory's folder host_vars/<host>, which has "
        "exactly the host's name; a password in vault.yml there."
    )


def test_text_in_place_of_a_list_is_shown_as_a_list() -> None:
    specs = {"mediaserver_lan": {"type": "list", "elements": "str", "description": ["IPv4 networks."]}}
    (problem,) = preflight_problems(FACTS, {"mediaserver_lan": "192.168.1.0/24"}, specs)
    assert problem["text"] == (
        "mediaserver_lan: it is of type str, not list. Remedy: write it as a list: mediaserver_lan: [192.168.1.0/24]."
    )


def test_secret_text_in_place_of_a_list_is_not_shown() -> None:
    specs = {"mediaserver_notify": {"type": "list", "elements": "str", "no_log": True, "description": ["Addresses."]}}
    (problem,) = preflight_problems(FACTS, {"mediaserver_notify": "ntfys://family:s3cret@example.org/films"}, specs)
    assert problem["text"].startswith("mediaserver_notify: it is of type str, not list. Remedy: write it as a list")
    assert "s3cret" not in str(problem)


KEY = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
SERVER_KEY = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
PEER = {"host": "203.0.113.7", "port": 51820, "public_key": KEY}
CONF = f"[Interface]\nPrivateKey = {KEY}\nAddress = 10.66.0.2/32\nDNS = 10.66.0.1\n"
CONF += f"[Peer]\nPublicKey = {SERVER_KEY}\nEndpoint = 192.168.1.9:51820\nAllowedIPs = 0.0.0.0/0\n"
FIELDS: dict[str, t.Any] = {
    "gateway_provider_config": "",
    "gateway_endpoints": [PEER],
    "gateway_addresses": ["10.66.0.2/32"],
    "gateway_dns": ["10.66.0.1"],
}


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        (
            {"gateway_provider_config": CONF.replace("PrivateKey", "# "), "gateway_endpoints": []},
            "provider_config",
        ),
        ({"gateway_provider_config": CONF + "PostUp = id\n", "gateway_endpoints": []}, "provider_config"),
        ({"gateway_provider_config": CONF, "gateway_endpoints": []}, "provider_config"),
        ({"gateway_provider_config": CONF.replace("192.168.1.9", "203.0.113.7")}, "provider_config"),
        ({"gateway_endpoints": []}, "provider_config"),
        ({"gateway_private_key": "short"}, "private_key"),
        ({"gateway_addresses": []}, "addresses"),
        ({"gateway_dns": ["dns.example"]}, "dns"),
        ({"gateway_endpoints": [{**PEER, "port": 0}]}, "endpoints"),
        ({"gateway_endpoints": [PEER, {**PEER, "host": "2001:db8::1"}]}, "endpoints[1]"),
        ({"gateway_endpoints": [{**PEER, "host": "192.168.1.9"}]}, "endpoints"),
    ],
    ids=[
        "no key",
        "hook",
        "file's endpoint on the LAN",
        "both",
        "neither",
        "key",
        "address",
        "dns",
        "port",
        "ipv6",
        "endpoint on the LAN",
    ],
)
def test_invalid_tunnel_is_reported_by_its_variable(changes: dict[str, t.Any], variable: str) -> None:
    facts = {**FACTS, "networks": [{"interface": "end0", "cidr": "192.168.1.0/24"}]}
    alone = {"gateway_addresses": [], "gateway_dns": []} if changes.get("gateway_provider_config") else {}
    problems = preflight_problems(facts, {**FIELDS, **alone, **changes})
    assert len(problems) == 1
    assert problems[0]["variable"].startswith("gateway_" + variable)
    assert problems[0]["problem"] and problems[0]["remedy"]


def test_example_without_its_vault_lists_the_missing_variables() -> None:
    folder = Path(__file__).resolve().parents[4] / "inventory" / "example" / "host_vars" / "livingroom"
    given = yaml.safe_load((folder / "main.yml").read_text(encoding="utf-8"))
    place = {"inventory_dir": str(folder.parents[1]), "inventory_hostname": "livingroom"}
    variables = {**place, "provider_file": trust_as_template(given.pop("provider_file"))}
    templar = Templar(loader=DataLoader(), variables=variables)
    secrets = {
        name: templar.template(trust_as_template(value))
        for name, value in given.items()
        if "vault_" in str(value) or "provider_file" in str(value)
    }
    assert set(secrets) == {
        "transmission_password",
        "jackett_admin_password",
        "jellyfin_admin_password",
        "gateway_provider_config",
    }
    problems = preflight_problems(FACTS, {**given, **secrets, "gateway_endpoints": []})
    assert {one["variable"] for one in problems} == set(secrets)
    assert all("set" in one["problem"] and "vault" in one["remedy"] for one in problems)


def test_example_reads_the_provider_file_encrypted_or_not(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[4] / "inventory" / "example" / "host_vars" / "livingroom"
    given = yaml.safe_load((example / "main.yml").read_text(encoding="utf-8"))
    folder = tmp_path / "host_vars" / "livingroom"
    folder.mkdir(parents=True)
    # Content that would be invalid in YAML: tabs, a colon, braces, lines that are not indented.
    text = "\ufeff# tab:\there\r\n# {{ braces }}: yes\r\n" + CONF.replace("\n", "\r\n").rstrip()
    secret = VaultSecret(b"a password of the test")
    loader = DataLoader()
    loader.set_vault_secrets([("default", secret)])
    variables = {"inventory_dir": str(tmp_path), "inventory_hostname": "livingroom"}
    variables |= {"provider_file": trust_as_template(given["provider_file"])}
    for content in (text.encode(), VaultLib([("default", secret)]).encrypt(text)):
        (folder / "provider.conf").write_bytes(content)
        read = Templar(loader=loader, variables=variables).template(trust_as_template(given["gateway_provider_config"]))
        assert read == text


def test_valid_tunnel_has_no_problem() -> None:
    assert preflight_problems(FACTS, FIELDS) == []
    file = {"gateway_provider_config": CONF, "gateway_endpoints": [], "gateway_addresses": [], "gateway_dns": []}
    assert preflight_problems(FACTS, {**FIELDS, **file}) == []


def test_unused_settings_are_notes_with_reasons() -> None:
    text = CONF.replace("DNS =", "MTU = 1380\nListenPort = 51820\nDNS =") + "PersistentKeepalive = off\n"
    file = {"gateway_provider_config": text, "gateway_endpoints": [], "gateway_mtu": 1400, "mediaserver_ipv6": True}
    file["gateway_dns"] = ["10.66.0.9"]
    found = preflight_problems(FACTS, {**FIELDS, **file})
    assert [(one["level"], one["text"].partition(": ")[0], one["problem"].partition(":")[0]) for one in found] == [
        ("note", "gateway_addresses", "it is not used"),
        ("note", "gateway_provider_config, line 5", "ListenPort is not used"),
        ("note", "gateway_provider_config, line 6", "DNS is not used"),
        ("note", "gateway_provider_config, line 4", "MTU is not used"),
        (
            "note",
            "gateway_provider_config, line 11",
            "keepalive is set to 25 s, because without it the LAN's router (NAT) drops the idle tunnel",
        ),
        ("note", "mediaserver_ipv6", "it is on, but the provider gives no IPv6 address"),
    ]
    assert all("Remedy" not in one["text"] for one in found)


def test_all_faults_of_a_file_are_reported_with_the_users_lines() -> None:
    text = "\n\n" + CONF.replace("DNS", "Foo = 1\nDNS").replace("10.66.0.2/32", "10.66.0.256") + "PostUp = id\n"
    text = text.replace(SERVER_KEY, "short")
    file = {"gateway_provider_config": text, "gateway_endpoints": [], "gateway_addresses": [], "gateway_dns": []}
    found = preflight_problems(FACTS, {**FIELDS, **file})
    assert [(one["variable"], one["problem"]) for one in found] == [
        ("gateway_provider_config, line 5", "Address: this is not a valid IP address"),
        ("gateway_provider_config, line 6", "the setting is unknown"),
        ("gateway_provider_config, line 9", "PublicKey: the key is not base64"),
        ("gateway_provider_config, line 12", "PostUp is a command that would run as root on the Pi"),
    ]
    assert all(one["level"] == "problem" and one["remedy"] for one in found)


def test_boot_cmdline_error_names_the_file() -> None:
    assert boot_cmdline("a\n", ["b"]) == "a b\n"
    with pytest.raises(AnsibleFilterError, match=r"cmdline\.txt"):
        boot_cmdline("", ["b"])
