# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of libraries: by a table, and by properties with a model of the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library_actions import (
    Action,
    AddPath,
    CreateLibrary,
    DeleteLibrary,
    RemovePath,
    ScanAll,
    WriteOptions,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library_model import (
    OPTIONS,
    TYPES,
    Library,
    WantedLibrary,
    normal_path,
    overlap,
    parse_found,
    parse_wanted,
)
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin.library_plan import (
    plan_libraries,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._jellyfin.official_documents import (
    JELLYFIN,
)
from hypothesis import given, settings
from hypothesis import strategies as st

MONITOR = {"EnableRealtimeMonitor": True}


def has(
    locations: Sequence[str],
    infos: Sequence[str] | None = None,
    *,
    name: str = "Movies",
    kind: str = "movies",
    **more: Any,
) -> Library:
    paths = [{"Path": path} for path in (locations if infos is None else infos)]
    return Library(name, kind, tuple(locations), {"Enabled": True, **more, "PathInfos": paths}, f"id of {name}")


def want(*paths: str, name: str = "Movies", kind: str = "movies", **options: Any) -> WantedLibrary:
    return WantedLibrary(name, kind, paths, options)


def gone(name: str = "Movies") -> WantedLibrary:
    return WantedLibrary(name, absent=True)


def check_path(path: str) -> AddPath:
    return AddPath("Movies", path, scan=False)


def remove(path: str, times: int = 1) -> list[Action]:
    return [RemovePath("Movies", path)] * times


def add(path: str) -> AddPath:
    return AddPath("Movies", path)


TABLE: dict[str, tuple[list[WantedLibrary], list[Library], list[Action]]] = {
    "nothing": ([], [has(["/m"])], []),
    "as wanted": ([want("/m", Enabled=True)], [has(["/m"])], []),
    "order does not matter": ([want("/b", "/a")], [has(["/a", "/b"], ["/b", "/a"])], []),
    "new": ([want("/m", **MONITOR)], [], [CreateLibrary("Movies", "movies", ("/m",), MONITOR)]),
    "already absent": ([gone()], [], []),
    "removal": ([gone()], [has(["/m"])], [DeleteLibrary("Movies")]),
    "added path": ([want("/a", "/b")], [has(["/a"])], [add("/b")]),
    "removed path": ([want("/a")], [has(["/a", "/b"])], [*remove("/b"), ScanAll()]),
    "other path": ([want("/b")], [has(["/a"])], [*remove("/a"), add("/b")]),
    "duplicate": ([want("/a")], [has(["/a", "/a"])], [check_path("/a"), *remove("/a", 3), add("/a")]),
    "no PathInfo": ([want("/a")], [has(["/a"], [])], [check_path("/a"), *remove("/a", 2), add("/a")]),
    "no shortcut": ([want("/a")], [has([], ["/a"])], [check_path("/a"), *remove("/a"), add("/a")]),
    "two PathInfos": ([want("/a")], [has(["/a"], ["/a", "/a"])], [check_path("/a"), *remove("/a", 2), add("/a")]),
    "additional path with slash": ([want("/a")], [has(["/a"], ["/a", "/a/"])], [*remove("/a/"), ScanAll()]),
    "only a path with slash": (
        [want("/a")],
        [has(["/a"], ["/a/"])],
        [*remove("/a/"), check_path("/a"), *remove("/a", 2), add("/a")],
    ),
    "unwanted duplicate": ([want("/a")], [has(["/a", "/b", "/b"], ["/a"])], [*remove("/b", 2), ScanAll()]),
    "option": (
        [want("/a", SaveLocalMetadata=True)],
        [has(["/a"], SaveLocalMetadata=False)],
        [WriteOptions("Movies", {"SaveLocalMetadata": True})],
    ),
    "option that was null": (
        [want("/a", MetadataCountryCode="DE")],
        [has(["/a"])],
        [WriteOptions("Movies", {"MetadataCountryCode": "DE"})],
    ),
    "monitor on": (
        [want("/a", **MONITOR)],
        [has(["/a"], EnableRealtimeMonitor=False)],
        [WriteOptions("Movies", MONITOR), ScanAll()],
    ),
    "monitor on, and a path": (
        [want("/a", "/b", **MONITOR)],
        [has(["/a"], EnableRealtimeMonitor=False)],
        [WriteOptions("Movies", MONITOR), add("/b")],
    ),
    "monitor off": (
        [want("/a", EnableRealtimeMonitor=False)],
        [has(["/a"], **MONITOR)],
        [WriteOptions("Movies", {"EnableRealtimeMonitor": False})],
    ),
    "other type": (
        [want("/b", SaveLocalMetadata=True)],
        [has(["/a"], kind="tvshows", EnablePhotos=False)],
        [
            *remove("/a"),
            check_path("/b"),
            DeleteLibrary("Movies"),
            CreateLibrary(
                "Movies", "movies", ("/b",), {"Enabled": True, "EnablePhotos": False, "SaveLocalMetadata": True}
            ),
        ],
    ),
    "removals come first": (
        [want("/b", name="New"), want("/a"), gone("Old")],
        [has(["/a", "/b"]), has(["/c"], name="Old")],
        [DeleteLibrary("Old"), *remove("/b"), CreateLibrary("New", "movies", ("/b",), {})],
    ),
}


@pytest.mark.parametrize(("wanted", "found", "actions"), TABLE.values(), ids=TABLE.keys())
def test_plans_actions(wanted: list[WantedLibrary], found: list[Library], actions: list[Action]) -> None:
    plan = plan_libraries(wanted, found, allow_removal=True, allow_type_change=True)
    assert list(plan.actions) == actions
    assert bool(plan) == bool(plan.changes) == bool(actions)
    # The order of the server's list is ignored.
    assert plan_libraries(wanted, found[::-1], allow_removal=True, allow_type_change=True) == plan


def test_diff_has_values_before_and_after() -> None:
    found = [has(["/a", "/a"], ["/a"], SaveLocalMetadata=False), has(["/c"], name="Old")]
    plan = plan_libraries([want("/a", SaveLocalMetadata=True), gone("Old")], found, allow_removal=True)
    assert plan.changes.diff() == {
        "before": {
            "Movies.options.SaveLocalMetadata": False,
            "Movies.paths": {"Locations": ["/a", "/a"], "PathInfos": ["/a"]},
            "Old": {"type": "movies", "paths": ["/c"]},
        },
        "after": {"Movies.options.SaveLocalMetadata": True, "Movies.paths": ["/a"], "Old": "absent"},
    }


REFUSED: dict[str, tuple[list[WantedLibrary], list[Library], str]] = {
    "removal": ([gone()], [has(["/a"])], "only with jellyfin_allow_removal"),
    "type": ([want("/a")], [has(["/a"], kind="books")], "only with jellyfin_allow_type_change"),
    "case": ([want("/a", name="MOVIES")], [has(["/a"])], "does not distinguish the two"),
    "case of one that is wanted absent": ([gone("MOVIES")], [has(["/a"])], "does not distinguish the two"),
    "two of one name": ([want("/a")], [has(["/a"]), has(["/b"], name="movies")], "does not distinguish the two"),
    "accent in two forms": (
        [want("/a", name="e\u0301")],
        [has(["/a"], name="é")],
        "does not distinguish the two",
    ),
    "unknown option": ([want("/a", Turbo=True)], [has(["/a"])], "has no Turbo"),
    "unknown option, new library": ([want("/a", Turbo=True)], [], "has no Turbo"),
    "type of option, new library": ([want("/a", EnablePhotos="yes")], [], "must be true or false, not 'yes'"),
    "type in list": ([want("/a", MetadataSavers=[1])], [], "MetadataSavers must be a text"),
    "choice": ([want("/a", AllowEmbeddedSubtitles="Some")], [], "must be one of"),
    "shared": ([want("/a"), want("/a", name="B")], [], "the same folder"),
    "nested": ([want("/a/b"), want("/a", name="B")], [], "is inside the other"),
    "renamed": ([want("/a")], [has(["/a"], name="B")], "Rename it in the inventory (name: B) or there"),
    "shared with unmanaged": ([want("/a", "/c")], [has(["/a"], name="B")], "/a of B"),
    "nested in unmanaged, in its options only": ([want("/a/b")], [has([], ["/a/"], name="B")], "/a of B"),
    "around unmanaged": ([want("/a")], [has(["/a/b"], name="B")], "/a/b of B"),
}


@pytest.mark.parametrize(("wanted", "found", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_input_is_rejected(wanted: list[WantedLibrary], found: list[Library], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        plan_libraries(wanted, found)
    assert message in str(caught.value)


def test_sibling_folders_do_not_overlap() -> None:
    plan_libraries([want("/media/tv")], [has(["/media/tv2"], name="B"), has(["/media/t"], name="C")])
    assert overlap("/", "/a")
    assert not overlap("/a", "/ab")


def test_option_that_only_this_server_has_is_accepted() -> None:
    found = [has(["/a"], name="B", NewOption=True)]
    plan = plan_libraries([want("/b", NewOption=False)], found)
    assert plan.actions == (CreateLibrary("Movies", "movies", ("/b",), {"NewOption": False}),)
    with pytest.raises(InvalidValue, match="must be true or false"):
        plan_libraries([want("/b", NewOption=1)], found)


NAMES = {"A/B": False, "a:b": False, "a?": False, "a\\b": False, 'a"b': False, "a\nb": False, " a": False, "a ": False}
NAMES |= {"": False, ".": False, "..": False, ".a": False, "é" * 101: False, "Films, old & new": True, "A  B": True}


@pytest.mark.parametrize(("name", "good"), NAMES.items())
def test_names_are_validated(name: str, good: bool) -> None:
    given_libraries = [{"name": name, "type": "movies", "paths": ["/a"]}]
    if good:
        assert parse_wanted(given_libraries) == [WantedLibrary(name, "movies", ("/a",))]
    else:
        with pytest.raises(InvalidValue):
            parse_wanted(given_libraries)


PATHS: dict[tuple[str, ...], tuple[str, ...] | None] = {
    ("/a/", "/b//"): ("/a", "/b"),
    ("/with, comma",): ("/with, comma",),
    ("/a", "/a/"): None,
    ("/a", "/a/b"): None,
    ("/",): None,
    ("//a",): None,
    ("/a/../b",): None,
    ("/a/./b",): None,
    ("/a//b",): None,
    ("/a ",): None,
    ("a",): None,
    ("",): None,
    (): None,
}


@pytest.mark.parametrize(("paths", "normal"), PATHS.items())
def test_paths_are_normalised_or_rejected(paths: tuple[str, ...], normal: tuple[str, ...] | None) -> None:
    given_libraries = [{"name": "A", "type": "movies", "paths": list(paths)}]
    if normal is None:
        with pytest.raises(InvalidValue, match="paths"):
            parse_wanted(given_libraries)
    else:
        assert parse_wanted(given_libraries)[0].paths == normal


def test_name_listed_twice_is_rejected() -> None:
    with pytest.raises(InvalidValue, match="twice"):
        parse_wanted([{"name": name, "type": "movies", "paths": [f"/{name}"]} for name in ("a", "A")])


def test_parses_complete_and_incomplete_libraries() -> None:
    renamed = parse_found({"Name": "A", "Locations": ["/a"]})
    assert (renamed.complete, renamed.type, renamed.path_infos) == (False, "mixed", ())
    whole = parse_found(
        {"Name": "A", "Locations": [], "ItemId": "1", "LibraryOptions": {"PathInfos": [{"Path": "/b/"}]}}
    )
    assert (whole.complete, whole.path_infos, whole.folders) == (True, ("/b/",), {"/b"})


@pytest.mark.parametrize("version", ["10.11", "12.0"])
def test_types_and_options_equal_the_openapi_documents(version: str) -> None:
    path: Path = JELLYFIN / f"openapi-{version}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: the official documents are not part of this project")
    schemas = json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
    assert set(TYPES) == set(schemas["CollectionTypeOptions"]["enum"])
    kinds = {bool: "boolean", str: "string", int: "integer", list: "array"}
    official = {name: entry.get("type", "string") for name, entry in schemas["LibraryOptions"]["properties"].items()}
    del official["PathInfos"]
    assert {name: kinds[type(sample)] for name, sample in OPTIONS.items()} == official


# --- with a model of the server ---------------------------------------------------------------------------------------

DEFAULTS = {"Enabled": True, "EnableRealtimeMonitor": False, "SaveLocalMetadata": False}


class Model:
    """Models Jellyfin's changes of the two lists of a library's folders."""

    def __init__(self, found: Sequence[Library]) -> None:
        self.libraries = {library.name: library for library in found}

    def take(self, action: Action) -> None:
        match action:
            case DeleteLibrary(name):
                del self.libraries[name]
            case CreateLibrary(name, kind, paths, options):
                assert name not in self.libraries, "the server would choose another name"
                self.libraries[name] = has(paths, name=name, kind=kind, **{**DEFAULTS, **options})
            case AddPath(name, path):
                library = self.libraries[name]
                self._set(library, (*library.locations, normal_path(path)), (*library.path_infos, path))
            case RemovePath(name, path):
                library = self.libraries[name]
                locations = list(library.locations)
                if path in locations:
                    locations.remove(path)
                self._set(library, locations, [info for info in library.path_infos if info != path])
            case WriteOptions(name, options):
                library = self.libraries[name]
                self.libraries[name] = replace(library, options={**library.options, **options})
            case ScanAll():
                pass

    def _set(self, library: Library, locations: Sequence[str], infos: Sequence[str]) -> None:
        options = {**library.options, "PathInfos": [{"Path": path} for path in infos]}
        self.libraries[library.name] = replace(library, locations=tuple(locations), options=options)

    @property
    def found(self) -> list[Library]:
        return list(self.libraries.values())


FOLDERS = ("/m/a", "/m/b", "/m/c", "/m/d")
SPELT = st.sampled_from([*FOLDERS, *(f"{path}/" for path in FOLDERS)])
KINDS = st.sampled_from(["movies", "tvshows", "mixed"])
VALUES = st.fixed_dictionaries({}, optional={name: st.booleans() for name in DEFAULTS})


@st.composite
def damaged(draw: st.DrawFn) -> list[Library]:
    """Damaged libraries: shortcuts and options that differ, duplicates, trailing slashes."""
    names = draw(st.lists(st.sampled_from(["One", "Two", "Three"]), unique=True))
    return [
        has(
            draw(st.lists(st.sampled_from(FOLDERS), max_size=6)),
            draw(st.lists(SPELT, max_size=6)),
            name=name,
            kind=draw(KINDS),
            **{**DEFAULTS, **draw(VALUES)},
        )
        for name in names
    ]


@st.composite
def wishes(draw: st.DrawFn) -> list[WantedLibrary]:
    """Wanted libraries. All names are managed, so that no folder belongs to another library."""
    owners = {path: draw(st.sampled_from(["One", "Two", "Three", ""])) for path in FOLDERS}
    wanted = []
    for name in draw(st.permutations(["One", "Two", "Three"])):
        paths = tuple(draw(st.permutations([path for path in FOLDERS if owners[path] == name])))
        wanted.append(
            WantedLibrary(name, draw(KINDS), paths, draw(VALUES)) if paths else WantedLibrary(name, absent=True)
        )
    return wanted


@settings(deadline=None, max_examples=200)
@given(found=damaged(), wanted=wishes(), cut=st.integers(0, 40))
def test_plan_converges_from_every_state_and_after_every_interruption(
    found: list[Library], wanted: list[WantedLibrary], cut: int
) -> None:
    allowed = {"allow_removal": True, "allow_type_change": True}
    model = Model(found)
    plan = plan_libraries(wanted, model.found, **allowed)
    for action in plan.actions[:cut]:
        model.take(action)
    # The next run continues from any intermediate state.
    for action in plan_libraries(wanted, model.found, **allowed).actions:
        model.take(action)
    assert not plan_libraries(wanted, model.found, **allowed)
    for library in wanted:
        if library.absent:
            assert library.name not in model.libraries
            continue
        is_now = model.libraries[library.name]
        assert sorted(is_now.locations) == sorted(is_now.path_infos) == sorted(library.paths)
        assert is_now.type == library.type
        before = next((one for one in found if one.name == library.name), None)
        kept = {**DEFAULTS, **(before.options if before else {}), **library.options}
        # An interruption between deletion and recreation loses unmanaged options.
        for name in library.options if cut else DEFAULTS:
            assert is_now.options[name] == kept[name]


@settings(deadline=None, max_examples=200)
@given(found=damaged(), wanted=wishes())
def test_no_action_puts_a_folder_into_two_libraries(found: list[Library], wanted: list[WantedLibrary]) -> None:
    """From a valid state, no intermediate action puts a folder into a second library."""
    sound = Model([])
    for action in plan_libraries(
        [WantedLibrary(one.name, one.type, (f"/m/{'abc'[number]}",)) for number, one in enumerate(found)], []
    ).actions:
        sound.take(action)
    for action in plan_libraries(wanted, sound.found, allow_removal=True, allow_type_change=True).actions:
        sound.take(action)
        owned = [path for library in sound.found for path in library.folders]
        assert len(owned) == len(set(owned))
