# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Calls guessit for the planner, without state between calls."""

from __future__ import annotations

import importlib
import typing as t

from .model import Guess


def load_guessit() -> Guess | None:
    """Return a function from a name to guessit's result, None where guessit is not installed.

    guessit 3.8.0 keeps state between calls (guessit-io/guessit#822), so it is reset before each. A name that guessit
    fails on gives an empty result.
    """
    try:
        api = importlib.import_module("guessit.api")
    except ImportError:
        return None

    def guess(name: str) -> t.Mapping[str, t.Any]:
        api.reset()
        try:
            return dict(api.guessit(name, {"type": "movie"}))
        except (api.GuessitException, ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
            return {}

    return guess
