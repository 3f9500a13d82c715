# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules and host programs share one library: one client for each service, relative imports, nothing left out."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins" / "module_utils"
HOST = ROOT / "roles" / "runtime" / "files" / "lib" / "mediaserver"
SCRIPTS = HOST.parents[1] / "scripts"
# What only one file may use, and which one. A second user of one of these is a second client, or a second way to do it.
ONE_PLACE = {
    "/run/docker.sock": "_core/docker.py",
    "SO_BINDTODEVICE": "_core/sockets.py",
    "HTTPConnection": "_core/transport.py",
    "X-Transmission-Session-Id": "_transmission/client.py",
    "MediaBrowser ": "_jellyfin/client.py",
    "flock": "_core/files.py",
    "fsync": "_core/files.py",
    "os.replace": "_core/files.py",
    "CLOCK_BOOTTIME": "_core/clock.py",
}
# (file, what): why it is no second one.
EXCEPTIONS = {
    ("verify/address_page.py", "HTTPConnection"): "a page on the internet, asked over IPv4 alone",
    ("jellyfin_lock.py", "flock"): "the lock is on a folder that a service owns, and is not waited for",
}
# Of Debian, by packages that the role host or docker installs; each is imported where it is used, and missed there.
DEBIAN = {"nftables", "apprise"}


def programs(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


SHARED = sorted(entry.name for entry in HOST.iterdir() if entry.is_dir() and (UTILS / entry.name).is_dir())


def own_folders() -> list[Path]:
    """Return the folders and files of the host's own programs, without the shared packages."""
    return [entry for entry in sorted(HOST.iterdir()) if entry.name not in (*SHARED, "__pycache__")]


def own_programs() -> list[Path]:
    return [*programs(*(one for one in own_folders() if one.is_dir())), *sorted(HOST.glob("*.py"))]


def name(path: Path) -> str:
    for folder in (UTILS, HOST, ROOT):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


@cache
def uses(path: Path) -> frozenset[str]:
    """Return what a file names or holds as a string, besides docstrings: attributes with their module, too."""
    return frozenset(_uses(path))


def _uses(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
            if isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documents:
            yield node.value


EVERY = [*programs(UTILS), *own_programs()]


@pytest.mark.parametrize(("what", "place"), ONE_PLACE.items(), ids=list(ONE_PLACE))
def test_each_service_and_each_way_has_one_place(what: str, place: str) -> None:
    found = {name(path) for path in EVERY if what in uses(path)}
    allowed = {path for path, used in EXCEPTIONS if used == what}
    assert found == allowed | {place}, f"{what} is for {place}, which others import"


@pytest.mark.parametrize("what", ["os.rename", "tempfile.NamedTemporaryFile"])
def test_files_are_replaced_in_no_other_way(what: str) -> None:
    assert [name(path) for path in EVERY if what in uses(path)] == []


@pytest.mark.parametrize(("path", "what"), EXCEPTIONS)
def test_each_exception_is_needed(path: str, what: str) -> None:
    assert what in {use for one in EVERY if name(one) == path for use in uses(one)}


@pytest.mark.parametrize(
    "text", ["os.replace(a, b)", "from http.client import HTTPConnection", "x = '/run/docker.sock'"]
)
def test_a_second_way_is_noticed(tmp_path: Path, text: str) -> None:
    """The control."""
    path = tmp_path / "second.py"
    path.write_text(f"import os\n{text}\n")
    assert uses(path) & set(ONE_PLACE)


@pytest.mark.parametrize("path", programs(UTILS), ids=name)
def test_shared_code_imports_its_own_collection_by_relative_imports(path: Path) -> None:
    """Else it would not run on the host, where the collection has another name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    absolute = [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.level == 0
        and (node.module or "").startswith("ansible_collections")
    ]
    absolute += [
        one.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for one in node.names
        if one.name.startswith("ansible_collections")
    ]
    assert absolute == []


def top_level_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that run on the host: all but those for a type checker."""
    skipped = {
        one
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in node.body
        for one in ast.walk(child)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in skipped:
            yield node


def modules_of(path: Path, top: Path) -> set[str]:
    """Return the modules that a file imports, below the package ``mediaserver`` where they are the project's own."""
    here = ["mediaserver", *path.relative_to(top).parent.parts]
    found = set()
    for node in top_level_imports(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
            continue
        module = node.module or ""
        if node.level:
            module = ".".join([*here[: len(here) - node.level + 1], *([module] if module else [])])
        # "from package import module" and "from module import name" look alike.
        found.update(f"{module}.{one.name}" for one in node.names) if module.startswith("mediaserver") else found.add(
            module
        )
    return found


def is_installed(module: str) -> bool:
    """Say whether the role runtime installs a module, or the one that a name is imported from."""
    parts = module.split(".")[1:]
    for length in (len(parts), len(parts) - 1):
        path = HOST.joinpath(*parts[:length])
        if path.with_suffix(".py").is_file() or path.is_dir():
            return True
    return False


@pytest.mark.parametrize("package", ["_core", "_transmission", "_jellyfin", "_import"])
def test_shared_packages_are_links_to_the_modules_files(package: str) -> None:
    assert package in SHARED
    found = {path.name: path.resolve() for path in programs(HOST / package)}
    assert found == {path.name: path for path in programs(UTILS / package)}


@pytest.mark.parametrize("path", [*own_programs(), *programs(*(HOST / package for package in SHARED))], ids=name)
def test_host_programs_import_only_what_the_host_has(path: Path) -> None:
    imported = modules_of(path, HOST)
    own = {module for module in imported if module.split(".")[0] == "mediaserver"}
    assert {module for module in own if not is_installed(module)} == set()
    assert {module.split(".")[0] for module in imported - own} <= set(sys.stdlib_module_names) | DEBIAN


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_scripts_import_an_installed_module(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    (module,) = [line.split()[1] for line in lines if line.startswith("from mediaserver")]
    assert is_installed(module)


@pytest.mark.parametrize("folder", [one for one in own_folders() if one.is_dir()], ids=lambda path: path.name)
def test_each_package_of_the_host_says_in_one_line_what_it_is(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert text and len(text.splitlines()) == 1


def test_modules_and_programs_start_with_the_same_errors() -> None:
    """One tree: each exception of the shared code and of the host's programs is a member of it, or of Python's own."""
    errors = set()
    for path in EVERY:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
            if any(base in ("Exception", "BaseException") for base in bases):
                errors.add((name(path), node.name))  # type: ignore[union-attr]
    assert errors == {("_core/errors.py", "MediaserverError")}
