# SPDX-License-Identifier: GPL-3.0-or-later
"""Disables one or both barriers, on the Pi and in the copy of the collection that playbook runs use."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import playbook
from lab_control import LabControl

BARRIER = Path("runtime/files/lib/mediaserver/firewall/barrier.py")
INNER, OUTER = "inet mediaserver_inner", "inet mediaserver_barrier"
# Process names of Transmission and the lab's Jackett (/proc/<pid>/comm).
PROGRAMS = ("transmission-da", "python3")


def accepting(program: str, barriers: Iterable[str]) -> str:
    """Return the program ``barrier.py`` with these barriers replaced by tables that accept everything."""
    counter, flags = "text.counters('leak_attempts_out')", "'owner, persist'"
    lines = {
        "inner": f"render_inner = lambda s: text.table(INNER_TABLE, {counter})",
        "outer": f"render_outer = lambda s, owned=False: text.table(OUTER_TABLE, {counter}, flags={flags} * owned)",
    }
    return "\n".join([program, *(lines[name] for name in barriers), ""])


@contextmanager
def disabled(lab: LabControl, *barriers: str, blank: bool = False) -> Iterator[None]:
    """Replace ``inner``, ``outer`` or both by tables that accept everything.

    ``blank`` leaves the Pi as it is, because the collection is not installed yet. A new namespace has no table until
    the holder has loaded it, and only the holder runs in it until then. While only the outer barrier is disabled, the
    prober therefore probes only namespaces in which a service runs.
    """
    whole = (playbook.ROOT / "roles" / BARRIER).read_text(encoding="utf-8")
    changed = accepting(whole, barriers)
    with _collection_with(lab, changed), _probing_with(lab, PROGRAMS if barriers == ("outer",) else ()):
        try:
            if not blank:
                _install(lab, changed)
            yield
        finally:
            _install(lab, whole)


@contextmanager
def _probing_with(lab: LabControl, programs: tuple[str, ...]) -> Iterator[None]:
    if not programs:
        yield
        return
    lab.programs = programs
    lab.install_prober()
    try:
        yield
    finally:
        lab.programs = ()
        lab.install_prober()


@contextmanager
def _collection_with(lab: LabControl, barrier: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as tree:
        copy = Path(tree, "ansible_collections", *playbook.COLLECTION)
        for part in ("meta", "plugins", "roles"):
            shutil.copytree(playbook.ROOT / part, copy / part)
        shutil.copy(playbook.ROOT / "galaxy.yml", copy)
        (copy / "roles" / BARRIER).write_text(barrier, encoding="utf-8")
        lab.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{tree}:{playbook.ROOT / 'build' / 'collections'}"
        try:
            yield
        finally:
            del lab.environment["ANSIBLE_COLLECTIONS_PATH"]


def table(lab: LabControl, name: str) -> str:
    """Return the loaded table as listed by nft."""
    if name == "inner":
        return lab.inside(f"nft list table {INNER}")
    return lab.pi(f"nft list table {OUTER}")


def table_handle(lab: LabControl) -> int:
    """Return the kernel's handle of the outer barrier's table. A table that is loaded again gets a new handle."""
    found = re.match(rf"table {OUTER} {{.*# handle (\d+)", lab.pi(f"nft --handle list table {OUTER}"))
    assert found, "no handle of the outer barrier"
    return int(found[1])


def dropped_packets(lab: LabControl, name: str) -> int:
    """Return how many outgoing packets a barrier has dropped since it was loaded."""
    counted = re.search(r"counter leak_attempts_out {\s+packets (\d+)", table(lab, name))
    assert counted, f"no counter in the {name} barrier"
    return int(counted[1])


def _install(lab: LabControl, program: str) -> None:
    lab.pi("cat > /opt/mediaserver/lib/mediaserver/firewall/barrier.py", stdin=program)
    lab.pi("systemctl reload mediaserver-barrier-keeper && /opt/mediaserver/scripts/vpn-gateway apply")
    # vpn-monitor reads the rules at its start only.
    lab.pi("systemctl try-restart vpn-monitor")
