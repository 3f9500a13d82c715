# SPDX-License-Identifier: GPL-3.0-or-later
"""wireguard_keys on a Pi; its public keys are compared with those of wg."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract import Household
from four_runs import RunFourTimes


def public_key(host: Any, path: str) -> str:
    """Return the public key that wg computes, in the tunnel's container."""
    return str(host.check_output(f"docker exec --interactive mediaserver-wireguard-1 wg pubkey < {path}").strip())


def new_key(host: Any) -> str:
    return str(host.check_output("docker exec mediaserver-wireguard-1 wg genkey").strip())


def put(host: Any, path: str, text: str) -> None:
    host.check_output(f"umask 077 && echo {text} > {path}")


def test_creates_key_pair(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path = f"{folder}/own.key"
    answer = run_four_times("wireguard_keys", path=path)
    # Not by assert_changes_once: check mode cannot predict a random key.
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    assert answer.first["public_key"] == public_key(host, path)
    assert oct(host.file(path).mode) == "0o600"
    assert host.file(path).content_string.strip() not in json.dumps(answer.answers)


def test_writes_given_private_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    private = host.check_output("docker exec mediaserver-wireguard-1 wg genkey")
    path = f"{folder}/provider.key"
    answer = run_four_times("wireguard_keys", path=path, private_key=private).assert_changes_once()
    assert host.file(path).content_string.strip() == private.strip()
    assert answer["public_key"] == public_key(host, path)


def test_replaces_key_by_given_one_and_keeps_copy(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path, preshared = f"{folder}/adopted.key", f"{folder}/adopted.psk"
    old, private, shared = (new_key(host) for _key in range(3))
    put(host, path, old)
    given = {"private_key": private, "preshared_path": preshared, "preshared_key": shared}
    answer = run_four_times("wireguard_keys", path=path, **given)
    assert answer.assert_changes_once()["kept"] == [f"{path}.replaced.1"]
    contents = [host.file(one).content_string.strip() for one in (path, preshared, f"{path}.replaced.1")]
    assert contents == [private, shared, old]
    assert answer.first["public_key"] == public_key(host, path)
    assert not [secret for secret in contents if secret in json.dumps(answer.answers)]


def test_regenerate_never_keeps_existing_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path, own = f"{folder}/stays.key", new_key(host)
    put(host, path, own)
    refused = run_four_times("wireguard_keys", path=path, private_key=new_key(host), regenerate="never").assert_fails()
    assert "regenerate=never replaces no key" in refused
    assert host.file(path).content_string.strip() == own


def test_creates_preshared_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path, preshared = f"{folder}/third.key", f"{folder}/third.psk"
    answer = run_four_times("wireguard_keys", path=path, preshared_path=preshared)
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    secrets = [host.file(one).content_string.strip() for one in (path, preshared)]
    assert [len(secret) for secret in secrets] == [44, 44]
    assert oct(host.file(preshared).mode) == "0o600"
    assert not [secret for secret in secrets if secret in json.dumps(answer.answers)]


def test_restricts_mode_and_keeps_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path = f"{folder}/read.key"
    run_four_times("wireguard_keys", path=path)
    before = host.file(path).content_string
    host.check_output(f"chmod 0644 {path}")
    assert run_four_times("wireguard_keys", path=path).assert_changes_once()["paths"] == [path]
    assert (oct(host.file(path).mode), host.file(path).content_string) == ("0o600", before)


def test_repairs_owner_mode_and_missing_public_key(
    host: Any, household: Household, folder: str, run_four_times: RunFourTimes
) -> None:
    path, public = f"{folder}/handed.key", f"{folder}/handed.public"
    put(host, path, new_key(host))
    before = host.file(path).content_string
    owner, group = household["mediaserver_uid"], household["mediaserver_gid"]
    wanted = {"public_path": public, "owner": str(owner), "group": str(group), "mode": "0640"}
    assert run_four_times("wireguard_keys", path=path, **wanted).assert_changes_once()["paths"] == [path, public]
    found = [(one.uid, one.gid, oct(one.mode)) for one in (host.file(path), host.file(public))]
    assert found == [(owner, group, "0o640"), (owner, group, "0o644")]
    assert host.file(path).content_string == before
    assert host.file(public).content_string.strip() == public_key(host, path)


def test_if_invalid_replaces_invalid_key_and_keeps_copy(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path = f"{folder}/cut.key"
    host.check_output(f"echo cut > {path} && chmod 0600 {path}")
    answer = run_four_times("wireguard_keys", path=path, regenerate="if_invalid")
    assert [one["changed"] for one in answer.answers] == [True, True, False, False]
    assert answer.first["kept"] == [f"{path}.replaced.1"]
    assert host.file(f"{path}.replaced.1").content_string == "cut\n"
    assert answer.first["public_key"] == public_key(host, path)


def test_regenerate_always_creates_new_key_and_keeps_old_one(
    host: Any, folder: str, run_four_times: RunFourTimes
) -> None:
    path = f"{folder}/always.key"
    answer = run_four_times("wireguard_keys", path=path, regenerate="always")
    assert [one["changed"] for one in answer.answers] == [True] * 4
    assert answer.answers[3]["kept"] == [f"{path}.replaced.1"]
    assert answer.answers[3]["public_key"] == public_key(host, path) != answer.first["public_key"]
    assert answer.first["public_key"] == public_key(host, f"{path}.replaced.1")


def test_regenerate_never_creates_no_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path = f"{folder}/never.key"
    assert (
        "regenerate=never creates no key"
        in run_four_times("wireguard_keys", path=path, regenerate="never").assert_fails()
    )
    assert not host.file(path).exists


def test_does_not_overwrite_invalid_key(host: Any, folder: str, run_four_times: RunFourTimes) -> None:
    path = f"{folder}/precious.key"
    host.check_output(f"echo precious > {path} && chmod 0600 {path}")
    assert path in run_four_times("wireguard_keys", path=path).assert_fails()
    assert host.file(path).content_string == "precious\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": "link.key"}, "is a symbolic link"),
        ({"path": "open.key", "mode": "0644"}, "gives other accounts access"),
    ],
    ids=["symbolic link", "mode 0644"],
)
def test_refuses_insecure_path_and_mode(
    host: Any, folder: str, run_four_times: RunFourTimes, more: dict[str, str], words: str
) -> None:
    host.check_output(f"ln -sf {folder}/elsewhere.key {folder}/link.key")
    assert words in run_four_times("wireguard_keys", **{**more, "path": f"{folder}/{more['path']}"}).assert_fails()
    assert not [name for name in ("elsewhere.key", "open.key") if host.file(f"{folder}/{name}").exists]
