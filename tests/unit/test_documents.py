# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents name exists: messages, codes, checks, links, paths, commands, variables, files on the host."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "roles" / "runtime" / "files" / "lib"
sys.path[:0] = [str(ROOT / "tests" / "leaks"), str(PROGRAMS)]

# The paths above must be set first.
from mediaserver.health.metrics import METRICS  # noqa: E402
from mediaserver.health.table import CHECKS  # noqa: E402
from mediaserver.monitor import assess, decide, healing, hold, monitor, torrents  # noqa: E402
from mediaserver.monitor.steps import Act  # noqa: E402
from mediaserver.tunnel import mtu  # noqa: E402
from probes import PROBES  # noqa: E402

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
TROUBLESHOOTING, OPERATIONS = ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "operations.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
# Stands for a part of a message that varies, in a document and in a source.
VARIES, GAP = "…", "\0"
# The shortest piece of a message that identifies it.
PIECE = 12
# Folders that a household makes.
OWN = re.compile(r"inventory/(home|<)")
EXAMPLE_ADDRESS = re.compile(r"example\.(com|org|net)|\.(example|invalid|test)\b")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def columns(path: Path, *titles: str) -> list[str]:
    """Return the cells of every table column with one of these titles."""
    found, index = [], None
    for line in text(path).splitlines():
        if not line.startswith("|"):
            index = None
        elif index is None:
            index = next((i for i, cell in enumerate(cells(line)) if cell in titles), -1)
        elif index >= 0 and not line.startswith("| ---"):
            found.append(cells(line)[index])
    return found


def quoted(value: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", without_blocks(value))


def without_blocks(value: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", value, flags=re.DOTALL | re.MULTILINE)


def squeezed(value: str) -> str:
    return " ".join(value.split())


# --- Messages.


def python_texts(path: Path) -> Iterator[str]:
    """Yield each text of a program, its formatted parts as gaps. Adjacent literals are one text for the parser."""
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w*\}", GAP, node.value)


class _Loader(yaml.SafeLoader):
    """Reads the tags of Ansible as plain values."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


def yaml_texts(path: Path) -> Iterator[str]:
    values: list[Any] = list(yaml.load_all(text(path), Loader=_Loader))
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield re.sub(r"\{\{.*?\}\}|\{%.*?%\}", GAP, value, flags=re.DOTALL)
        elif isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value


def shell_texts(path: Path) -> Iterator[str]:
    """Yield the whole program: words that a continued line joins are one text, a variable is a gap."""
    joined = re.sub(r'"\s*\\\n\s*"', " ", text(path))
    yield re.sub(r"\$\{[^}]*\}|\$\w+", GAP, joined)


@cache
def sources() -> tuple[str, ...]:
    found: list[str] = []
    for path in sorted([*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/*/files/**/*.py")]):
        found += python_texts(path)
    for path in sorted([*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml")]):
        found += yaml_texts(path)
    for path in sorted(ROOT.glob("roles/*/files/**/*.sh")):
        found += shell_texts(path)
    return tuple(map(squeezed, found))


def exists(message: str) -> bool:
    pieces = [re.escape(piece) for piece in map(squeezed, message.split(VARIES)) if piece]
    pattern = re.compile(".*?".join(pieces))
    return any(pattern.search(source) for source in sources())


MESSAGES = [
    message
    for cell in columns(TROUBLESHOOTING, "message", "messages")
    for message in quoted(cell)
    if " " in message  # others are codes and names
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_exists(message: str) -> None:
    assert max(map(len, message.split(VARIES))) >= PIECE, "too short to identify it"
    assert exists(message)


def test_messages_were_found_in_every_kind_of_source() -> None:
    assert len(MESSAGES) > 40
    assert exists("the tunnel carries no traffic")
    assert exists(f"The media disk {VARIES} cannot be mounted at {VARIES}")
    assert exists("the copy from its last good start is back")


@pytest.mark.parametrize("message", ["the tunnel is made of cheese", f"the tunnel {VARIES} of cheese"])
def test_a_message_that_no_program_has_is_noticed(message: str) -> None:
    assert not exists(message)


# --- Codes and checks: values of an enum and keys of a table in the host's programs.


def definition(kind: type[ast.ClassDef] | type[ast.FunctionDef], name: str) -> Any:
    """Return the only definition of this name among the host's programs."""
    found = [
        node
        for path in ROOT.glob("roles/*/files/lib/**/*.py")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, kind) and node.name == name
    ]
    assert len(found) == 1, f"{len(found)} definitions of {name}"
    return found[0]


def test_every_problem_code_has_one_entry() -> None:
    members = [node.value for node in definition(ast.ClassDef, "Code").body if isinstance(node, ast.Assign)]
    codes = [str(value.value) for value in members if isinstance(value, ast.Constant)]
    named = [code for cell in columns(TROUBLESHOOTING, "code") for code in quoted(cell)]
    assert sorted(named) == sorted(codes)


