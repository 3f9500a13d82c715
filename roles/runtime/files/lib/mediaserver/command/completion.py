# SPDX-License-Identifier: GPL-3.0-or-later
"""Bash completion of the command, from its parser. Pure; the file that the role runtime installs is made with it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

FUNCTION = """\
# Managed by household.mediaserver. Written by `make docs` from the command's own parser.
# shellcheck shell=bash
_mediaserver() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command="" words=""
    [ "$COMP_CWORD" -gt 1 ] && command=${{COMP_WORDS[1]}}
    COMPREPLY=()
    case "$command $previous" in
{values}
    *)
        case "$command" in
{words}
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _mediaserver {program}
"""


def subparsers(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return the parsers of the subcommands by their names."""
    return next(dict(action.choices) for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def script(parser: argparse.ArgumentParser) -> str:
    """Return the completion script of a command with subcommands."""
    found = subparsers(parser)
    values = [line for name, own in found.items() for line in _values(name, own)]
    words = [f'        "") words="{" ".join(["--help", *found])}" ;;']
    words += [f'        {name}) words="{" ".join(_words(own))}" ;;' for name, own in found.items()]
    return FUNCTION.format(values="\n".join(values), words="\n".join(words), program=parser.prog)


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the long options of a subcommand, and the choices of its positional arguments."""
    for action in parser._actions:
        if action.option_strings:
            yield max(action.option_strings, key=len)
        else:
            yield from _choices(action)


def _values(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a case for each option that takes a value: its choices, else nothing."""
    for action in parser._actions:
        if action.option_strings and action.nargs != 0:
            cases = " | ".join(f'"{name} {option}"' for option in action.option_strings)
            yield f'    {cases}) words="{" ".join(_choices(action))}" ;;'


def _choices(action: argparse.Action) -> list[str]:
    """Return the values that an argument has; ``suggestions`` are those of an argument that takes others, too."""
    return [str(one) for one in action.choices or getattr(action, "suggestions", None) or ()]
