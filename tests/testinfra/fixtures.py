# SPDX-License-Identifier: GPL-3.0-or-later
"""The household under test: its inventory, its variables, its Pi and its containers.

``host`` connects over SSH and sudo, with address and key from the inventory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import testinfra
from contract import ROOT, Containers, Household, read_household


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> str:
    """The absolute path, because playbooks run from the root of the project."""
    return str(Path(pytestconfig.option.ansible_inventory or ROOT / "inventory" / "demo").resolve())


@pytest.fixture(scope="session")
def household(pytestconfig: pytest.Config, inventory: str) -> Household:
    return read_household(inventory, pytestconfig.option.hosts or "mediaserver")


@pytest.fixture(scope="session")
def host(household: Household) -> Any:
    """Replaces testinfra's fixture of the same name, which does not render templates of an inventory."""
    address = household.get("ansible_host", household["inventory_hostname"])
    user = f"{household['ansible_user']}@" if "ansible_user" in household else ""
    return testinfra.get_host(
        f"ssh://{user}{address}:{household.get('ansible_port', 22)}",
        ssh_identity_file=household.get("ansible_ssh_private_key_file"),
        ssh_extra_args=household.get("ansible_ssh_common_args"),
        sudo=True,
    )


@pytest.fixture(scope="module")
def containers(host: Any) -> Containers:
    return Containers.read(host)
