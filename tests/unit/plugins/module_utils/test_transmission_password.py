# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored form of a password: it is recognised, and never shown."""

from __future__ import annotations

import hashlib

from ansible_collections.household.mediaserver.plugins.module_utils._transmission import password as passwords
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(min_size=1).filter(lambda text: not text.startswith("{") and "\0" not in text))
def test_a_password_is_recognised_by_its_hash_and_nowhere_in_it(plain: str) -> None:
    stored = passwords.hash_password(plain)
    assert passwords.is_hash(stored)
    assert len(stored) == passwords.HASH_LENGTH + passwords.SALT_LENGTH
    assert passwords.verify_password(plain, stored)
    assert not passwords.verify_password(plain + "x", stored)
    assert not passwords.verify_password(plain, plain), "plain text on the disk has to be replaced"


def test_the_hash_is_the_one_that_transmission_makes() -> None:
    # Written by 3.00 and by 4.1.0-beta.2 for an empty password.
    for stored in (
        "{2b5611cbd46fc8ea1c446fcefb592718e4797932cosL7Yxp",
        "{97aca6755b5e23e7f24ecd3fd6120265df087da76GsVUGSV",
    ):
        assert passwords.verify_password("", stored)
    assert passwords.hash_password("a")[1:41] != hashlib.sha1(b"a").hexdigest()
