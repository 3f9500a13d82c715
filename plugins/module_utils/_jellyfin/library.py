# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Brings a server's libraries to the wanted state: read, plan, apply with one call after another, read back."""

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
from .access import get_by_key, not_installed_reason
from .client import (
    JellyfinClient,
    RequestFailed,
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
# Limit for a renamed library to be listed completely without a scan, limit for a scan to stop, pause between requests.
COMPLETE_WITHIN_S = 3.0
STOPPED_WITHIN_S = 60.0
POLL_S = 1.0


@dataclass
class LibraryResult:
    """The plan that was applied, or in check mode would be."""

    plan: LibraryPlan
    warnings: list[str] = field(default_factory=list)


def present(result: LibraryResult) -> dict[str, t.Any]:
    """Return the module's return values."""
    shown = {change.name: change.shown() for change in result.plan.changes.changes}
    return {
        "changed": bool(result.plan),
        "changes": {name: {"before": before, "after": after} for name, (before, after) in shown.items()},
        "actions": [str(action) for action in result.plan.actions],
        "diff": result.plan.changes.diff(),
    }


class JellyfinLibraries:
    """The wanted libraries of one server. Other libraries are compared with them and never changed."""

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

    def run(self) -> LibraryResult:
        """Apply the plan. Raises MediaserverError; completed steps stay, and the next run completes the rest."""
        if self.check_mode and (reason := not_installed_reason(self.client)):
            return LibraryResult(self._plan([]), [f"{reason}; predicted without the current libraries"])
        self.authorise()
        self.client.wait_until_healthy(self.timeout)
        found, partial = self._read()
        plan = self._plan(found)
        warnings = [*_partial_warnings(partial if self.check_mode else ()), *_unmanaged_warnings(found, self.wanted)]
        if not self.check_mode and plan:
            for action in plan.actions:
                try:
                    self._apply(action)
                except MediaserverError as error:
                    self._report_lost_options(action, plan.actions, error)
                    raise
            self._verify()
        return LibraryResult(with_scan(plan, partial), warnings)

    def _plan(self, found: t.Sequence[Library]) -> LibraryPlan:
        return plan_libraries(
            self.wanted, found, allow_removal=self.allow_removal, allow_type_change=self.allow_type_change
        )

    def _read(self) -> tuple[list[Library], list[str]]:
        needed = {library.name for library in self.wanted if not library.absent}
        return read_libraries(self.client, needed, timeout=self.timeout, check_mode=self.check_mode)

    def _apply(self, action: Action) -> None:
        """Apply one action. For a folder that it cannot read, Jellyfin returns 400 or 404 without a reason."""
        try:
            self._send(action)
        except RequestFailed as error:
            hint = ""
            if isinstance(action, (CreateLibrary, AddPath)) and error.status in (400, 404):
                paths = action.paths if isinstance(action, CreateLibrary) else (action.path,)
                what = f"the folder {paths[0]}" if len(paths) == 1 else f"one of the folders {', '.join(paths)}"
                raise ProtocolError(
                    f"libraries: {action.name}: the server cannot read {what}. A library's folder must exist and"
                    " be readable in the server's container. Create it on the host, or correct paths; with the role"
                    f" jellyfin, /media in the container is the host's mediaserver_media ({error})"
                ) from error
            if isinstance(action, WriteOptions) and error.status == 400:
                hint = ". It rejects one of the values; correct options"
            raise ProtocolError(f"could not {action}: {error}{hint}") from error

    def _report_lost_options(self, failed: Action, actions: t.Sequence[Action], error: MediaserverError) -> None:
        """Raise ServiceProblem with the options of a library that was deleted and may not have been recreated."""
        if not isinstance(failed, (DeleteLibrary, CreateLibrary)):
            return
        name = failed.name
        made = next((action for action in actions if isinstance(action, CreateLibrary) and action.name == name), None)
        if made is None or not any(isinstance(action, DeleteLibrary) and action.name == name for action in actions):
            return
        given = next(library.options for library in self.wanted if library.name == name)
        kept = {option: value for option, value in made.options.items() if option not in given}
        raise ServiceProblem(
            f"{error}. Library {name} was to be deleted and recreated with its options, and may not exist now."
            " The next run recreates it, with the server's defaults for options that are not in libraries. Add those"
            f" that you need; they were: {json.dumps(kept, sort_keys=True)}"
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
        """Create a library. The paths are in the body, because the server splits those in the query at commas."""
        body = {"LibraryOptions": {**options, "PathInfos": [{"Path": path} for path in paths]}}
        self.client.post(LIBRARIES, body, query={"name": name, "collectionType": kind, "refreshLibrary": True})
        names = {library.name for library in list_libraries(self.client)}
        if name not in names:
            raise NotTaken(
                f"POST {self.client.url}{LIBRARIES}: accepted, but library {name} is not listed, only"
                f" {', '.join(sorted(names)) or 'none'}. The server's log has the reason"
            )

    def _write_options(self, name: str, options: t.Mapping[str, t.Any]) -> None:
        """Send the whole current options with the changes, because the server replaces all; PathInfos are kept."""
        library = next((library for library in self._read()[0] if library.name == name), None)
        if library is None:
            raise ServiceProblem(f"library {name} is no longer listed; another program may have removed it. Run again")
        self.client.post(OPTIONS, {"Id": library.item_id, "LibraryOptions": merge(library.options, options)})

    def _stop_scan(self) -> None:
        """Stop a running scan of all libraries and wait until it has ended. Raises ServiceProblem."""
        client = self.client
        deadline = client.clock.monotonic() + STOPPED_WITHIN_S
        task = scan_task(client)
        if task.get("State") != "Idle":
            client.delete(f"{TASKS}/Running/{task.get('Id')}")
        while scan_task(client).get("State") != "Idle":
            if client.clock.monotonic() >= deadline:
                raise ServiceProblem(
                    f"GET {client.url}{TASKS}: the scan of all libraries was cancelled, but has not ended within"
                    f" {STOPPED_WITHIN_S:g} s. Stop it in Jellyfin's dashboard, or restart the server, and run again"
                )
            client.clock.sleep(POLL_S)

    def _verify(self) -> None:
        try:
            left = self._plan(self._read()[0])
        except InvalidValue as error:
            raise NotTaken(f"{self.client.url}: all changes were accepted, but then: {error}") from error
        if left:
            raise NotTaken(
                f"{self.client.url}: all changes were accepted, but these are still needed: "
                f"{'; '.join(str(action) for action in left.actions)}. The server completes objects in lists: give"
                " them with all their keys. Another program may be changing libraries; run again when it is done"
            )


def list_libraries(client: JellyfinClient) -> list[Library]:
    """Return all libraries, sorted by name. Raises AccessDenied, ProtocolError, Unreachable."""
    response = get_by_key(client, LIBRARIES)
    libraries = [parse_found(entry) for entry in expect_list(response, f"GET {client.url}{LIBRARIES}")]
    return sorted(libraries, key=lambda library: library.name)


def read_libraries(
    client: JellyfinClient, needed: t.Collection[str], *, timeout: float, check_mode: bool
) -> tuple[list[Library], list[str]]:
    """Return all libraries, and the names of those of ``needed`` that lacked ItemId or options, as after a rename.

    Only a scan completes them. Outside check mode, this starts one and returns the complete libraries. Raises
    ServiceProblem when a scan does not complete them within ``timeout`` s.
    """
    deadline = client.clock.monotonic() + min(timeout, COMPLETE_WITHIN_S)
    while partial := _partial(found := list_libraries(client), needed):
        if client.clock.monotonic() >= deadline:
            break
        client.clock.sleep(POLL_S)
    if not partial or check_mode:
        return found, partial
    client.post(SCAN)
    deadline = client.clock.monotonic() + timeout
    while True:
        client.clock.sleep(POLL_S)
        # Read the task first: what is missing after the scan has ended stays missing.
        ended = scan_task(client).get("State") == "Idle"
        if not (left := _partial(found := list_libraries(client), needed)):
            return found, partial
        if ended or client.clock.monotonic() >= deadline:
            raise ServiceProblem(
                f"GET {client.url}{LIBRARIES}: {', '.join(left)} is listed without ItemId or LibraryOptions, also"
                f" {'after' if ended else f'{timeout:g} s after the start of'} a scan of all libraries. Restart the"
                " server and run again; its log has the reason why it cannot read the library's folder"
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


def _partial_warnings(names: t.Sequence[str]) -> list[str]:
    if not names:
        return []
    return [
        f"{', '.join(names)}: listed without ItemId or LibraryOptions, as after a rename. A real run scans all"
        " libraries first; its changes after that cannot be predicted"
    ]


def _unmanaged_warnings(found: t.Sequence[Library], wanted: t.Sequence[WantedLibrary]) -> list[str]:
    named = {library.name for library in wanted}
    names = [library.name for library in found if library.has_empty_location and library.name not in named]
    if not names:
        return []
    return [
        f"{', '.join(names)}: one of the library's folders is an empty entry, as after a power cut, and the next"
        " scan drops its items. It is not in libraries, so it is not changed. Add it there, or restart the server: its"
        " entry point restores the folder"
    ]
