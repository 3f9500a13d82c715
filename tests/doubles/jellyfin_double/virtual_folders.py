# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries on disk: root/default/<name> with shortcuts, a type and options.xml."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jellyfin_double import defaults, unsynced
from jellyfin_double.authentication import dotnet_id
from jellyfin_double.clock import Clock
from jellyfin_double.store import Store

_FOLDER_TYPE = "MediaBrowser.Controller.Entities.CollectionFolder"
_FORBIDDEN = set('"<>|:*?\\/') | {chr(code) for code in range(32)}


class NameExists(ValueError):
    """A library of this name exists."""


class VirtualFolders:
    def __init__(self, data: Path, store: Store, clock: Clock) -> None:
        self.root = data / "root" / "default"
        self._store = store
        self._clock = clock
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """Folder items of the database by directory name: created by a validation, removed at a full scan."""
        folders: dict[str, dict[str, Any]] = self._store.state["folders"]
        return folders

    def names(self) -> list[str]:
        return [entry.name for entry in self.root.iterdir() if entry.is_dir()]

    def has(self, name: str) -> bool:
        # Joined to a path and checked, like the server: ".." exists.
        return bool(name) and "/" not in name and (self.root / name).is_dir()

    def kind(self, name: str) -> str | None:
        return next((path.stem for path in sorted((self.root / name).glob("*.collection"))), None)

    def locations(self, name: str) -> list[str]:
        return sorted(path.read_text(encoding="utf-8") for path in self._shortcuts(name))

    def _shortcuts(self, name: str) -> Iterator[Path]:
        return iter(sorted(path for path in (self.root / name).iterdir() if path.suffix == ".mblink"))

    def item(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """Return directory name and item of a library; the name is not case-sensitive."""
        exact = self.items.get(name)
        if exact is not None:
            return name, exact
        return next(((key, item) for key, item in self.items.items() if key.lower() == name.lower()), None)

    def by_id(self, identifier: str) -> str | None:
        wanted = identifier.replace("-", "").lower()
        return next((key for key, item in self.items.items() if item["id"] == wanted), None)

    def options(self, name: str) -> dict[str, Any]:
        """Return the options of a directory; the defaults when it has none, as after a rename."""
        try:
            return defaults.LIBRARY.from_xml((self.root / name / "options.xml").read_text(encoding="utf-8"))
        except (OSError, ValueError, ElementTree.ParseError):
            return defaults.LIBRARY.fresh()

    def save_options(self, name: str, options: dict[str, Any]) -> None:
        unsynced.write(self.root / name / "options.xml", defaults.LIBRARY.to_xml(options))

    def validate(self, *, remove: bool = False) -> None:
        """Create missing items; items of missing directories are removed only with `remove`."""
        present = self.names()
        for name in present:
            if name not in self.items:
                self.items[name] = {
                    "id": dotnet_id(_FOLDER_TYPE + "root\\default\\" + name),
                    "created": self._clock.stamp(),
                }
        if remove:
            for name in set(self.items) - set(present):
                del self.items[name]
        self._store.save()

    def add(self, wanted: str, kind: str | None, options: dict[str, Any]) -> str:
        """Create the directory; return its name, which may differ from the requested one."""
        valid = "".join(" " if char in _FORBIDDEN else char for char in wanted)
        name, number = valid, 2
        while (self.root / name).is_dir():
            name, number = f"{valid}{number}", number + 1
        (self.root / name).mkdir()
        if kind:
            (self.root / name / f"{kind}.collection").touch()
        self.save_options(name, options)
        for info in options["PathInfos"]:
            self.add_shortcut(name, info["Path"])
        return name

    def add_shortcut(self, name: str, path: str) -> None:
        """Add a shortcut, also for a path that has one."""
        target = path.rstrip("/")
        stem = Path(target).name
        while (self.root / name / f"{stem}.mblink").exists():
            stem += "1"
        unsynced.write(self.root / name / f"{stem}.mblink", target)

    def remove_path(self, name: str, path: str) -> None:
        """Remove one shortcut and every equal PathInfo."""
        for shortcut in self._shortcuts(name):
            if shortcut.read_text(encoding="utf-8") == path:
                shortcut.unlink()
                break
        options = self.options(name)
        options["PathInfos"] = [info for info in options["PathInfos"] if info["Path"] != path]
        self.save_options(name, options)

    def replace_options(self, name: str, options: dict[str, Any]) -> None:
        """Replace the options. Paths that are new in them get a shortcut, also if they have one."""
        before = [info["Path"] for info in self.options(name)["PathInfos"]]
        for info in options["PathInfos"]:
            if info["Path"] not in before:
                self.add_shortcut(name, info["Path"])
        self.save_options(name, options)

    def remove(self, name: str) -> None:
        shutil.rmtree(self.root / name)

    def rename(self, name: str, new: str) -> None:
        """Rename the directory only. Raises NameExists."""
        if (self.root / new).is_dir():
            raise NameExists(str(self.root / new))
        (self.root / name).rename(self.root / new)

    def scanned(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return each scanned path with its library and options.

        A path must be in the shortcuts and in the options (possibly stricter than the server). A path of two libraries
        belongs to the older one."""
        result: dict[str, tuple[str, dict[str, Any]]] = {}
        known = [name for name in self.names() if name in self.items]
        for name in sorted(known, key=lambda name: (self.items[name]["created"], name)):
            options = self.options(name)
            infos = {info["Path"].rstrip("/") for info in options["PathInfos"]}
            for path in self.locations(name):
                if path in infos and not any(_within(path, other) or _within(other, path) for other in result):
                    result[path] = (name, options)
        return result


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith(other + "/")
