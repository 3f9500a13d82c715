# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Validates the variables of all roles against their argument specs, before the first role begins."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .problem import Problem, not_set, problem

BLANK = "it is left blank"
QUOTES = (
    'put it in quotes ("...") where it is set, in main.yml or in the vault; without quotes, YAML reads NO, OFF and'
    " YES as true or false, and 0123 as a number"
)
LIST = "write it as a list: each entry begins with a hyphen and a blank (- )"


def _misread_texts(name: str, value: t.Any, spec: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Yield name and type of texts that YAML read as another type (0123 as 83, NO as false), which is irreversible."""
    kind = spec.get("type", "str")
    if kind in ("str", "path") and value is not None and not isinstance(value, str):
        yield name, _kind(value)
    elif kind == "list" and isinstance(value, list):
        inner = {"type": spec.get("elements", "raw"), "options": spec.get("options")}
        for number, item in enumerate(value):
            yield from _misread_texts(f"{name}[{number}]", item, inner)
    elif kind == "dict" and isinstance(value, t.Mapping):
        for key, option in (spec.get("options") or {}).items():
            yield from _misread_texts(f"{name}.{key}", value.get(key), option)


def _kind(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list or mapping" if isinstance(value, (list, t.Mapping)) else "a date"


def _plain(value: t.Any) -> t.Any:
    """Return plain dicts and lists: the validator makes deep copies, which are slow for Ansible's lazy containers."""
    if isinstance(value, t.Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def validate_arguments(
    values: t.Mapping[str, t.Any], specs: t.Mapping[str, t.Mapping[str, t.Any]]
) -> tuple[list[Problem], dict[str, t.Any]]:
    """Return the problems, and the valid values converted as a module receives them.

    Each variable is validated alone, so that every problem has its variable's name and hides no other.
    """
    problems = []
    valid = {name: value for name, value in values.items() if name not in specs}
    for name, spec in specs.items():
        if spec.get("required") and values.get(name) is None:
            problems.append(not_set(name))
            continue
        if name in values and values[name] is None:
            problems.append(problem(name, BLANK, "give it a value; or remove the line to use the default"))
            continue
        if misread := list(_misread_texts(name, values.get(name), spec)):
            problems += [problem(place, f"it must be a text, but YAML reads {kind}", QUOTES) for place, kind in misread]
            continue
        given = {name: _plain(values[name])} if name in values else {}
        # A default may be a template, which does not have the option's type.
        checked = {key: _plain(value) for key, value in spec.items() if key != "default"}
        wrong = _wrong_container(given.get(name), checked)
        if wrong:
            errors = [wrong]
        else:
            result = ArgumentSpecValidator({name: checked}).validate(given)
            errors = result.error_messages
        if errors:
            text = "its value is not valid" if spec.get("no_log") and not wrong else _readable("; ".join(errors))
            remedy = f"see the documentation of the variable: {_sentence(spec.get('description', ''))}"
            if spec.get("type") == "bool":
                remedy = "write true or false"
            if wrong and spec["type"] == "list":
                # A secret, and lists of mappings, which may contain secrets, are not repeated.
                shown = spec.get("elements") == "str" and isinstance(values[name], str) and not spec.get("no_log")
                remedy = f"write it as a list: {name}: [{values[name]}]" if shown else LIST
            problems.append(problem(name, text, remedy))
        elif given:
            valid[name] = _only_given(result.validated_parameters[name], given[name])
    return problems, valid


def _wrong_container(value: t.Any, spec: t.Mapping[str, t.Any]) -> str:
    """Return the problem of a text in place of a list or mapping, or of a mapping in place of a list.

    AnsibleModule would split a text at commas, but the roles' templates would iterate over its letters.
    """
    if isinstance(value, str) and spec.get("type") in ("list", "dict"):
        return f"it is of type str, not {spec['type']}"
    if isinstance(value, t.Mapping) and spec.get("type") == "list":
        return "it is of type dict, not list"
    return ""


def _only_given(converted: t.Any, given: t.Any) -> t.Any:
    """Remove the suboptions that the validator adds and the user did not set."""
    if isinstance(converted, dict) and isinstance(given, dict):
        return {key: _only_given(value, given[key]) for key, value in converted.items() if key in given}
    if isinstance(converted, list) and isinstance(given, list) and len(converted) == len(given):
        return [_only_given(*pair) for pair in zip(converted, given, strict=True)]
    return converted


def _readable(errors: str) -> str:
    errors = re.sub(r" and we were unable to convert to (\w+):.*", r", not \1", errors)
    return re.sub(r"([\w.-]+)\. Supported parameters include: ", r"there is no field \1; the fields are: ", errors)


def _sentence(description: t.Any) -> str:
    """Return the first paragraph of a variable's documentation without markup."""
    text = description[0] if isinstance(description, list) and description else description
    return re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", str(text)).strip()
