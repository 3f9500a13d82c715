# SPDX-License-Identifier: GPL-3.0-or-later
"""Our keys against the ``wg`` program's."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import values

pytestmark = pytest.mark.skipif(shutil.which("wg") is None, reason="needs wg (Debian package wireguard-tools)")


def wg(command: str, stdin: str = "") -> str:
    return subprocess.run(["wg", command], input=stdin, capture_output=True, text=True, check=True).stdout.strip()


def test_public_keys_of_wg_s_private_keys() -> None:
    for _round in range(20):
        private = wg("genkey")
        assert values.public_key(private) == wg("pubkey", private)


def test_public_keys_of_our_private_keys() -> None:
    for _round in range(20):
        private = values.new_private_key()
        assert wg("pubkey", private) == values.public_key(private)


def test_preshared_keys_have_one_form() -> None:
    assert values.key(wg("genpsk"))
    assert len(values.new_preshared_key()) == len(wg("genpsk"))


@pytest.mark.parametrize("text", ["A" * 43, "A" * 44, "B" * 43 + "=", "!" * 43 + "=", "A" * 40 + "===="])
def test_what_wg_refuses_is_refused(text: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        wg("pubkey", text)
    with pytest.raises(values.Refused):
        values.key(text)
