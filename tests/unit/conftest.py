# SPDX-License-Identifier: GPL-3.0-or-later
"""Any checkout is the collection, set up or not: Ansible wants it below ansible_collections/<namespace>/<name>."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"


def link_checkout() -> None:
    """The same link that tools/setup makes."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    link = COLLECTIONS / "ansible_collections" / galaxy["namespace"] / galaxy["name"]
    if link.exists() and link.samefile(ROOT):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)
    fresh.replace(link)


link_checkout()
# First, so that neither the ansible package's own collections nor an installed copy of this one comes before it.
sys.path.insert(0, str(COLLECTIONS))
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)

from ansible.plugins.loader import init_plugin_loader  # noqa: E402  (reads the path when imported)
from hypothesis import settings  # noqa: E402

init_plugin_loader()

# Of one example, in milliseconds. Hypothesis's own 200 measures the machine when tests run side by side; this still
# ends an example that hangs. A setting without a deadline, as in CI, stays.
settings.register_profile("side by side", deadline=settings.default.deadline and 10_000)
settings.load_profile("side by side")

# Files that take seconds, the longest first: they start first, so that no process is left with one of them at the end.
LONGEST = (
    "host/test_barrier_kernel.py",
    "host/test_decide_rules.py",
    "roles/test_keep_whole.py",
    "plugins/module_utils/_import/test_properties.py",
    "roles/test_last_good.py",
    "roles/test_refusals.py",
    "host/test_barrier_pages.py",
    "host/test_barrier_own.py",
    "host/test_barrier_passes.py",
    "tools/test_make_test.py",
    "plugins/module_utils/test_transmission_faults.py",
    "roles/test_rendered.py",
    "roles/test_end_of_run.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {ROOT / "tests" / "unit" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Restore the process's umask: the import sets its own."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
