# SPDX-License-Identifier: GPL-3.0-or-later
"""wireguard_keys on a Pi; its public keys are those of the real wg."""

from __future__ import annotations

import json
from typing import Any

from four import Show


def public_key(host: Any, path: str) -> str:
    """Ask the real program, in the tunnel's container."""
    return str(host.check_output(f"docker exec --interactive wireguard wg pubkey < {path}").strip())


def test_a_new_pair(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/own.key"
    answer = four("wireguard_keys", path=path)
    # Which key it will be, nobody can foretell.
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    assert answer.first["public_key"] == public_key(host, path)
    assert oct(host.file(path).mode) == "0o600"
    assert host.file(path).content_string.strip() not in json.dumps(answer.answers)


def test_a_key_of_the_providers(host: Any, folder: str, four: Show) -> None:
    private = host.check_output("docker exec wireguard wg genkey")
    path = f"{folder}/provider.key"
    answer = four("wireguard_keys", path=path, private_key=private).changes_once()
    assert host.file(path).content_string.strip() == private.strip()
    assert answer["public_key"] == public_key(host, path)


def test_what_is_no_key_is_never_overwritten_unasked(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/precious.key"
    host.check_output(f"echo precious > {path} && chmod 0600 {path}")
    assert path in four("wireguard_keys", path=path).fails()
    assert host.file(path).content_string == "precious\n"
