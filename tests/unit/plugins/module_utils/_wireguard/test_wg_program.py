# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares key functions with the program ``wg``."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import values

pytestmark = pytest.mark.skipif(shutil.which("wg") is None, reason="needs wg (Debian package wireguard-tools)")


def wg(command: str, stdin: str = "") -> str:
    return subprocess.run(["wg", command], input=stdin, capture_output=True, text=True, check=True).stdout.strip()


def test_public_key_equals_wg_pubkey_for_keys_of_wg() -> None:
    for _round in range(20):
        private = wg("genkey")
        assert values.public_key(private) == wg("pubkey", private)


def test_public_key_equals_wg_pubkey_for_own_keys() -> None:
    for _round in range(20):
        private = values.new_private_key()
        assert wg("pubkey", private) == values.public_key(private)


def test_preshared_keys_have_the_form_of_wg() -> None:
    assert values.key(wg("genpsk"))
    assert len(values.new_preshared_key()) == len(wg("genpsk"))


@pytest.mark.parametrize("text", ["A" * 43, "A" * 44, "B" * 43 + "=", "!" * 43 + "=", "A" * 40 + "===="])
def test_keys_that_wg_rejects_are_rejected(text: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        wg("pubkey", text)
    with pytest.raises(values.InvalidField):
        values.key(text)