def test_every_check_of_vpn_verify_has_one_entry() -> None:
    (table,) = (node for node in ast.walk(definition(ast.FunctionDef, "checks")) if isinstance(node, ast.Dict))
    keys = [key.value for key in table.keys if isinstance(key, ast.Constant)]
    assert [check for cell in columns(TROUBLESHOOTING, "check") for check in quoted(cell)] == keys


def test_every_check_of_the_health_check_has_one_entry() -> None:
    named = [check for cell in columns(ROOT / "docs" / "health.md", "check") for check in quoted(cell)]
    # One row stands for those of all services.
    assert sorted(named) == sorted([*(one.id for one in CHECKS), "service-…"])


# --- The repairs and the seconds of vpn-monitor.

MONITOR = ROOT / "docs" / "vpn-monitor.md"
# What the first table calls each repair. START and UNPAUSE share a row, and so do the repairs of a dead tunnel.
REPAIRS = {
    Act.LOAD_BARRIER: "makes the barrier's keeper load it again",
    Act.FORWARD: "switches it on",
    Act.RESTART_DOCKER: "restarts Docker",
    Act.BRING_UP: "`docker compose up`",
    Act.RELOAD_HOLDER: "makes holder and tunnel load them again",
    Act.RECREATE: "recreates it if its holder was removed",
    Act.RESTART: "restarts the service",
    Act.START: "starts it",
    Act.UNPAUSE: "starts it",
    Act.RESOLVE: "resolves the endpoints again",
    Act.FAIL_OVER: "changes to the next peer",
    Act.RESTART_TUNNEL: "restarts the tunnel",
}
SPELLED = {
    3: "three",
    4: "four",
    5: "five",
    10: "ten",
    15: "fifteen",
    20: "twenty",
    60: "minute",
    300: "five minutes",
    3600: "hour",
}
SECONDS = [
    (MONITOR, "on each event of Docker and every {} seconds", monitor.CALM_S),
    (MONITOR, "have been missing for {} seconds", decide.NETWORK_MISSING_S),
    (MONITOR, "counts as dead after {} DNS queries through it without an answer", assess.MAX_UNANSWERED),
    (MONITOR, "after {} seconds without a handshake", assess.HANDSHAKE_LIFE_S),
    (MONITOR, "a container that Docker has been restarting for {} seconds", assess.CRASH_LOOP_S),
    (MONITOR, "that Docker has called unhealthy for {} seconds", healing.UNHEALTHY_S),
    (MONITOR, "the next restarts are one {} and up to five minutes apart", healing.PAUSE_S),
    (MONITOR, "until no playback was listed for one {}", healing.PLAYBACK_S),
    (MONITOR, "no playback was listed for one minute, and {} minutes at the longest", healing.IN_USE_S / 60),
    (MONITOR, "If Transmission has no peer {} seconds later", torrents.SWARM_PATIENCE_S),
    (TROUBLESHOOTING, "if nothing is received within {} seconds", torrents.SWARM_PATIENCE_S),
    (MONITOR, "{} seconds after the tunnel has come up", mtu.SETTLE_S),
    (MONITOR, "If a second probe {} seconds later", mtu.CONFIRM_S),
    (MONITOR, "and probes again every {}", mtu.LOST_S),
    (MONITOR, "and once an {}, vpn-monitor sends packets of the tunnel's full size", mtu.CALM_S),
    (MONITOR, "at most one {} ahead", hold.LONGEST_S),
    (TROUBLESHOOTING, "it ends by itself after an {} at most", hold.LONGEST_S),
]


@pytest.mark.parametrize(("path", "sentence", "value"), SECONDS, ids=[sentence for _, sentence, _ in SECONDS])
def test_a_document_has_the_seconds_of_vpn_monitor(path: Path, sentence: str, value: float) -> None:
    wanted = sentence.format(SPELLED.get(int(value), f"{value:g}"))
    assert wanted.lower() in squeezed(text(path)).lower()


def test_the_table_of_repairs_has_each_of_them() -> None:
    assert set(REPAIRS) == set(Act)
    repairs = columns(MONITOR, "repair")
    assert {act: words for act, words in REPAIRS.items() if not any(words in cell for cell in repairs)} == {}


def test_the_constants_of_vpn_monitor_are_in_the_files_that_contributing_names() -> None:
    rows = [re.findall(r"((?:`\w+`(?:, )?)+) in `([\w/.]+)`", cell) for cell in columns(CONTRIBUTING, "constant")]
    assert len(rows) > 8
    assert all(rows), "a row without a constant and its file"
    for names, file in (found for row in rows for found in row):
        assigned = re.findall(r"^([A-Z_, ]+) = ", text(PROGRAMS / "mediaserver" / file), re.MULTILINE)
        constants = {name for left in assigned for name in left.split(", ")}
        assert set(quoted(names)) - constants == set(), file


