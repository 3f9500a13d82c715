# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's libraries to what is wanted: read, plan, one call after another, read back."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    InvalidValue,
    MediaserverError,
    NotTaken,
    ProtocolError,
    ServiceProblem,
)
from .access import get_by_key, not_there_yet
from .client import (
    JellyfinClient,
    Refused,
    expect_list,
)
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
    Library,
    WantedLibrary,
    parse_found,
)
from .library_plan import (
    LibraryPlan,
    plan_libraries,
    with_scan,
)
from .values import merge

LIBRARIES = "/Library/VirtualFolders"
PATHS = f"{LIBRARIES}/Paths"
OPTIONS = f"{LIBRARIES}/LibraryOptions"
SCAN = "/Library/Refresh"
TASKS = "/ScheduledTasks"
SCAN_TASK = "RefreshLibrary"
# Seconds for a library that was just renamed to be listed whole without a scan, for a scan to stop, between two looks.
WHOLE_WITHIN_S = 3.0
STOPPED_WITHIN_S = 60.0
LOOK_EVERY_S = 1.0


@dataclass
class Outcome:
    """What was done, or would be in check mode."""

    plan: LibraryPlan
    warnings: list[str] = field(default_factory=list)


def present(outcome: Outcome) -> dict[str, t.Any]:
    """Return the module's answer."""
    shown = {change.name: change.shown() for change in outcome.plan.changes.changes}
    return {
        "changed": bool(outcome.plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "actions": [str(action) for action in outcome.plan.actions],
        "diff": outcome.plan.changes.diff(),
    }


class JellyfinLibraries:
    """The wanted libraries of one server; others are looked at and left alone."""

    def __init__(
        self,
        client: JellyfinClient,
        wanted: t.Sequence[WantedLibrary],
        *,
        allow_removal: bool,
        allow_type_change: bool,
        timeout: float,
        check_mode: bool,
        authorise: t.Callable[[], None],
    ) -> None:
        self.client = client
        self.wanted = list(wanted)
        self.allow_removal = allow_removal
        self.allow_type_change = allow_type_change
        self.timeout = timeout
        self.check_mode = check_mode
        self.authorise = authorise

    def run(self) -> Outcome:
        """Do it. Raises MediaserverError; what was done until then stays so, and the next run goes on."""
        if self.check_mode and (reason := not_there_yet(self.client)):
            return Outcome(self._plan([]), [f"{reason}; foretold without having seen the present libraries"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        found, partial = self._read()
        plan = self._plan(found)
        warnings = [*_of_partial(partial if self.check_mode else ()), *_of_unmanaged(found, self.wanted)]
        if not self.check_mode and plan:
            for action in plan.actions:
                try:
                    self._take(action)
                except MediaserverError as error:
                    self._say_what_is_lost(action, plan.actions, error)
                    raise
            self._check_taken()
        return Outcome(with_scan(plan, partial), warnings)

    def _plan(self, found: t.Sequence[Library]) -> LibraryPlan:
        return plan_libraries(
            self.wanted, found, allow_removal=self.allow_removal, allow_type_change=self.allow_type_change
        )

    def _read(self) -> tuple[list[Library], list[str]]:
        needed = {library.name for library in self.wanted if not library.absent}
        return read_libraries(self.client, needed, timeout=self.timeout, check_mode=self.check_mode)

    def _take(self, action: Action) -> None:
        """Take one step. Jellyfin's word for a folder that it does not see is 400 or 404, without saying so."""
        try:
            self._send(action)
        except Refused as error:
            hint = ""
            if isinstance(action, (CreateLibrary, AddPath)) and error.status in (400, 404):
                paths = action.paths if isinstance(action, CreateLibrary) else (action.path,)
                what = f"the folder {paths[0]}" if len(paths) == 1 else f"one of the folders {', '.join(paths)}"
                raise ProtocolError(
                    f"libraries: {action.name}: the server does not see {what}. A library's folder must exist and"
                    " be readable where the server runs, in its container. Create it on the host, or correct paths; in"
                    f" the role jellyfin, /media in the container is the host's mediaserver_media ({error})"
                ) from error
            if isinstance(action, WriteOptions) and error.status == 400:
                hint = ". It does not take one of the values"
            raise ProtocolError(f"could not {action}: {error}{hint}") from error

    def _say_what_is_lost(self, failed: Action, actions: t.Sequence[Action], error: MediaserverError) -> None:
        """Raise ServiceProblem with the options of a library that was deleted to be made anew, and perhaps is not."""
        if not isinstance(failed, (DeleteLibrary, CreateLibrary)):
            return
        name = failed.name
        made = next((action for action in actions if isinstance(action, CreateLibrary) and action.name == name), None)
        if made is None or not any(isinstance(action, DeleteLibrary) and action.name == name for action in actions):
            return
        given = next(library.options for library in self.wanted if library.name == name)
        kept = {option: value for option, value in made.options.items() if option not in given}
        raise ServiceProblem(
            f"{error}. Library {name} was to be deleted and made anew with the options that it had, and may be gone."
            " The next run makes it anew, with the server's own values for those that are not in libraries. They were:"
            f" {json.dumps(kept, sort_keys=True)}"
        ) from error

    def _send(self, action: Action) -> None:
        client = self.client
        match action:
            case DeleteLibrary(name, keep_items):
                client.delete(LIBRARIES, query={"name": name, "refreshLibrary": not keep_items})
            case CreateLibrary(name, kind, paths, options):
                self._create(name, kind, paths, options)
            case AddPath(name, path, scan):
                body = {"Name": name, "PathInfo": {"Path": path}}
                client.post(PATHS, body, query={"refreshLibrary": scan})
            case RemovePath(name, path):
                client.delete(PATHS, query={"name": name, "path": path, "refreshLibrary": False})
            case WriteOptions(name, options):
                self._write_options(name, options)
            case StopScan():
                self._stop_scan()
            case ScanAll():
                client.post(SCAN)

    def _create(self, name: str, kind: str, paths: t.Sequence[str], options: t.Mapping[str, t.Any]) -> None:
        """Paths go into the body: in the query they would be split at commas."""
        body = {"LibraryOptions": {**options, "PathInfos": [{"Path": path} for path in paths]}}
        self.client.post(LIBRARIES, body, query={"name": name, "collectionType": kind, "refreshLibrary": True})
        names = {library.name for library in list_libraries(self.client)}
        if name not in names:
            raise NotTaken(
                f"POST {self.client.url}{LIBRARIES}: accepted, and no library {name} is listed, but"
                f" {', '.join(sorted(names)) or 'none'}"
            )

    def _write_options(self, name: str, options: t.Mapping[str, t.Any]) -> None:
        """Send the whole object as it is now, since the server replaces all of it; PathInfos stay as they are."""
        library = next((library for library in self._read()[0] if library.name == name), None)
        if library is None:
            raise ServiceProblem(f"library {name} is gone while its options were to be written; is another at work?")
        self.client.post(OPTIONS, {"Id": library.item_id, "LibraryOptions": merge(library.options, options)})

    def _stop_scan(self) -> None:
        """Stop the scan of all libraries, if one is running, and wait until it has ended."""
        client = self.client
        deadline = client.clock.monotonic() + STOPPED_WITHIN_S
        task = scan_task(client)
        if task.get("State") != "Idle":
            client.delete(f"{TASKS}/Running/{task.get('Id')}")
        while scan_task(client).get("State") != "Idle":
            if client.clock.monotonic() >= deadline:
                raise ServiceProblem(
                    f"GET {client.url}{TASKS}: the scan of all libraries was stopped, and has not ended within"
                    f" {STOPPED_WITHIN_S:g} s. Stop it in Jellyfin's dashboard, or restart the server, and run again"
                )
            client.clock.sleep(LOOK_EVERY_S)

    def _check_taken(self) -> None:
        try:
            left = self._plan(self._read()[0])
        except InvalidValue as error:
            raise NotTaken(f"{self.client.url}: everything was accepted, and then: {error}") from error
        if left:
            raise NotTaken(
                f"{self.client.url}: everything was accepted, and then there is still to do: "
                f"{'; '.join(str(action) for action in left.actions)}. The server completes objects in lists: give"
                " those with all their keys. Another program may be changing libraries; run again when it is done"
            )


def list_libraries(client: JellyfinClient) -> list[Library]:
    """Return all libraries as they are listed now, by name. Raises AccessDenied, ProtocolError, Unreachable."""
    answer = get_by_key(client, LIBRARIES)
    libraries = [parse_found(entry) for entry in expect_list(answer, f"GET {client.url}{LIBRARIES}")]
    return sorted(libraries, key=lambda library: library.name)


def read_libraries(
    client: JellyfinClient, needed: t.Collection[str], *, timeout: float, check_mode: bool
) -> tuple[list[Library], list[str]]:
    """Return all libraries, and the names of those of ``needed`` that lacked ItemId or options, as after a rename.

    Only a scan brings what they lack. Outside check mode one is asked for, and the libraries are returned whole.
    """
    deadline = client.clock.monotonic() + min(timeout, WHOLE_WITHIN_S)
    while partial := _partial(found := list_libraries(client), needed):
        if client.clock.monotonic() >= deadline:
            break
        client.clock.sleep(LOOK_EVERY_S)
    if not partial or check_mode:
        return found, partial
    client.post(SCAN)
    deadline = client.clock.monotonic() + timeout
    while True:
        client.clock.sleep(LOOK_EVERY_S)
        # In this order: what a scan that has ended did not bring does not come.
        ended = scan_task(client).get("State") == "Idle"
        if not (left := _partial(found := list_libraries(client), needed)):
            return found, partial
        if ended or client.clock.monotonic() >= deadline:
            raise ServiceProblem(
                f"GET {client.url}{LIBRARIES}: {', '.join(left)} is listed without ItemId or LibraryOptions, also"
                f" {'after' if ended else f'{timeout:g} s after the start of'} a scan of all libraries. Restart the"
                " server, and run again; its log says why it cannot read the library's folder"
            )


def scan_task(client: JellyfinClient) -> dict[str, t.Any]:
    """Return the scheduled task that scans all libraries. Raises ProtocolError."""
    tried = f"GET {client.url}{TASKS}"
    for task in expect_list(get_by_key(client, TASKS), tried):
        if task.get("Key") == SCAN_TASK:
            return task
    raise ProtocolError(f"{tried}: no task {SCAN_TASK}; is this Jellyfin?")


def _partial(found: t.Sequence[Library], needed: t.Collection[str]) -> list[str]:
    return [library.name for library in found if library.name in needed and not library.complete]


def _of_partial(names: t.Sequence[str]) -> list[str]:
    if not names:
        return []
    return [
        f"{', '.join(names)}: listed without ItemId or LibraryOptions, as after a rename. A real run scans all"
        " libraries first; what it changes after that cannot be predicted"
    ]


def _of_unmanaged(found: t.Sequence[Library], wanted: t.Sequence[WantedLibrary]) -> list[str]:
    named = {library.name for library in wanted}
    names = [library.name for library in found if library.has_empty_location and library.name not in named]
    if not names:
        return []
    return [
        f"{', '.join(names)}: one of the library's folders is an empty entry, as a power cut leaves it, and the next"
        " scan drops its items. It is not in libraries, so it is left alone. List it there, or restart the server: its"
        " entry point writes the folder back"
    ]
