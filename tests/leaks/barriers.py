# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches barriers off, so that the other one is on its own: on the Pi, and in the collection that runs use."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import playbook
from stage import Stage

BARRIER = Path("runtime/files/lib/mediaserver/firewall/barrier.py")
INNER, OUTER = "inet mediaserver_inner", "inet mediaserver_barrier"
# Transmission and the lab's Jackett, as the kernel names them.
PROGRAMS = ("transmission-da", "python3")


@contextmanager
def without(stage: Stage, *barriers: str, blank: bool = False) -> Iterator[None]:
    """Have ``inner``, ``outer`` or both render to a table that lets everything pass; ``blank``: on a Pi to come.

    A namespace is older than its own table, by the moment that it takes the holder to load it. Nobody but the
    holder lives there as long: without the outer barrier, the prober is only where services run.
    """
    counter, flags = "_counters('leak_attempts_out')", "'owner, persist'"
    lines = {
        "inner": f"render_inner = lambda s: _table(INNER_TABLE, {counter})",
        "outer": f"render_outer = lambda s, owned=False: _table(OUTER_TABLE, {counter}, flags={flags} * owned)",
    }
    whole = (playbook.ROOT / "roles" / BARRIER).read_text(encoding="utf-8")
    changed = "\n".join([whole, *(lines[name] for name in barriers), ""])
    with _collection_with(stage, changed), _probing_beside(stage, PROGRAMS if barriers == ("outer",) else ()):
        try:
            if not blank:
                _install(stage, changed)
            yield
        finally:
            _install(stage, whole)


@contextmanager
def _probing_beside(stage: Stage, programs: tuple[str, ...]) -> Iterator[None]:
    if not programs:
        yield
        return
    stage.programs = programs
    stage.install_prober()
    try:
        yield
    finally:
        stage.programs = ()
        stage.install_prober()


@contextmanager
def _collection_with(stage: Stage, barrier: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as tree:
        copy = Path(tree, "ansible_collections", *playbook.COLLECTION)
        for part in ("meta", "plugins", "roles"):
            shutil.copytree(playbook.ROOT / part, copy / part)
        shutil.copy(playbook.ROOT / "galaxy.yml", copy)
        (copy / "roles" / BARRIER).write_text(barrier, encoding="utf-8")
        stage.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{tree}:{playbook.ROOT / 'build' / 'collections'}"
        try:
            yield
        finally:
            del stage.environment["ANSIBLE_COLLECTIONS_PATH"]


def table(stage: Stage, name: str) -> str:
    """The table that stands, as nft lists it."""
    if name == "inner":
        return stage.inside(f"nft list table {INNER}")
    return stage.pi(f"nft list table {OUTER}")


def handle(stage: Stage) -> int:
    """The number that the kernel has given the outer barrier's table."""
    found = re.match(rf"table {OUTER} {{.*# handle (\d+)", stage.pi(f"nft --handle list table {OUTER}"))
    assert found, "no handle of the outer barrier"
    return int(found[1])


def attempts_out(stage: Stage, name: str) -> int:
    """How many packets a barrier has dropped on their way out since it was loaded."""
    counted = re.search(r"counter leak_attempts_out {\s+packets (\d+)", table(stage, name))
    assert counted, f"no counter in the {name} barrier"
    return int(counted[1])


def _install(stage: Stage, program: str) -> None:
    stage.pi("cat > /opt/mediaserver/lib/mediaserver/firewall/barrier.py", stdin=program)
    stage.pi("systemctl reload mediaserver-barrier-keeper && /opt/mediaserver/scripts/vpn-gateway apply")
    # Whoever reads the rules once, at its start, does it again.
    stage.pi("systemctl try-restart vpn-monitor")
