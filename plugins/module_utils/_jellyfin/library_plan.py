# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: wanted libraries beside those of the server; which steps, in which order, make the ones the others.

A library has its folders twice, as shortcuts (Locations) and in its options (PathInfos), and both must be right.
Adding a path adds to both without a look at what is there; removing one takes one shortcut and every equal
PathInfo. So a path that is not exactly once in both is taken away entirely and added again.

A shortcut that a power cut has emptied is listed as an empty location, which the server does not remove (400), and
whose items the next scan drops. Such a library is taken away without a scan and made again as it was: ids of library
and items derive from names and paths, so items and marks stay.
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
    normal_path,
    overlap,
    same_name,
)
from .values import changes_between


@dataclass(frozen=True)
class LibraryPlan:
    """Steps in the order in which they are taken, and the same as before and after."""

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
    """Return all steps: first what makes room, then the rest. Raises InvalidValue before anything is done."""
    draft = _Draft(found, allow_removal=allow_removal, allow_type_change=allow_type_change)
    for library in wanted:
        has = match(library, found)
        if library.absent:
            draft.without(has)
        else:
            draft.keep(library, has)
    _check_renamed(wanted, found)
    _check_folders(wanted, found)
    actions = [*draft.doomed, *draft.room, *draft.rest]
    if _scan_is_owed(actions, found):
        actions.append(ScanAll())
    return LibraryPlan(tuple(actions), Plan(tuple(sorted(draft.changes, key=lambda change: change.name))))


def with_scan(plan: LibraryPlan, names: t.Sequence[str]) -> LibraryPlan:
    """Return the plan behind the scan that brings what these libraries lacked."""
    if not names:
        return plan
    changes = [*plan.changes.changes, *(Change(f"{name}.ItemId", MISSING, "present") for name in names)]
    return LibraryPlan((ScanAll(), *plan.actions), Plan(tuple(sorted(changes, key=lambda change: change.name))))


class _Draft:
    """Collects the steps: what is deleted, what makes room for others, all else; and the changes they make."""

    def __init__(self, found: t.Sequence[Library], *, allow_removal: bool, allow_type_change: bool) -> None:
        self.known = _known_options(found)
        self.allow_removal = allow_removal
        self.allow_type_change = allow_type_change
        self.doomed: list[Action] = []
        self.room: list[Action] = []
        self.rest: list[Action] = []
        self.changes: list[Change] = []

    def without(self, has: Library | None) -> None:
        if has is None:
            return
        if not self.allow_removal:
            raise InvalidValue(
                f"library {has.name} is there and wanted absent; it is removed only with jellyfin_allow_removal: true"
            )
        self.doomed.append(DeleteLibrary(has.name))
        self.changes.append(Change(has.name, _shown(has), "absent"))

    def keep(self, wanted: WantedLibrary, has: Library | None) -> None:
        if has is not None and not has.complete:
            # Seen in check mode only: what it lacks comes with a scan, which with_scan() plans.
            return
        present = {} if has is None else _managed(has)
        samples = {name: value for name, value in self.known.items() if name not in present}
        options = list(changes_between(f"{wanted.name}.options", wanted.options, present, samples))
        _check_choices(wanted)
        if has is not None and has.type == wanted.type:
            if has.has_empty_location:
                self._make_again(wanted, has, present, options)
            else:
                self._adjust(wanted, has, options)
            return
        made = wanted
        if has is not None:
            if not self.allow_type_change:
                raise InvalidValue(
                    f"library {has.name} is of type {has.type} and wanted as {wanted.type}; Jellyfin"
                    " cannot change that, so it is deleted and made anew, with what it knew of its items, only with"
                    " jellyfin_allow_type_change: true"
                )
            self.room += _path_steps(wanted, has)[0]
            # A folder that is not there is found out before anything is lost.
            self.rest += [AddPath(wanted.name, path, scan=False) for path in wanted.paths]
            self.rest.append(DeleteLibrary(wanted.name))
            # What is not wanted otherwise stays as it was.
            made = replace(wanted, options={**present, **wanted.options})
        self.rest.append(CreateLibrary(made.name, made.type, made.paths, made.options))
        after = {"type": made.type, "paths": sorted(made.paths), "options": dict(wanted.options)}
        self.changes.append(Change(wanted.name, MISSING if has is None else _shown(has), after))

    def _make_again(
        self, wanted: WantedLibrary, has: Library, present: t.Mapping[str, t.Any], options: list[Change]
    ) -> None:
        self.rest.append(StopScan())
        # A folder that is not there is found out before anything is taken away.
        self.rest += [AddPath(wanted.name, path, scan=False) for path in wanted.paths]
        self.rest.append(DeleteLibrary(wanted.name, keep_items=True))
        self.rest.append(CreateLibrary(wanted.name, wanted.type, wanted.paths, {**present, **wanted.options}))
        self.changes += options
        self.changes.append(Change(f"{wanted.name}.paths", _shown_paths(has), sorted(wanted.paths)))

    def _adjust(self, wanted: WantedLibrary, has: Library, options: list[Change]) -> None:
        removed, repaired = _path_steps(wanted, has)
        self.room += removed
        if options:
            self.rest.append(WriteOptions(wanted.name, wanted.options))
        self.rest += repaired
        self.changes += options
        if removed or repaired:
            self.changes.append(Change(f"{wanted.name}.paths", _shown_paths(has), sorted(wanted.paths)))


