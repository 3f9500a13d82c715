# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation test of the barriers: removes one rule at a time; a test with real packets must fail each time.

    python tools/mutants.py

A mutant is a table without one of its rules that accept, drop, reject or go to another chain, or with the opposite
policy in one chain. The result is printed as a table and written to build/reports/mutants.json. pytest also loads this
file as a plugin; every barrier that a test renders is then the mutant.
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
SUBJECTS = ("kernel", "passes", "web_interfaces", "own")
TESTS = [ROOT / "tests" / "unit" / "host" / f"test_barrier_{subject}.py" for subject in SUBJECTS]
NETWORK_LAB = TESTS[0].with_name("barrier_lab.py")
REPORT = ROOT / "build" / "reports" / "mutants.json"
VARIABLE = "BARRIER_MUTANT"
AT_ONCE = 4  # more than cores, because the tests mostly wait
OPPOSITE = {"accept": "drop", "drop": "accept"}


class MutantsError(Exception):
    """The result is not valid; the text gives the reason."""


@dataclass(frozen=True)
class Mutant:
    """One line of a chain: a rule that is removed, or a policy that is inverted."""

    table: str
    chain: str
    rule: str

    @property
    def replacement(self) -> str:
        return re.sub(r"(?<=policy )\w+", lambda found: OPPOSITE[found[0]], self.rule) if "policy" in self.rule else ""

    def apply(self, text: str) -> str:
        """Return the table's file with this line changed. Raises MutantsError when it is not there exactly once."""
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
    """Replace the functions that render the barriers, so that they return the mutant."""
    if VARIABLE not in os.environ:
        return
    from mediaserver.firewall import barrier  # noqa: PLC0415 (only the tests' process has it on its path)

    mutant = Mutant(**json.loads(os.environ[VARIABLE]))
    name = f"render_{mutant.table}"
    render: Callable[..., str] = getattr(barrier, name)
    setattr(barrier, name, lambda settings: mutant.apply(render(settings)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the other table's tests last: they rarely fail, and the first failure ends the run."""
    if VARIABLE in os.environ:
        other = {"outer": "inner", "inner": "outer"}[json.loads(os.environ[VARIABLE])["table"]]
        items.sort(key=lambda item: other in item.name)


def rendered() -> dict[str, str]:
    """Return the tables as the tests load them."""
    sys.path.insert(0, str(LIBRARY))
    spec = importlib.util.spec_from_file_location(NETWORK_LAB.stem, NETWORK_LAB)
    assert spec is not None
    assert spec.loader is not None
    tests = importlib.util.module_from_spec(spec)
    sys.modules[NETWORK_LAB.stem] = tests
    spec.loader.exec_module(tests)
    return {"outer": tests.OUTER, "inner": tests.INNER}


def run_tests(mutant: Mutant | None, only: str = "") -> str:
    """Return the first test that fails (``file::name``), or nothing when all pass."""
    chosen = {VARIABLE: json.dumps(asdict(mutant))} if mutant else {}
    path = os.pathsep.join([str(ROOT / "tools"), str(LIBRARY), str(NETWORK_LAB.parent)])
    # pytest starts often; without other plugins and Ansible it starts in a quarter of the time.
    options = ["-p", "mutants", "-p", "no:cacheprovider", f"--confcutdir={NETWORK_LAB.parent}", "-x", "--tb=no", "-rfs"]
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
    """Return the test that fails with the mutant, or nothing. It must fail twice, as load could cause one failure."""
    test = run_tests(mutant)
    return test and run_tests(mutant, test)


def can_be_loaded(text: str) -> bool:
    """Return whether nft accepts the table; a test that fails because of a syntax error proves nothing."""
    check = ["unshare", "--net", "nft", "--check", "--file", "-"]
    return subprocess.run(check, input=text, text=True, check=False).returncode == 0


def examine() -> dict[Mutant, str]:
    """Return each mutant with the test that fails, or nothing."""
    texts = rendered()
    mutants = [mutant for table, text in texts.items() for mutant in mutants_of(table, text)]
    for mutant in mutants:
        if not can_be_loaded(mutant.apply(texts[mutant.table])):
            raise MutantsError(f"nft does not accept the table without {mutant}; mutants_of must skip this rule")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # The control, with the same load: all tests pass with the unchanged tables.
        if failed := "".join(pool.map(run_tests, [None] * AT_ONCE)):
            raise MutantsError(f"{failed} fails with the unchanged tables; repair these tests first")
        return dict(zip(mutants, pool.map(killer, mutants), strict=True))


def main() -> int:
    if os.getuid() != 0:
        print("mutants: run as root; the tests load tables into network namespaces", file=sys.stderr)
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
