# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Plans the actions, in order, that bring the server's libraries to the wanted state. Pure.

A library has its folders twice, as shortcuts (Locations) and in its options (PathInfos), and both must be correct.
Adding a path adds to both without a check for duplicates. Removing it removes one shortcut and every equal PathInfo.
So a path that is not exactly once in both is removed completely and added again.

A shortcut that a power cut has emptied is listed as an empty location. The server does not remove it (400), and the
next scan drops its items. Such a library is removed without a scan and recreated: the ids of library and items derive
from names and paths, so items and watched marks are kept.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.errors import InvalidValue
from .._core.plan import MISSING, Change, Plan
from .library_actions import (
    Action,
    AddPath,
    CreateLibrary,
    DeleteLibrary,
    RemovePath,
    ScanAll,
    StopScan,
    WriteOptions,
)
from .library_model import (
    CHOICES,
    MONITOR,
    OPTIONS,
    Library,
    WantedLibrary,
    name_key,
    normal_path,
    overlap,
)
from .values import changes_between


@dataclass(frozen=True)
class LibraryPlan:
    """Actions in their order, and the changes that they make."""

    actions: tuple[Action, ...] = ()
    changes: Plan = field(default_factory=Plan)

    def __bool__(self) -> bool:
        return bool(self.actions)


def plan_libraries(
    wanted: t.Sequence[WantedLibrary],
    found: t.Sequence[Library],
    *,
    allow_removal: bool = False,
    allow_type_change: bool = False,
) -> LibraryPlan:
    """Return the plan: deletions first, then removals of paths, then all other actions. Raises InvalidValue."""
    builder = _PlanBuilder(found, allow_removal=allow_removal, allow_type_change=allow_type_change)
    for library in wanted:
        has = match(library, found)
        if library.absent:
            builder.remove(has)
        else:
            builder.ensure(library, has)
    _check_renamed(wanted, found)
    _check_folders(wanted, found)
    actions = [*builder.deletions, *builder.path_removals, *builder.others]
    if _needs_scan(actions, found):
        actions.append(ScanAll())
    return LibraryPlan(tuple(actions), Plan(tuple(sorted(builder.changes, key=lambda change: change.name))))


def with_scan(plan: LibraryPlan, names: t.Sequence[str]) -> LibraryPlan:
    """Return the plan with a scan first that completes these libraries; unchanged without names."""
    if not names:
        return plan
    changes = [*plan.changes.changes, *(Change(f"{name}.ItemId", MISSING, "present") for name in names)]
    return LibraryPlan((ScanAll(), *plan.actions), Plan(tuple(sorted(changes, key=lambda change: change.name))))


class _PlanBuilder:
    """Collects actions: deletions of libraries, removals of paths, all others; and the changes that they make."""

    def __init__(self, found: t.Sequence[Library], *, allow_removal: bool, allow_type_change: bool) -> None:
        self.known = _known_options(found)
        self.allow_removal = allow_removal
        self.allow_type_change = allow_type_change
        self.deletions: list[Action] = []
        self.path_removals: list[Action] = []
        self.others: list[Action] = []
        self.changes: list[Change] = []

    def remove(self, has: Library | None) -> None:
        """Plan the deletion of an existing library. Raises InvalidValue where that is not allowed."""
        if has is None:
            return
        if not self.allow_removal:
            raise InvalidValue(
                f"library {has.name} exists and has state absent; it is removed only with jellyfin_allow_removal: true"
            )
        self.deletions.append(DeleteLibrary(has.name))
        self.changes.append(Change(has.name, _shown(has), "absent"))

    def ensure(self, wanted: WantedLibrary, has: Library | None) -> None:
        """Plan the creation or correction of a library. Raises InvalidValue."""
        if has is not None and not has.complete:
            # Only in check mode: with_scan() plans the scan that completes it.
            return
        present = {} if has is None else _managed(has)
        samples = {name: value for name, value in self.known.items() if name not in present}
        options = list(changes_between(f"{wanted.name}.options", wanted.options, present, samples))
        _check_choices(wanted)
        if has is not None and has.type == wanted.type:
            if has.has_empty_location:
                self._recreate(wanted, has, present, options)
            else:
                self._correct(wanted, has, options)
            return
        made = wanted
        if has is not None:
            if not self.allow_type_change:
                raise InvalidValue(
                    f"library {has.name} has type {has.type}, not {wanted.type}. Jellyfin cannot change the type, so"
                    " the library is deleted and recreated, without its metadata, only with"
                    " jellyfin_allow_type_change: true"
                )
            self.path_removals += _path_actions(wanted, has)[0]
            # Checks that the folders exist before the library is deleted.
            self.others += [AddPath(wanted.name, path, scan=False) for path in wanted.paths]
            self.others.append(DeleteLibrary(wanted.name))
            # Options that are not managed are kept.
            made = replace(wanted, options={**present, **wanted.options})
        self.others.append(CreateLibrary(made.name, made.type, made.paths, made.options))
        after = {"type": made.type, "paths": sorted(made.paths), "options": dict(wanted.options)}
        self.changes.append(Change(wanted.name, MISSING if has is None else _shown(has), after))

    def _recreate(
        self, wanted: WantedLibrary, has: Library, present: t.Mapping[str, t.Any], options: list[Change]
    ) -> None:
        self.others.append(StopScan())
        # Checks that the folders exist before the library is removed.
        self.others += [AddPath(wanted.name, path, scan=False) for path in wanted.paths]
        self.others.append(DeleteLibrary(wanted.name, keep_items=True))
        self.others.append(CreateLibrary(wanted.name, wanted.type, wanted.paths, {**present, **wanted.options}))
        self.changes += options
        self.changes.append(Change(f"{wanted.name}.paths", _shown_paths(has), sorted(wanted.paths)))

    def _correct(self, wanted: WantedLibrary, has: Library, options: list[Change]) -> None:
        removed, repaired = _path_actions(wanted, has)
        self.path_removals += removed
        if options:
            self.others.append(WriteOptions(wanted.name, wanted.options))
        self.others += repaired
        self.changes += options
        if removed or repaired:
            self.changes.append(Change(f"{wanted.name}.paths", _shown_paths(has), sorted(wanted.paths)))


