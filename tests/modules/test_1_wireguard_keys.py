# SPDX-License-Identifier: GPL-3.0-or-later
"""wireguard_keys on a Pi; its public keys are those of the real wg."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Household
from four import Show


def public_key(host: Any, path: str) -> str:
    """Ask the real program, in the tunnel's container."""
    return str(host.check_output(f"docker exec --interactive mediaserver-wireguard-1 wg pubkey < {path}").strip())


def new_key(host: Any) -> str:
    return str(host.check_output("docker exec mediaserver-wireguard-1 wg genkey").strip())


def put(host: Any, path: str, text: str) -> None:
    host.check_output(f"umask 077 && echo {text} > {path}")


def test_a_new_pair(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/own.key"
    answer = four("wireguard_keys", path=path)
    # Which key it will be, nobody can foretell.
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    assert answer.first["public_key"] == public_key(host, path)
    assert oct(host.file(path).mode) == "0o600"
    assert host.file(path).content_string.strip() not in json.dumps(answer.answers)


def test_a_key_of_the_providers(host: Any, folder: str, four: Show) -> None:
    private = host.check_output("docker exec mediaserver-wireguard-1 wg genkey")
    path = f"{folder}/provider.key"
    answer = four("wireguard_keys", path=path, private_key=private).changes_once()
    assert host.file(path).content_string.strip() == private.strip()
    assert answer["public_key"] == public_key(host, path)


def test_a_given_pair_takes_the_place_of_another_which_is_kept(host: Any, folder: str, four: Show) -> None:
    path, preshared = f"{folder}/adopted.key", f"{folder}/adopted.psk"
    old, private, shared = (new_key(host) for _key in range(3))
    put(host, path, old)
    given = {"private_key": private, "preshared_path": preshared, "preshared_key": shared}
    answer = four("wireguard_keys", path=path, **given)
    assert answer.changes_once()["kept"] == [f"{path}.replaced.1"]
    contents = [host.file(one).content_string.strip() for one in (path, preshared, f"{path}.replaced.1")]
    assert contents == [private, shared, old]
    assert answer.first["public_key"] == public_key(host, path)
    assert not [secret for secret in contents if secret in json.dumps(answer.answers)]


def test_never_replaces_none_by_a_given_one(host: Any, folder: str, four: Show) -> None:
    path, own = f"{folder}/stays.key", new_key(host)
    put(host, path, own)
    refused = four("wireguard_keys", path=path, private_key=new_key(host), regenerate="never").fails()
    assert "regenerate=never replaces no key" in refused
    assert host.file(path).content_string.strip() == own


def test_a_preshared_key_beside_it(host: Any, folder: str, four: Show) -> None:
    path, preshared = f"{folder}/third.key", f"{folder}/third.psk"
    answer = four("wireguard_keys", path=path, preshared_path=preshared)
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    secrets = [host.file(one).content_string.strip() for one in (path, preshared)]
    assert [len(secret) for secret in secrets] == [44, 44]
    assert oct(host.file(preshared).mode) == "0o600"
    assert not [secret for secret in secrets if secret in json.dumps(answer.answers)]


def test_a_key_that_others_can_read_is_closed_and_stays(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/read.key"
    four("wireguard_keys", path=path)
    before = host.file(path).content_string
    host.check_output(f"chmod 0644 {path}")
    assert four("wireguard_keys", path=path).changes_once()["paths"] == [path]
    assert (oct(host.file(path).mode), host.file(path).content_string) == ("0o600", before)


def test_owner_mode_and_a_lost_public_key_are_put_right(host: Any, house: Household, folder: str, four: Show) -> None:
    path, public = f"{folder}/handed.key", f"{folder}/handed.public"
    put(host, path, new_key(host))
    before = host.file(path).content_string
    owner, group = house["mediaserver_uid"], house["mediaserver_gid"]
    wanted = {"public_path": public, "owner": str(owner), "group": str(group), "mode": "0640"}
    assert four("wireguard_keys", path=path, **wanted).changes_once()["paths"] == [path, public]
    found = [(one.uid, one.gid, oct(one.mode)) for one in (host.file(path), host.file(public))]
    assert found == [(owner, group, "0o640"), (owner, group, "0o644")]
    assert host.file(path).content_string == before
    assert host.file(public).content_string.strip() == public_key(host, path)


def test_what_is_no_key_is_replaced_where_that_is_allowed_and_kept(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/cut.key"
    host.check_output(f"echo cut > {path} && chmod 0600 {path}")
    answer = four("wireguard_keys", path=path, regenerate="if_invalid")
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    assert answer.first["kept"] == [f"{path}.replaced.1"]
    assert host.file(f"{path}.replaced.1").content_string == "cut\n"
    assert answer.first["public_key"] == public_key(host, path)


def test_always_makes_a_new_key_every_time_and_loses_none(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/always.key"
    answer = four("wireguard_keys", path=path, regenerate="always")
    assert [one["changed"] for one in answer.answers] == [True] * 4
    assert answer.answers[3]["kept"] == [f"{path}.replaced.1"]
    assert answer.answers[3]["public_key"] == public_key(host, path) != answer.first["public_key"]
    assert answer.first["public_key"] == public_key(host, f"{path}.replaced.1")


def test_never_makes_none(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/never.key"
    assert "regenerate=never creates no key" in four("wireguard_keys", path=path, regenerate="never").fails()
    assert not host.file(path).exists


def test_what_is_no_key_is_never_overwritten_unasked(host: Any, folder: str, four: Show) -> None:
    path = f"{folder}/precious.key"
    host.check_output(f"echo precious > {path} && chmod 0600 {path}")
    assert path in four("wireguard_keys", path=path).fails()
    assert host.file(path).content_string == "precious\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [({"path": "link.key"}, "is a symbolic link"), ({"path": "open.key", "mode": "0644"}, "to everybody")],
    ids=["a link", "an open mode"],
)
def test_what_would_give_a_key_away_is_refused(
    host: Any, folder: str, four: Show, more: dict[str, str], words: str
) -> None:
    host.check_output(f"ln -sf {folder}/elsewhere.key {folder}/link.key")
    assert words in four("wireguard_keys", **{**more, "path": f"{folder}/{more['path']}"}).fails()
    assert not [name for name in ("elsewhere.key", "open.key") if host.file(f"{folder}/{name}").exists]
