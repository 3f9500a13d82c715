# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of the command ``mediaserver``: help, JSON, exit codes, and errors in one line."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from command_host import make_context
from mediaserver._core.errors import AccessDenied, FileProblem
from mediaserver.command import frame
from mediaserver.command.frame import (
    Context,
    Exit,
    Outcome,
    Subcommand,
    WrongArgument,
    exit_codes,
    object_schema,
    run_program,
)
from mediaserver.command.program import MODULES, PACKAGE, main, make_parser, needed
from mediaserver.command.settings import CommandSettings
from mediaserver.command.subcommands import SUBCOMMANDS

SCRIPT = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "scripts" / "mediaserver"


def subcommand(run: Callable[[argparse.Namespace, Context], Outcome]) -> Any:
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--size", type=int, default=1)

    return SimpleNamespace(
        NAME="show",
        HELP="shows",
        DESCRIPTION="Shows what there is.",
        SCHEMA=object_schema({"size": {"type": "integer"}}),
        EXIT_CODES={Exit.ATTENTION: "something is too large"},
        add_arguments=add_arguments,
        run=run,
    )


def size(arguments: argparse.Namespace, context: Context) -> Outcome:
    del context
    large = arguments.size > 9
    return Outcome({"size": arguments.size}, [f"size {arguments.size}"], Exit.ATTENTION if large else Exit.OK)


def raising(error: BaseException) -> Callable[[argparse.Namespace, Context], Outcome]:
    def run(arguments: argparse.Namespace, context: Context) -> Outcome:
        raise error

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (["show"], 0, "size 1\n"),
        (["show", "--size", "10"], 3, "size 10\n"),
        (["show", "--size", "10", "--json"], 3, '{\n  "size": 10\n}\n'),
    ],
)
def test_an_outcome_is_printed(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, printed: str
) -> None:
    assert main(arguments, root=Path("/nowhere"), subcommands=[subcommand(size)]) == code
    assert capsys.readouterr() == (printed, "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileProblem("/a/b does not exist; run the playbook again"), "/a/b does not exist; run the playbook again"),
        (OSError(13, "Permission denied", "/a/b"), "Permission denied: /a/b"),
        (subprocess.TimeoutExpired(["docker", "ps"], 60), "docker ps has not ended after 60 s"),
    ],
)
def test_an_expected_error_is_one_line(capsys: pytest.CaptureFixture[str], error: Exception, text: str) -> None:
    assert main(["show"], root=Path("/nowhere"), subcommands=[subcommand(raising(error))]) == 1
    assert capsys.readouterr() == ("", f"mediaserver show: {text}\n")
    assert main(["show", "--json"], root=Path("/nowhere"), subcommands=[subcommand(raising(error))]) == 1
    assert json.loads(capsys.readouterr().out) == {"error": text}


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["show"], root=Path("/nowhere"), subcommands=[subcommand(raising(ZeroDivisionError()))])


def test_a_wrong_argument_has_the_code_of_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = subcommand(raising(WrongArgument("--lines -1 is not possible; give a number from 0")))
    assert main(["show", "--json"], root=Path("/nowhere"), subcommands=[wrong]) == 2
    text = capsys.readouterr()
    assert text.err == "mediaserver show: --lines -1 is not possible; give a number from 0\n"
    assert json.loads(text.out) == {"error": "--lines -1 is not possible; give a number from 0"}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_question_without_an_answer_is_no(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # as after Ctrl-D
    monkeypatch.setattr("sys.stdin.isatty", lambda: is_terminal)
    assert frame.ask("Remove this? ") == ""


def test_an_interrupted_command_ends_as_a_shell_expects() -> None:
    assert main(["show"], root=Path("/nowhere"), subcommands=[subcommand(raising(KeyboardInterrupt()))]) == 130


def test_a_reader_that_ends_early_is_no_error() -> None:
    """As in ``mediaserver version | head -0``: python itself would report a broken pipe."""
    command = f"import sys; sys.stdin.read(); import runpy; sys.argv = {[str(SCRIPT), 'version']}; "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{command}runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.close()
    assert (process.stderr.read(), process.wait(20)) == ("", 0)
    process.stderr.close()


def test_help_has_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser([subcommand(size)]).parse_args(["show", "--help"])
    text = capsys.readouterr().out
    assert text.endswith(
        "exit codes:\n  0   done\n  1   not done; the reason is on standard error\n"
        "  2   an argument is wrong\n  3   something is too large\n"
    )
    assert "--json" in text and "Shows what there is." in text


@pytest.mark.parametrize("one", SUBCOMMANDS, ids=lambda one: one.NAME)
def test_each_subcommand_says_what_it_is(one: Subcommand) -> None:
    jsonschema.Draft202012Validator.check_schema(dict(one.SCHEMA))
    assert not jsonschema.Draft202012Validator(dict(one.SCHEMA)).is_valid({}), "a schema that takes anything"
    assert one.NAME.islower() and "\n" not in one.HELP and len(one.DESCRIPTION) > len(one.HELP)
    assert set(exit_codes(one)) >= {0, 1, 2}


def test_names_of_subcommands_are_unique() -> None:
    names = [one.NAME for one in SUBCOMMANDS]
    assert sorted(set(names)) == sorted(names)


def test_each_subcommand_is_found_by_its_name() -> None:
    assert list(MODULES) == [one.NAME for one in SUBCOMMANDS]
    for one in SUBCOMMANDS:
        assert list(needed([one.NAME, "--json"])) == [one]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["gone"], ["--json", "status"]], ids=" ".join)
def test_a_wrong_call_names_all_subcommands(arguments: list[str]) -> None:
    assert list(needed(arguments)) == list(SUBCOMMANDS)


@pytest.mark.parametrize("name", ["status", "version"])
def test_only_what_is_called_is_imported(name: str) -> None:
    """In a process of its own: this one has imported everything."""
    command = [
        *(sys.executable, "-c"),
        f"import sys; sys.path.insert(0, {str(SCRIPT.parents[1] / 'lib')!r})\n"
        f"from mediaserver.command.program import needed\nneeded([{name!r}])\n"
        f"print(*(one for one in sys.modules if one.startswith({PACKAGE!r})))",
    ]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert f"{PACKAGE}.{name}" in imported
    assert not {f"{PACKAGE}.{other}" for other in ("verify", "remove", "doctor")} & set(imported)


def test_root_is_required_by_name(tmp_path: Path) -> None:
    make_context(tmp_path).require_root("verify")
    with pytest.raises(AccessDenied, match=r"Run: sudo mediaserver verify$"):
        make_context(tmp_path, uid=lambda: 1000).require_root("verify")


def test_the_settings_are_read(tmp_path: Path) -> None:
    found = make_context(tmp_path).settings
    assert found == CommandSettings("http://page.example/", "192.0.2.1", tmp_path / "data", tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist; run the playbook again"),
        ("", "is damaged"),
        ("{}", "is damaged"),
        ("[]", "is damaged"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "command.json").write_text(text)
    with pytest.raises(FileProblem, match=words):
        CommandSettings.read(tmp_path)


def test_a_program_is_run_with_both_outputs() -> None:
    done = run_program(["sh", "-c", "echo out; echo err >&2; exit 4"])
    assert (done.returncode, done.stdout) == (4, "out\nerr\n")
