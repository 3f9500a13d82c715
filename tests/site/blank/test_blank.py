# SPDX-License-Identifier: GPL-3.0-or-later
"""``--check`` on a Pi that nobody has touched: it passes, changes nothing, and says what it cannot foresee."""

from __future__ import annotations

from typing import Any

import playbook

# What a run would write, and what would betray that packages were installed.
FOOTPRINT = (
    "find /etc /opt /var/lib/mediaserver /mnt /root -xdev -type f -newer /tmp/.blank 2>/dev/null | sort; "
    "for list in 'dpkg-query --show' 'getent passwd' 'lsmod' 'sysctl --all --pattern ^(vm|net.core|fs.inotify)'; "
    "do $list 2>/dev/null | sha256sum; done"
)


def test_check_passes_on_a_blank_pi_and_lists_what_it_cannot_foresee(host: Any, inventory: str) -> None:
    host.check_output("touch /tmp/.blank && sleep 1")
    before = host.check_output(FOOTPRINT)

    result = playbook.run(inventory, "--check", "--diff")

    assert result.ok, result.failures
    assert host.check_output(FOOTPRINT) == before
    assert result.changed, "it foresees nothing at all"
    unforeseen = [task for task in result.tasks if task.skipped and "check_mode" in str(task.result)]
    print("Cannot be foreseen on a blank host:")
    for task in unforeseen:
        print(f"  {task.name}: {task.result.get('false_condition')}")
    assert any("Start every container" in task.name for task in unforeseen)
