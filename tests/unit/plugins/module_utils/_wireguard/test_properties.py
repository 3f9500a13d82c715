# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of every provider's configuration: the normal form is stable, and no error shows a secret."""

from __future__ import annotations

import base64
import traceback
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.config import (
    from_conf,
    from_fields,
)
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.draft import ConfigurationError
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    MINIMAL,
    PRESHARED,
    PRIVATE,
)
from hypothesis import given
from hypothesis import strategies as st

keys = st.binary(min_size=32, max_size=32).filter(any).map(lambda raw: base64.b64encode(raw).decode())
labels = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
hosts = st.one_of(
    st.lists(labels, min_size=1, max_size=3).map(lambda parts: ".".join([*parts, "example"])),
    st.integers(1, 254).map(lambda number: f"198.18.0.{number}"),
)
tunnel_addresses = st.integers(1, 250).map(lambda number: f"10.66.0.{number}/32")
peers = st.fixed_dictionaries(
    {
        "public_key": keys,
        "preshared_key": st.none() | keys,
        "host": hosts,
        "port": st.integers(1, 65535),
        "allowed_ips": st.sampled_from([["0.0.0.0/0"], ["0.0.0.0/0", "::/0"]]),
        "keepalive": st.integers(1, 65535),
    }
)
configurations = st.fixed_dictionaries(
    {
        "private_key": keys,
        "addresses": st.lists(tunnel_addresses, min_size=1, max_size=3, unique=True),
        "dns": st.lists(
            st.integers(1, 250).map(lambda number: f"10.67.0.{number}"), min_size=1, max_size=3, unique=True
        ),
        "mtu": st.none() | st.integers(1280, 1500),
        "peers": st.lists(peers, min_size=1, max_size=4, unique_by=lambda peer: (peer["host"], peer["port"])),
        "notes": st.just([]),
    }
)


def render(config: dict[str, Any]) -> str:
    """Return a normal form as a provider's file."""
    lines = [
        "[Interface]",
        f"PrivateKey = {config['private_key']}",
        f"Address = {', '.join(config['addresses'])}",
    ]
    lines += [f"DNS = {', '.join(config['dns'])}"] + ([f"MTU = {config['mtu']}"] if config["mtu"] else [])
    for peer in config["peers"]:
        lines += ["", "[Peer]", f"PublicKey = {peer['public_key']}"]
        lines += [f"PresharedKey = {peer['preshared_key']}"] if peer["preshared_key"] else []
        lines += [
            f"AllowedIPs = {', '.join(peer['allowed_ips'])}",
            f"Endpoint = {peer['host']}:{peer['port']}",
        ]
        lines += [f"PersistentKeepalive = {peer['keepalive']}"]
    return "\n".join(lines) + "\n"


@given(configurations)
def test_normal_form_survives_rendering_and_parsing(config: dict[str, Any]) -> None:
    assert from_conf(render(config), ipv6=True) == config


def shown(error: ConfigurationError) -> str:
    """Return every text that a user or a log may contain of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


def assert_secret_free(text: str) -> None:
    try:
        notes = from_conf(text)["notes"]
    except ConfigurationError as error:
        notes = [shown(error)]
    for secret in (PRIVATE, PRESHARED):
        # No part of the secret either; each sample key is a run of one pattern.
        assert not any(secret[8:20] in note for note in notes)


whole = MINIMAL + f"PresharedKey = {PRESHARED}\n"
noise = st.sampled_from(["\n", "=", " ", "#", "[", "]", ":", "/", ",", "x", "\0", "PostUp", "[Peer]", "DNS", "%"])


@given(st.lists(st.tuples(st.integers(0, len(whole)), st.integers(0, 12), noise), max_size=6))
def test_no_error_shows_a_secret_of_a_damaged_file(damages: list[tuple[int, int, str]]) -> None:
    text = whole
    for position, length, insert in damages:
        text = text[:position] + insert + text[position + length :]
    assert_secret_free(text)


@given(st.permutations(whole.splitlines()), st.sampled_from(["PrivateKey = ", "PresharedKey = ", "PublicKey = "]))
def test_no_error_shows_a_secret_of_a_shuffled_file(lines: list[str], stripped: str) -> None:
    assert_secret_free("\n".join(line.removeprefix(stripped) for line in lines))


names = ["PrivateKey", "Address", "DNS", "PublicKey", "AllowedIPs", "Endpoint"]


@given(
    st.sampled_from(names),
    st.sampled_from(["{}", "{}:51820", "[{}]:51820", "fd00::1%{}", "10.0.0.1/{}", "{}.example"]),
)
def test_no_error_shows_a_secret_in_the_wrong_place(name: str, form: str) -> None:
    lines = [f"{name} = {form.format(PRIVATE)}" if line.startswith(name) else line for line in whole.splitlines()]
    assert_secret_free("\n".join(lines))


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    assert_secret_free(text)


@given(st.sampled_from(["host", "port", "public_key", "preshared_key"]), st.sampled_from([PRIVATE, PRIVATE[:-1]]))
def test_no_error_of_fields_shows_a_secret(name: str, secret: str) -> None:
    endpoint = {"host": "198.18.0.20", "port": 1, "public_key": PRESHARED} | {name: secret}
    with pytest.raises(ConfigurationError) as caught:
        from_fields([endpoint], addresses=[secret], dns=["10.66.0.1"])
    assert PRIVATE[8:20] not in shown(caught.value)
