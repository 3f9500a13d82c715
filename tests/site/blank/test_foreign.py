# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's objects with names that the collection needs: refused by name, and unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import playbook
import pytest


@dataclass(frozen=True)
class Foreign:
    """An object of the user: commands that create, show and remove it, and texts of the refusal."""

    create: str
    show: str
    remove: str
    named: tuple[str, ...]


UNIT = "/etc/systemd/system/mediaserver.service"
MASKED = "/etc/systemd/system/vpn-monitor.service"
KINDS = {
    "a folder": Foreign(
        "mkdir /opt/mediaserver && echo 'services: {}' > /opt/mediaserver/compose.yml",
        "cat /opt/mediaserver/compose.yml",
        "rm -r /opt/mediaserver",
        ("mediaserver_root: /opt/mediaserver exists", "it contains compose.yml"),
    ),
    "another program's state": Foreign(
        "mkdir /var/lib/mediaserver && echo mine > /var/lib/mediaserver/db",
        "cat /var/lib/mediaserver/db",
        "rm -r /var/lib/mediaserver",
        ("mediaserver_state: /var/lib/mediaserver exists",),
    ),
    "a unit": Foreign(
        f"printf '[Service]\\nExecStart=/bin/true\\n' > {UNIT}",
        f"cat {UNIT}",
        f"rm {UNIT}",
        (f"{UNIT}: the file exists and was not written by this collection",),
    ),
    "a masked unit": Foreign(
        f"ln -s /dev/null {MASKED}",
        f"readlink {MASKED}",
        f"rm {MASKED}",
        (f"{MASKED}: the file exists",),
    ),
    "a bridge": Foreign(
        "ip link add br-vpn type bridge",
        "cat /sys/class/net/br-vpn/address",
        "ip link delete br-vpn",
        ("bridge br-vpn: an interface of this name exists",),
    ),
    "a login account": Foreign(
        "useradd --uid 2000 --create-home --shell /bin/bash mediaserver",
        "getent passwd mediaserver && ls -ld /home/mediaserver",
        "userdel --remove mediaserver",
        ("mediaserver_user: an account mediaserver exists with home /home/mediaserver",),
    ),
    "an account with another uid": Foreign(
        "useradd --uid 2345 --home-dir /var/lib/mediaserver mediaserver",
        "getent passwd mediaserver",
        "userdel mediaserver",
        ("mediaserver_uid: mediaserver exists with uid 2345",),
    ),
}


@pytest.mark.parametrize("foreign", KINDS.values(), ids=KINDS.keys())
def test_foreign_object_is_refused_by_name_and_unchanged(host: Any, inventory: str, foreign: Foreign) -> None:
    host.check_output(foreign.create)
    try:
        before = host.check_output(foreign.show)
        result = playbook.run(inventory)
        after = host.check_output(foreign.show)
    finally:
        host.check_output(foreign.remove)
    assert not result.ok, "it was accepted"
    assert [words for words in foreign.named if words not in result.failures] == [], result.failures
    assert result.stats["changed"] == 0, [task.name for task in result.changed]
    assert after == before
