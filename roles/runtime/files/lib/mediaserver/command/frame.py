# SPDX-License-Identifier: GPL-3.0-or-later
"""What each subcommand of ``mediaserver`` is, gets and returns.

A subcommand is a module with the names of ``Subcommand``, listed in ``subcommands`` and in ``program.MODULES``. The
frame gives it --help, --json and the exit codes, prints its outcome, and turns expected errors into one line. From the
same modules follow the bash completion and docs/command.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Protocol

from mediaserver._core.docker import DockerClient
from mediaserver._core.errors import AccessDenied, MediaserverError
from mediaserver._core.names import STATE_FILE
from mediaserver.command.settings import CommandSettings

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
RUN_TIMEOUT_S = 60


class Exit(IntEnum):
    """Exit codes that all subcommands share; ``EXIT_CODES`` of a subcommand adds its own or replaces a meaning."""

    OK = 0
    FAILED = 1
    USAGE = 2
    ATTENTION = 3


class WrongArgument(MediaserverError):
    """An argument that the parser has accepted cannot be used; the exit code is ``Exit.USAGE``."""


COMMON_EXIT_CODES: Mapping[int, str] = {
    Exit.OK: "done",
    Exit.FAILED: "not done; the reason is on standard error",
    Exit.USAGE: "an argument is wrong",
}


class Line(str):
    """A line that shows a state; on a terminal it has the colour of that."""

    __slots__ = ("state",)
    state: str

    def __new__(cls, text: str, state: str) -> Line:
        made = super().__new__(cls, text)
        made.state = state
        return made


@dataclass(frozen=True)
class Outcome:
    """The result: ``data`` is printed with --json and matches ``SCHEMA``; ``lines`` are printed without it."""

    data: Mapping[str, Any]
    lines: Sequence[str]
    exit_code: int = Exit.OK


def run_program(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the host; what it prints on standard error follows in its output. Raises OSError."""
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=RUN_TIMEOUT_S,
    )


def replace_process(command: Sequence[str]) -> NoReturn:
    """Become another program, which prints until the user ends it. Raises OSError."""
    os.execvp(command[0], list(command))


def show(line: str) -> None:
    print(line, flush=True)


def ask(question: str) -> str:
    """Return what the user answers; nothing for Ctrl-D, and where no user is at the terminal."""
    if not sys.stdin.isatty():
        return ""
    try:
        return input(question)
    except EOFError:
        return ""


@dataclass(frozen=True)
class Context:
    """What a subcommand may use of the host; tests replace parts of it."""

    root: Path
    state_file: Path = STATE_FILE
    run: Run = run_program
    replace_process: Callable[[Sequence[str]], None] = replace_process
    docker: Callable[[], DockerClient] = DockerClient
    now: Callable[[], float] = time.time
    uid: Callable[[], int] = os.geteuid
    # For a result that comes piece by piece, and where --json was not given.
    show: Callable[[str], None] = show
    ask: Callable[[str], str] = ask

    @cached_property
    def settings(self) -> CommandSettings:
        """Raises FileProblem."""
        return CommandSettings.read(self.root)

    @property
    def is_root(self) -> bool:
        return self.uid() == 0

    def require_root(self, command: str) -> None:
        """Raises AccessDenied."""
        if not self.is_root:
            raise AccessDenied(f"this needs the rights of root. Run: sudo mediaserver {command}")


class Subcommand(Protocol):
    """The names that a subcommand's module has."""

    @property
    def NAME(self) -> str: ...

    @property
    def HELP(self) -> str:
        """One line for the list of subcommands."""

    @property
    def DESCRIPTION(self) -> str:
        """What it does, for --help and docs/command.md."""

    @property
    def SCHEMA(self) -> Mapping[str, Any]:
        """JSON Schema (2020-12) of ``Outcome.data``."""

    @property
    def EXIT_CODES(self) -> Mapping[int, str]:
        """Meanings that differ from ``COMMON_EXIT_CODES``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, context: Context) -> Outcome:
        """Raises MediaserverError, OSError, subprocess.TimeoutExpired."""


def exit_codes(subcommand: Subcommand) -> dict[int, str]:
    """Return the meaning of each exit code of a subcommand, in their order."""
    return dict(sorted({**COMMON_EXIT_CODES, **subcommand.EXIT_CODES}.items()))


def object_schema(properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the schema of an object that has exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def list_schema(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), **more}