def match(library: WantedLibrary, found: t.Sequence[Library]) -> Library | None:
    """Return the library with that name. Raises InvalidValue for one whose name differs only in case or form."""
    alike = [has for has in found if name_key(has.name) == name_key(library.name)]
    exact = next((has for has in alike if has.name == library.name), None)
    if library.absent and exact:
        return exact
    if others := [has.name for has in alike if has is not exact]:
        raise InvalidValue(
            f"libraries: {library.name!r} is wanted, but the server has {', '.join(map(repr, others))}, and its"
            " database does not distinguish the two. Use that spelling, or rename or remove it in Jellyfin"
        )
    return exact


def _path_actions(library: WantedLibrary, has: Library) -> tuple[list[Action], list[Action]]:
    """Return the removals of unwanted paths, and the actions for missing or damaged paths."""
    removed: list[Action] = []
    repaired: list[Action] = []
    for path in dict.fromkeys((*has.locations, *has.path_infos)):
        if path not in library.paths:
            # This includes a wanted path in another spelling, with a trailing slash.
            removed += [RemovePath(library.name, path)] * max(1, has.locations.count(path))
    for path in library.paths:
        shortcuts, infos = has.locations.count(path), has.path_infos.count(path)
        if (shortcuts, infos) == (1, 1):
            continue
        if shortcuts or infos:
            # Check that the folder exists: a missing folder could be removed, but not added again.
            repaired.append(AddPath(library.name, path, scan=False))
            repaired += [RemovePath(library.name, path)] * (shortcuts + 1)
        repaired.append(AddPath(library.name, path))
    return removed, repaired


def _needs_scan(actions: t.Sequence[Action], found: t.Sequence[Library]) -> bool:
    """Return whether a scan must follow: to drop items of a removed path, or to activate an enabled monitor."""
    before = {library.name: library.options for library in found}
    needed = False
    for action in actions:
        if isinstance(action, CreateLibrary) or (isinstance(action, AddPath) and action.scan):
            needed = False
        elif isinstance(action, RemovePath):
            needed = True
        elif isinstance(action, WriteOptions) and action.options.get(MONITOR) is True:
            needed = needed or before[action.name].get(MONITOR) is not True
    return needed


def _check_renamed(wanted: t.Sequence[WantedLibrary], found: t.Sequence[Library]) -> None:
    """Raise InvalidValue when a missing library has exactly the folders of one that is not in the wanted list."""
    named = {name_key(library.name) for library in wanted}
    there = {library.name for library in found}
    for library in wanted:
        if library.absent or library.name in there:
            continue
        for other in found:
            if name_key(other.name) not in named and other.folders == frozenset(library.paths):
                raise InvalidValue(
                    f"libraries: the server has no library {library.name}, but {other.name} with the same folders"
                    f" ({', '.join(sorted(library.paths))}): it was renamed, probably in Jellyfin's web interface."
                    f" Rename it in the inventory (name: {other.name}) or there"
                )


def _check_folders(wanted: t.Sequence[WantedLibrary], found: t.Sequence[Library]) -> None:
    """Raise InvalidValue when a wanted folder overlaps a folder of another library, managed or not."""
    owners = [(library.name, path) for library in wanted for path in library.paths]
    named = {library.name for library in wanted}
    others = [(library.name, path) for library in found if library.name not in named for path in library.folders]
    for index, (name, path) in enumerate(owners):
        for other, its in [*owners[index + 1 :], *others]:
            if other != name and overlap(path, its):
                raise InvalidValue(
                    f"libraries: {path} of {name} and {its} of {other} are the same folder, or one is inside the other;"
                    " Jellyfin would list its items in only one of the two. Give each library separate folders"
                )


def _check_choices(library: WantedLibrary) -> None:
    for name, choices in CHOICES.items():
        if name in library.options and library.options[name] not in choices:
            raise InvalidValue(f"{library.name}.options.{name} must be one of {', '.join(choices)}")


def _known_options(found: t.Sequence[Library]) -> dict[str, t.Any]:
    """Return every option of the OpenAPI documents and of this server, with a value of its type."""
    known = dict(OPTIONS)
    for library in found:
        known.update({name: value for name, value in _managed(library).items() if name not in known})
    return known


def _managed(library: Library) -> dict[str, t.Any]:
    """Return the options without the paths, which are a separate option of the module."""
    return {name: value for name, value in library.options.items() if name != "PathInfos"}


def _shown(library: Library) -> dict[str, t.Any]:
    return {"type": library.type, "paths": _shown_paths(library)}


def _shown_paths(library: Library) -> t.Any:
    """Return the paths, or both of Jellyfin's lists where they differ."""
    locations, infos = sorted(library.locations), sorted(library.path_infos)
    if locations == infos and len({normal_path(path) for path in locations}) == len(locations):
        return locations
    return {"Locations": locations, "PathInfos": infos}
