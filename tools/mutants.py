# SPDX-License-Identifier: GPL-3.0-or-later
"""Weakens the two barriers one rule at a time; the tests with real packets must notice each time.

    python tools/mutants.py

A mutant is a table without one of its rules that accept, drop, refuse or go to another chain, or with the opposite
policy in one chain. The result is printed as a table and written to build/reports/mutants.json. pytest loads this file
as a plugin too: the tests then see the mutant wherever they render a barrier.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "roles" / "runtime" / "files" / "lib"
SUBJECTS = ("kernel", "passes", "pages", "own")
TESTS = [ROOT / "tests" / "unit" / "host" / f"test_barrier_{subject}.py" for subject in SUBJECTS]
HOUSE = TESTS[0].with_name("barrier_lab.py")
REPORT = ROOT / "build" / "reports" / "mutants.json"
VARIABLE = "BARRIER_MUTANT"
AT_ONCE = 4  # the tests mostly wait
OPPOSITE = {"accept": "drop", "drop": "accept"}


class MutantsError(Exception):
    """The run means nothing; the text says why."""


@dataclass(frozen=True)
class Mutant:
    """One line of a chain that is taken away, or a policy that is turned round."""

    table: str
    chain: str
    rule: str

    @property
    def replacement(self) -> str:
        return re.sub(r"(?<=policy )\w+", lambda found: OPPOSITE[found[0]], self.rule) if "policy" in self.rule else ""

    def apply(self, text: str) -> str:
        """Return the table's file with this one line changed."""
        before, opening, rest = text.partition(f"chain {self.chain} {{\n")
        body, closing, after = rest.partition("}\n    chain ")
        lines = body.splitlines()
        if [line.strip() for line in lines].count(self.rule) != 1:
            raise MutantsError(f"chain {self.chain} does not have exactly one {self.rule!r}")
        changed = [self.replacement if line.strip() == self.rule else line for line in lines]
        return before + opening + "\n".join(changed) + closing + after


def mutants_of(table: str, text: str) -> Iterator[Mutant]:
    chain = ""
    for line in text.splitlines():
        if opened := re.fullmatch(r"    (?:chain (\w+)|\w+ \w+) \{", line):
            chain = opened[1] or ""
        elif chain and re.search(r"\b(accept|drop|goto|reject)\b", line):
            yield Mutant(table, chain, line.strip())


def pytest_configure() -> None:
    """Let every barrier that a test renders be the mutant."""
    if VARIABLE not in os.environ:
        return
    from mediaserver.firewall import barrier  # noqa: PLC0415 (only the tests' process has it on its path)

    mutant = Mutant(**json.loads(os.environ[VARIABLE]))
    name = f"render_{mutant.table}"
    render: Callable[..., str] = getattr(barrier, name)
    setattr(barrier, name, lambda settings: mutant.apply(render(settings)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try the other table's tests last: they seldom notice, and the first failure ends the run."""
    if VARIABLE in os.environ:
        other = {"outer": "inner", "inner": "outer"}[json.loads(os.environ[VARIABLE])["table"]]
        items.sort(key=lambda item: other in item.name)


def rendered() -> dict[str, str]:
    """The tables as the tests load them."""
    sys.path.insert(0, str(LIBRARY))
    spec = importlib.util.spec_from_file_location(HOUSE.stem, HOUSE)
    assert spec is not None
    assert spec.loader is not None
    tests = importlib.util.module_from_spec(spec)
    sys.modules[HOUSE.stem] = tests
    spec.loader.exec_module(tests)
    return {"outer": tests.OUTER, "inner": tests.INNER}


def run_tests(mutant: Mutant | None, only: str = "") -> str:
    """Return the first test that fails, as pytest calls it (``file::name``), or nothing when all pass."""
    chosen = {VARIABLE: json.dumps(asdict(mutant))} if mutant else {}
    path = os.pathsep.join([str(ROOT / "tools"), str(LIBRARY), str(HOUSE.parent)])
    # Without the others' plugins and Ansible pytest starts in a quarter of the time, and it starts often.
    options = ["-p", "mutants", "-p", "no:cacheprovider", "--noconftest", "-x", "--tb=no", "-rfs"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *([only] if only else map(str, TESTS))],
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **chosen},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.search(r"^FAILED (\S+?::.*?)(?: - .*)?$", result.stdout, re.MULTILINE)
    if "SKIPPED" in result.stdout or (result.returncode, bool(failed)) not in {(0, False), (1, True)}:
        raise MutantsError(f"the tests did not run ({mutant}):\n{result.stdout}{result.stderr}")
    return failed[1] if failed else ""


def killer(mutant: Mutant) -> str:
    """Return the test that notices the mutant, or nothing. It must do so twice: once may be a busy machine."""
    test = run_tests(mutant)
    return test and run_tests(mutant, test)


def can_be_loaded(text: str) -> bool:
    """A table that nft refuses would prove nothing about its tests."""
    check = ["unshare", "--net", "nft", "--check", "--file", "-"]
    return subprocess.run(check, input=text, text=True, check=False).returncode == 0


def examine() -> dict[Mutant, str]:
    """Return each mutant with the test that noticed it, or nothing."""
    texts = rendered()
    mutants = [mutant for table, text in texts.items() for mutant in mutants_of(table, text)]
    for mutant in mutants:
        if not can_be_loaded(mutant.apply(texts[mutant.table])):
            raise MutantsError(f"nft does not load {mutant}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The control: as many at once as later, and all pass while the tables are whole.
        if failed := "".join(pool.map(run_tests, [None] * AT_ONCE)):
            raise MutantsError(f"{failed} fails with whole tables")
        return dict(zip(mutants, pool.map(killer, mutants), strict=True))


def main() -> int:
    if os.getuid() != 0:
        print("mutants: the tests load tables into network namespaces, which needs root", file=sys.stderr)
        return 1
    try:
        found = examine()
    except MutantsError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 1
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = [{**asdict(mutant), "killed_by": test.split("::", 1)[-1] or None} for mutant, test in found.items()]
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    width = max(len(mutant.rule) for mutant in found)
    for mutant, test in found.items():
        print(f"{mutant.table:<6} {mutant.chain:<9} {mutant.rule:<{width}}  {test.split('::', 1)[-1] or 'SURVIVED'}")
    survived = sum(not test for test in found.values())
    print(f"{len(found)} mutants, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
