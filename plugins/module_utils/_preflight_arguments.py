# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Holds the variables of all roles against their argument specs at once, before the first role begins."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.household.mediaserver.plugins.module_utils._problem import Problem, problem


def _plain(value: t.Any) -> t.Any:
    """Ordinary dicts and lists: the validator copies deeply, and copying lazy containers is costly."""
    if isinstance(value, t.Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def check_arguments(values: t.Mapping[str, t.Any], specs: t.Mapping[str, t.Mapping[str, t.Any]]) -> t.Iterator[Problem]:
    """One variable at a time, so that each complaint has its variable's name and hides no other."""
    for name, spec in specs.items():
        given = {name: _plain(values[name])} if name in values else {}
        # A default may be a template, which is no value of the right type.
        checked = {key: _plain(value) for key, value in spec.items() if key != "default"}
        errors = ArgumentSpecValidator({name: checked}).validate(given).error_messages
        if errors:
            told = "its value does not fit" if spec.get("no_log") else _readable("; ".join(errors))
            yield problem(
                name, told, f"see the documentation of the variable: {_sentence(spec.get('description', ''))}"
            )


def _readable(errors: str) -> str:
    return re.sub(r" and we were unable to convert to (\w+):.*", r", not \1", errors)


def _sentence(description: t.Any) -> str:
    """The first sentence of a variable's documentation, without markup."""
    text = description[0] if isinstance(description, list) and description else description
    return re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", str(text)).strip()
