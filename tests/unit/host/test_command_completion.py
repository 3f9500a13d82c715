# SPDX-License-Identifier: GPL-3.0-or-later
"""The bash completion, by running bash."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest
from mediaserver.command import completion
from mediaserver.command.subcommands import SUBCOMMANDS

INSTALLED = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "completion" / "mediaserver.bash"
ASK = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_mediaserver
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    command = ["bash", "--norc", "-uc", ASK, "bash", str(script), "mediaserver", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    parser = argparse.ArgumentParser(prog="mediaserver")
    commands = parser.add_subparsers()
    commands.add_parser("status").add_argument("--json", action="store_true")
    logs = commands.add_parser("logs")
    logs.add_argument("name", choices=["docker", "vpn-monitor"])
    logs.add_argument("-n", "--lines", type=int)
    logs.add_argument("--kind", choices=["tv", "movies"])
    path = tmp_path / "completion.bash"
    path.write_text(completion.script(parser))
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], ["--help", "status", "logs"]),
        (["s"], ["status"]),
        (["x"], []),
        (["status", ""], ["--help", "--json"]),
        (["logs", ""], ["--help", "docker", "vpn-monitor", "--lines", "--kind"]),
        (["logs", "vpn"], ["vpn-monitor"]),
        (["logs", "--kind", ""], ["tv", "movies"]),
        (["logs", "--kind", "t"], ["tv"]),
        (["logs", "--lines", ""], []),
        (["logs", "-n", ""], []),
        (["logs", "docker", "--l"], ["--lines"]),
        (["gone", ""], []),
    ],
)
def test_bash_offers(script: Path, words: list[str], offered: list[str]) -> None:
    assert complete(script, *words) == offered


def test_the_installed_completion_offers_every_subcommand() -> None:
    assert complete(INSTALLED, "") == ["--help", *(one.NAME for one in SUBCOMMANDS)]
    for one in SUBCOMMANDS:
        assert {"--help", "--json"} <= set(complete(INSTALLED, one.NAME, ""))


def test_bash_finds_the_function_of_the_command() -> None:
    command = ["bash", "-c", f". {INSTALLED}; complete -p mediaserver"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "complete -F _mediaserver mediaserver\n"