# --- Links.


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document: those that it sets, and those that its headings get."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings} | set(
        re.findall(r'<a id="([^"]+)">', text(path))
    )


def broken_links(path: Path) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text(path)):
        target, _hash, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        file = path.parent / target if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_relative_link_resolves(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("# A b…\n[a](#a-b) [b](#c) [c](y.md) [d](https://x.y/z)")
    assert broken_links(path) == ["#c", "y.md"]


# --- Paths and commands.

FOLDERS = "changelogs|docs|inventory|molecule|playbooks|plugins|roles|tests|tools"
PATH = re.compile(rf"(?<![\w/.~-])((?:{FOLDERS})/[\w./*<>-]*[\w*>/])")


def missing_paths(document: str) -> list[str]:
    named = {found for found in PATH.findall(document) if not OWN.match(found) and "<" not in found}
    return sorted(name for name in named if not list(ROOT.glob(name.rstrip("/"))))


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_path_of_the_checkout_exists(path: Path) -> None:
    assert missing_paths(text(path)) == []


def test_a_path_that_is_gone_is_noticed() -> None:
    gone = "`tools/gone`, roles/gone/tasks, tests/unit/gone.py. tools/run, roles/*/tasks, roles/<role>, /opt/docs/x"
    assert missing_paths(gone) == ["roles/gone/tasks", "tests/unit/gone.py", "tools/gone"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^\s*)make ([a-z][a-z-]*)", text(path), re.MULTILINE)) - targets == set()
    programs = {program.name for program in ROOT.glob("roles/*/files/scripts/*")}
    assert set(re.findall(r"/opt/mediaserver/scripts/([\w-]+)", text(path))) - programs == set()


# --- Variables, and files on the host.

# Tables and networks on the host, and Ansible's own folder.
OTHER_NAMES = {"mediaserver_barrier", "mediaserver_inner", "mediaserver_jellyfin", "mediaserver_vpn", "host_vars"}


def test_every_variable_exists() -> None:
    roles = [path.name for path in (ROOT / "roles").iterdir()]
    specs = [yaml.safe_load(text(path))["argument_specs"] for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    known = {name for spec in specs for entry in spec.values() for name in entry.get("options", {})}
    known |= {path.stem for path in ROOT.glob("plugins/*/*.py")} | set(METRICS)
    pattern = re.compile(rf"(?:{'|'.join(roles)})_[a-z_]+")
    named = {
        name
        for path in DOCUMENTS
        for code in quoted(text(path))
        for name in re.findall(r"(?<![\w/.-])[a-z]\w+", code)
        if pattern.fullmatch(name)
    }
    assert len(named) > 30
    assert named - known - OTHER_NAMES == set()


def test_uninstall_names_every_file_that_a_role_writes_below_etc() -> None:
    written = {
        found.rstrip(".")
        for path in ROOT.glob("roles/*/[tv]*s/*.yml")  # tasks and vars
        for found in re.findall(r"/etc/[\w./-]+", text(path))
    }
    folders = {name for name in written if name.endswith("/") or any(o.startswith(f"{name}/") for o in written)}
    files = written - folders - {"/etc/group"}
    assert len(files) > 10
    uninstall = text(OPERATIONS).partition("\n## Uninstall")[2]
    assert {name for name in files if name not in uninstall} == set()


# --- What the README counts, and the collection's own data.


def test_the_readme_counts_what_the_leak_test_tries() -> None:
    phases = text(ROOT / "tests" / "leaks" / "phases.py").partition("\nPHASES = ")[2]
    budgets = dict(re.findall(r'Phase\(\s*"([^"]+)"[^\n]*budget=(\d+)', phases))
    assert len(PROBES) > 100
    assert len(re.findall(r"\bPhase\(", phases)) >= 30
    assert budgets == {"tunnel killed": "10", "failover to the second peer": "30", "reboot": "60"}
    readme = squeezed(text(ROOT / "README.md"))
    assert "more than a hundred kinds of packets in thirty situations" in readme
    for limit in ("10 s after the tunnel was killed", "30 s after its server died", "60 s after a reboot"):
        assert limit in readme


def test_galaxy_yml_names_no_example_address() -> None:
    galaxy = yaml.safe_load(text(ROOT / "galaxy.yml"))
    addresses = [str(galaxy.get(key, "")) for key in ("repository", "homepage", "documentation", "issues")]
    assert [address for address in addresses if EXAMPLE_ADDRESS.search(address)] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("changelogs/fragments/*")), ids=lambda path: path.name)
def test_a_changelog_fragment_has_known_sections(path: Path) -> None:
    config = yaml.safe_load(text(ROOT / "changelogs" / "config.yaml"))
    lists = {name for name, _title in config["sections"]} | {config["trivial_section_name"]}
    for section, content in yaml.safe_load(text(path)).items():
        if section == config["prelude_section_name"]:
            assert isinstance(content, str)
        else:
            assert section in lists
            assert content
            assert all(isinstance(entry, str) for entry in content)