def match(library: WantedLibrary, found: t.Sequence[Library]) -> Library | None:
    """Return the library of that name. Raises InvalidValue for one that people would take for it."""
    alike = [has for has in found if same_name(has.name) == same_name(library.name)]
    exact = next((has for has in alike if has.name == library.name), None)
    if library.absent and exact:
        return exact
    if others := [has.name for has in alike if has is not exact]:
        raise InvalidValue(
            f"libraries: {library.name!r} is wanted, and the server has {', '.join(map(repr, others))}: it would keep"
            " them apart on disk and mix them up in its database. Use that spelling, or rename or remove it in Jellyfin"
        )
    return exact


def _path_steps(library: WantedLibrary, has: Library) -> tuple[list[Action], list[Action]]:
    """Return the removals of what is not wanted, and the steps for what is missing or damaged."""
    removed: list[Action] = []
    repaired: list[Action] = []
    for path in dict.fromkeys((*has.locations, *has.path_infos)):
        if path not in library.paths:
            # Another spelling of a wanted path, with a slash at its end, goes the same way.
            removed += [RemovePath(library.name, path)] * max(1, has.locations.count(path))
    for path in library.paths:
        shortcuts, infos = has.locations.count(path), has.path_infos.count(path)
        if (shortcuts, infos) == (1, 1):
            continue
        if shortcuts or infos:
            # The trial proves that the folder is there: a missing one could be removed, and not added again.
            repaired.append(AddPath(library.name, path, scan=False))
            repaired += [RemovePath(library.name, path)] * (shortcuts + 1)
        repaired.append(AddPath(library.name, path))
    return removed, repaired


def _scan_is_owed(actions: t.Sequence[Action], found: t.Sequence[Library]) -> bool:
    """Tell whether the last words need a scan: items of a path that is gone stay, and a monitor switched on sleeps."""
    before = {library.name: library.options for library in found}
    owed = False
    for action in actions:
        if isinstance(action, CreateLibrary) or (isinstance(action, AddPath) and action.scan):
            owed = False
        elif isinstance(action, RemovePath):
            owed = True
        elif isinstance(action, WriteOptions) and action.options.get(MONITOR) is True:
            owed = owed or before[action.name].get(MONITOR) is not True
    return owed


def _check_renamed(wanted: t.Sequence[WantedLibrary], found: t.Sequence[Library]) -> None:
    """Raise InvalidValue where a wanted library is not there, and one that is not listed has exactly its folders."""
    named = {same_name(library.name) for library in wanted}
    there = {library.name for library in found}
    for library in wanted:
        if library.absent or library.name in there:
            continue
        for other in found:
            if same_name(other.name) not in named and other.folders == frozenset(library.paths):
                raise InvalidValue(
                    f"libraries: the server has no library {library.name}, but {other.name} with the same folders"
                    f" ({', '.join(sorted(library.paths))}): it was renamed, probably in Jellyfin's web interface."
                    f" Rename it in the inventory (name: {other.name}) or there"
                )


def _check_folders(wanted: t.Sequence[WantedLibrary], found: t.Sequence[Library]) -> None:
    """Raise InvalidValue where a wanted folder is, or lies in, that of another library, managed or not."""
    owners = [(library.name, path) for library in wanted for path in library.paths]
    named = {library.name for library in wanted}
    others = [(library.name, path) for library in found if library.name not in named for path in library.folders]
    for index, (name, path) in enumerate(owners):
        for other, its in [*owners[index + 1 :], *others]:
            if other != name and overlap(path, its):
                raise InvalidValue(
                    f"libraries: {path} of {name} and {its} of {other} are one folder, or one lies within the other;"
                    " Jellyfin accepts that and then lists what is there in one of them only. Give each library"
                    " folders of its own"
                )


def _check_choices(library: WantedLibrary) -> None:
    for name, choices in CHOICES.items():
        if name in library.options and library.options[name] not in choices:
            raise InvalidValue(f"{library.name}.options.{name} takes one of {', '.join(choices)}")


def _known_options(found: t.Sequence[Library]) -> dict[str, t.Any]:
    """Return every option that the documents or this server know, with a value of its type."""
    known = dict(OPTIONS)
    for library in found:
        known.update({name: value for name, value in _managed(library).items() if name not in known})
    return known


def _managed(library: Library) -> dict[str, t.Any]:
    """Return the options without the paths, which have an option of their own."""
    return {name: value for name, value in library.options.items() if name != "PathInfos"}


def _shown(library: Library) -> dict[str, t.Any]:
    return {"type": library.type, "paths": _shown_paths(library)}


def _shown_paths(library: Library) -> t.Any:
    """Return the paths, or both lists where they do not agree."""
    locations, infos = sorted(library.locations), sorted(library.path_infos)
    if locations == infos and len({normal_path(path) for path in locations}) == len(locations):
        return locations
    return {"Locations": locations, "PathInfos": infos}
