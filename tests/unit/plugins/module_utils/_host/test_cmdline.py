# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.cmdline import with_tokens

TOKENS = ["cgroup_enable=memory", "cgroup_memory=1"]
LINE = "console=tty1 root=PARTUUID=6c586e13-02 rootwait"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LINE}\n", f"{LINE} cgroup_enable=memory cgroup_memory=1\n"),
        (LINE, f"{LINE} cgroup_enable=memory cgroup_memory=1"),
        (f"{LINE} cgroup_memory=1\n", f"{LINE} cgroup_memory=1 cgroup_enable=memory\n"),
        (f"cgroup_disable=memory {LINE}\n", f"{LINE} cgroup_enable=memory cgroup_memory=1\n"),
        (
            f"{LINE}  cgroup_enable=memory cgroup_memory=1 \n",
            f"{LINE}  cgroup_enable=memory cgroup_memory=1 \n",
        ),
    ],
    ids=["added", "no newline", "half there", "contrary removed", "nothing to do keeps every byte"],
)
def test_adds_tokens_and_keeps_one_line(text: str, expected: str) -> None:
    once = with_tokens(text, TOKENS)
    assert once == expected
    assert with_tokens(once, TOKENS) == once


@pytest.mark.parametrize("text", ["", "\n", "DO NOT EDIT\nmoved to /boot/firmware\n"])
def test_rejects_text_without_exactly_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        with_tokens(text, TOKENS)
