# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the import's planner: reads cases from a YAML file and prints one line of JSON for each.

    tools/run python tools/import_plan.py FILE

FILE is a list of cases, or a mapping with the key `cases`. A case has `id`, `torrent` (`name`, `label` or `labels`,
`folder` below the root of finished downloads, `files` as lists of path, bytes and wanted) and `already_in_library`.
A file whose name ends in .part counts as not complete, all others as complete.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
# The link below it is made by tools/setup.
sys.path[:0] = [str(ROOT / "build" / "collections")]

from ansible_collections.household.mediaserver.plugins.module_utils._import.guess import load_guessit  # noqa: E402
from ansible_collections.household.mediaserver.plugins.module_utils._import.model import (  # noqa: E402
    ExistingFiles,
    Guess,
    Refusal,
    Torrent,
    TorrentFile,
)
from ansible_collections.household.mediaserver.plugins.module_utils._import.plan import plan  # noqa: E402


class CaseError(ValueError):
    """A case that does not have the form of the file."""


def torrent_of(case: t.Mapping[str, t.Any]) -> Torrent:
    """Read the torrent of a case."""
    given = case["torrent"]
    files = []
    for path, length, *rest in given["files"]:
        size = int(length)
        complete = not str(path).endswith(".part")
        wanted = bool(rest[0]) if rest else True
        files.append(
            TorrentFile(path=str(path), length=size, completed=size if complete else max(size - 1, 0), wanted=wanted)
        )
    label = given.get("label")
    labels = given.get("labels") or ([] if label is None else [label])
    return Torrent(
        name=str(given["name"]),
        files=tuple(files),
        labels=tuple(map(str, labels)),
        folder=str(given.get("folder") or ""),
    )


def answer(case: t.Mapping[str, t.Any], guess: Guess | None, this_year: int) -> dict[str, t.Any]:
    """Plan a case and return what is printed."""
    existing = ExistingFiles({str(path): None for path in case.get("already_in_library") or []})
    planned = plan(torrent_of(case), existing, guess=guess, this_year=this_year)
    if isinstance(planned, Refusal):
        return {"id": case.get("id"), "kind": None, "links": {}, "left_out": {}, "refused": planned.text}
    return {
        "id": case.get("id"),
        "kind": planned.kind,
        "links": {link.source: link.target for link in planned.links},
        "left_out": {entry.source: entry.reason for entry in planned.left_out},
    }


def read_cases(path: Path) -> list[dict[str, t.Any]]:
    """Read the cases of a file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    cases = content.get("cases") if isinstance(content, dict) else content
    if isinstance(content, dict) and cases is None and "torrent" in content:
        cases = [content]
    if not isinstance(cases, list):
        raise CaseError(
            f"{path}: found {type(content).__name__}, expected a list of cases or a mapping with the key cases"
        )
    return cases


def main(arguments: list[str]) -> int:
    """Print one JSON line for each case; 1 when a case could not be read."""
    parser = argparse.ArgumentParser(description="Print the plan of the import for each case of a YAML file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--year", type=int, default=datetime.date.today().year, help="the current year")
    options = parser.parse_args(arguments)
    guess = load_guessit()
    if guess is None:
        print("guessit is not installed; titles are read without it. tools/setup installs it.", file=sys.stderr)
    try:
        cases = read_cases(options.file)
    except (OSError, yaml.YAMLError, CaseError) as error:
        print(f"{options.file} cannot be read: {error}", file=sys.stderr)
        return 1
    status = 0
    for number, case in enumerate(cases, 1):
        try:
            print(json.dumps(answer(case, guess, options.year), ensure_ascii=False))
        except (KeyError, TypeError, ValueError) as error:
            name = case.get("id") if isinstance(case, dict) else None
            print(f"case {name or number}: {type(error).__name__}: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
