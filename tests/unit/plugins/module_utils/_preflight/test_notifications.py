# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight names each address of notifications that cannot be used, without its secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import found

SECRET = "s3cr3t"


@pytest.mark.parametrize("urls", [[], [f"ntfys://ntfy.sh/{SECRET}"], ["mailto://a:b@example.org", "tgram://1:x/2"]])
def test_good_addresses_are_no_problem(urls: list[str]) -> None:
    assert found(settings={"mediaserver_notify": urls}) == []


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        ([f"tgram://{SECRET}", SECRET], "entry 2 cannot be used: it does not have the form scheme://…"),
        ([f"nosuch://{SECRET}"], "entry 1 cannot be used: apprise does not know its scheme"),
        ([f"tgram://{SECRET} x"], "entry 1 (tgram://…) cannot be used"),
        ([""], "entry 1 cannot be used: it is empty"),
        ([{"url": SECRET}], "entry 1 cannot be used: it is empty or not a text"),
    ],
)
def test_a_wrong_address_is_refused_without_its_secret(urls: list[Any], words: str) -> None:
    (one,) = found(settings={"mediaserver_notify": urls})
    assert (one["level"], one["variable"]) == ("problem", "mediaserver_notify")
    assert one["problem"].startswith(words)
    assert SECRET not in "".join(one.values())


def test_a_single_text_is_left_to_the_argument_specs() -> None:
    assert found(settings={"mediaserver_notify": "ntfys://ntfy.sh/x"}) == []
