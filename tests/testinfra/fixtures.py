# SPDX-License-Identifier: GPL-3.0-or-later
"""The household under test: its inventory, its values, its Pi and its containers.

A fixture is an ordinary connection over SSH, as root by sudo, whose address and key Ansible has filled in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import testinfra
from contract import ROOT, Containers, Household, read_household


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> str:
    """Absolute, because playbooks are run from the root of the project."""
    return str(Path(pytestconfig.option.ansible_inventory or ROOT / "inventory" / "demo").resolve())


@pytest.fixture(scope="session")
def house(pytestconfig: pytest.Config, inventory: str) -> Household:
    return read_household(inventory, pytestconfig.option.hosts or "mediaserver")


@pytest.fixture(scope="session")
def host(house: Household) -> Any:
    """As testinfra's own fixture of that name, which cannot fill in templates of an inventory."""
    address = house.get("ansible_host", house["inventory_hostname"])
    user = f"{house['ansible_user']}@" if "ansible_user" in house else ""
    return testinfra.get_host(
        f"ssh://{user}{address}:{house.get('ansible_port', 22)}",
        ssh_identity_file=house.get("ansible_ssh_private_key_file"),
        ssh_extra_args=house.get("ansible_ssh_common_args"),
        sudo=True,
    )


@pytest.fixture(scope="module")
def containers(host: Any) -> Containers:
    return Containers.read(host)
