# SPDX-License-Identifier: GPL-3.0-or-later
"""``--check`` on a blank Pi passes, changes nothing, and lists what it cannot predict."""

from __future__ import annotations

from typing import Any

import playbook

# Files that a run would write, and the lists of packages, accounts, modules and sysctls.
FOOTPRINT = (
    "find /etc /opt /var/lib/mediaserver /mnt /root -xdev -type f -newer /tmp/.blank 2>/dev/null | sort; "
    "for list in 'dpkg-query --show' 'getent passwd' 'lsmod' 'sysctl --all --pattern ^(vm|net.core|fs.inotify)'; "
    "do $list 2>/dev/null | sha256sum; done"
)


def test_check_passes_on_blank_pi_and_lists_unpredictable_tasks(host: Any, inventory: str) -> None:
    host.check_output("touch /tmp/.blank && sleep 1")
    before = host.check_output(FOOTPRINT)

    result = playbook.run(inventory, "--check", "--diff")

    assert result.ok, result.failures
    assert host.check_output(FOOTPRINT) == before
    assert result.changed, "check mode predicts nothing"
    unpredicted = [task for task in result.tasks if task.skipped and "check_mode" in str(task.result)]
    print("Not predictable on a blank host:")
    for task in unpredicted:
        print(f"  {task.name}: {task.result.get('false_condition')}")
    assert any("Start every container" in task.name for task in unpredicted)
