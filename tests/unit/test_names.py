# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that several parts must agree on stand in _core/names.py; what cannot import it has the same ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._core import names

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "roles" / "runtime" / "files" / "lib" / "mediaserver"
BRIDGES = {names.VPN_BRIDGE, names.JELLYFIN_BRIDGE}
TABLES = {names.OUTER_TABLE, names.INNER_TABLE}
UNITS = {names.BARRIER_UNIT, names.KEEPER_UNIT, names.MONITOR_UNIT, names.STACK_UNIT}
RUN_FILES = {str(value) for value in vars(names).values() if isinstance(value, Path) and value.parent == names.RUN}
# Options in these texts of a module or filter are for readers.
DOCUMENTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")

TEXTS = sorted(
    path
    for folder in ("roles", "playbooks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".yml", ".j2", ".sh") and path.is_file()
)
PROGRAMS = sorted(
    path
    for folder in (ROOT / "plugins", *(entry for entry in RUNTIME.iterdir() if not entry.is_symlink()))
    for path in (folder.rglob("*.py") if folder.is_dir() else [folder])
    if path.suffix == ".py" and path.name != "names.py" and not path.is_symlink()
)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def found(pattern: str, texts: list[Path] = TEXTS) -> dict[str, list[str]]:
    """Return what a pattern finds in each file; the comments of a file are no use of a name."""
    every = {}
    for path in texts:
        lines = (line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#"))
        if hits := re.findall(pattern, "\n".join(lines)):
            every[relative(path)] = hits
    return every


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        (r"(?<![\w.-])(wg\d)\b", {names.TUNNEL_DEVICE}),
        (r"(?:dev|net/|oifname|iifname) ?\"?(eth\d)\b", {names.UPLINK}),
        (r"\binet (mediaserver_\w+)", TABLES),
        (r"(/run/mediaserver/[\w.-]+)", RUN_FILES),
        (r"http://[^/\s]*?:?(\d+)/transmission/rpc", {str(names.TRANSMISSION_PORT)}),
        (r"\brpc-port: (\d+)", {str(names.TRANSMISSION_PORT)}),
        (r"- \{container: (909\d)\}", {str(names.TRANSMISSION_PORT)}),
    ],
)
def test_templates_and_scripts_have_the_same_names(pattern: str, known: set[str]) -> None:
    hits = found(pattern)
    assert hits, "the pattern finds nothing, so it holds nothing"
    assert {path: set(names_) - known for path, names_ in hits.items() if set(names_) - known} == {}


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_each_unit_has_a_template(unit: str) -> None:
    assert [relative(path) for path in TEXTS if path.name == f"{unit}.j2"], unit


def test_the_state_is_in_the_folder_that_the_roles_make() -> None:
    defaults = yaml.safe_load((ROOT / "roles" / "mediaserver" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert names.ENDPOINTS.is_relative_to(defaults["mediaserver_state"])


def test_the_roles_look_for_the_same_override_files_in_the_same_order() -> None:
    values = yaml.safe_load((ROOT / "roles" / "mediaserver" / "vars" / "main.yml").read_text(encoding="utf-8"))
    assert tuple(values["__mediaserver_overrides"]) == names.OVERRIDES
    written = {path: set(hits) for path, hits in found(r"[\w-]*compose\.override\.ya?ml").items()}
    assert written == {"roles/mediaserver/vars/main.yml": set(names.OVERRIDES)}, "use __mediaserver_overrides"


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a Python file with their lines, without docstrings and documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(node.value)
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id in DOCUMENTS for one in node.targets
        ):
            left_out.update(one for one in ast.walk(node) if isinstance(one, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in left_out:
            yield node.lineno, node.value


WRITTEN_ONCE = re.compile(
    "|".join(
        [
            *(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in sorted(BRIDGES | TABLES | UNITS)),
            rf"^{names.TUNNEL_DEVICE}$|^{names.UPLINK}$",
            rf"{names.RUN}/",
            rf"\b{names.TRANSMISSION_PORT}\b",
            *(rf"^{re.escape(name)}$" for name in names.OVERRIDES),
        ]
    )
)


@pytest.mark.parametrize("path", PROGRAMS, ids=relative)
def test_programs_import_the_names(path: Path) -> None:
    again = [f"line {line}: {text}" for line, text in strings(path) if WRITTEN_ONCE.search(text)]
    assert again == [], "import it from _core/names.py"


def test_a_name_that_is_written_again_is_noticed(tmp_path: Path) -> None:
    """The control."""
    path = tmp_path / "program.py"
    for text in (names.VPN_BRIDGE, f"inet {names.OUTER_TABLE}", names.MONITOR_UNIT, f"{names.RUN}/hold"):
        path.write_text(f'"""A docstring with br-vpn."""\nvalue = f"{{1}} {text}"\n')
        assert [text for _line, text in strings(path) if WRITTEN_ONCE.search(text)] == [f" {text}"]
