# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Finds faults in files of variables that the parsed variables no longer show. Pure.

YAML reads 0500 as 320, and Ansible parses a text with {{ as a template, before a role receives the value. So the files
are parsed as YAML nodes with line numbers. No object is constructed, and no value of a secret is shown.
"""

from __future__ import annotations

import re
import typing as t

import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.problem import Problem, problem, warning

OURS = re.compile(
    r"(vault|mediaserver|preflight|host|storage|docker|gateway|stack|transmission|jackett|jellyfin|upkeep)_.*"
)
SECRET = re.compile(r".*(password|passphrase|secret|token|api_?key|private_?key|preshared_?key)", re.IGNORECASE)
SECRET_FILES = "secret_files"  # of own services: each value is a file's content
# Octal on purpose: Transmission and YAML read these in the same way.
OCTAL = {"umask", "rpc-socket-mode", "rpc_socket_mode", "mode"}
PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER, FLOAT, BOOL, DATE = (f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "timestamp"))
TEXT, NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
UNSAFE, VAULT = ("!unsafe",), ("!vault", "!vault-encrypted")
EXPRESSION = re.compile(r"\s*\{\{(?:(?!\}\}|\{\{).)*\}\}\s*", re.DOTALL)
WORDS = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]*\b")
KEY_FILE = re.compile(r"^\s*PrivateKey\s*=\s*\S", re.IGNORECASE | re.MULTILINE)
HEAD = "$ANSIBLE_VAULT;"


def faults_of_text(text: str, file: str, *, secrets: t.Collection[str], known: t.Collection[str]) -> list[Problem]:
    """Return the values that YAML or Ansible alters.

    ``secrets`` are names of secret variables, ``known`` those of all defined variables.
    """
    found: list[Problem] = []
    for path, node in _scalars(text):
        place = f"{file}, line {node.start_mark.line + 1}"
        found += _fault(path, node, place, secrets, known)
    return found


def unencrypted_secrets(text: str, *, secrets: t.Collection[str]) -> list[str]:
    """Return the names of the secrets that a file contains in clear text."""
    if text.lstrip().startswith(HEAD):
        return []
    if KEY_FILE.search(text):
        return ["PrivateKey"]
    names = [
        ".".join(path)
        for path, node in _scalars(text)
        if _is_secret(path, secrets)
        and node.tag not in (*VAULT, NULL)
        and str(node.value).strip()
        and ("{{" not in node.value or node.tag in UNSAFE)
    ]
    return list(dict.fromkeys(names))


def unencrypted_file(file: str, names: list[str]) -> Problem:
    """Return the warning about a file with secrets in clear text."""
    return warning(
        file,
        f"it contains secrets and is not encrypted ({', '.join(names)})",
        f"ansible-vault encrypt {file}; or move the secrets to a file that is encrypted, such as vault.yml",
    )


def _fault(
    path: list[str], node: yaml.ScalarNode, place: str, secrets: t.Collection[str], known: t.Collection[str]
) -> t.Iterator[Problem]:
    name, secret = ".".join(path), _is_secret(path, secrets)
    kinds = {NUMBER: "a number", FLOAT: "a number", BOOL: "true or false", DATE: "a date"}
    if node.tag in kinds and secret:
        yield problem(
            name,
            f"{place}: YAML reads it as {kinds[node.tag]}, but it must be a text",
            f'put it in quotes: {path[-1]}: "..."',
        )
    elif node.tag == NUMBER and not PLAIN_NUMBER.fullmatch(node.value) and path[-1] not in OCTAL:
        yield problem(
            name,
            f"{place}: YAML reads {node.value} as the number {yaml.SafeLoader('').construct_yaml_int(node)}",
            f"write the number in plain decimal digits; or put it in quotes, if it is a text: '{node.value}'",
        )
    elif secret and node.tag == TEXT and _is_template(node.value, known):
        yield problem(
            name,
            f"{place}: it contains {{{{, {{% or {{#, which Ansible parses as a template and so alters",
            f'write it as {path[-1]}: !unsafe "..."',
        )


def _is_template(text: str, known: t.Collection[str]) -> bool:
    """Return whether Ansible would alter a text. A reference to a defined variable or a lookup is intended."""
    if not re.search(r"\{[{%#]", text):
        return False
    if not EXPRESSION.fullmatch(text):
        return True
    first = WORDS.search(text)
    if first is None:
        return True
    name = first[0]
    return not (name in known or name in ("lookup", "query", "q") or "_" in name or "default(" in text)


def _is_secret(path: list[str], secrets: t.Collection[str]) -> bool:
    if path[0].startswith("vault_") or SECRET.fullmatch(path[-1]) or SECRET_FILES in path[1:-1]:
        return True
    return path[0] in secrets and len(path) == 1


def _scalars(text: str) -> t.Iterator[tuple[list[str], yaml.ScalarNode]]:
    """Yield every scalar below a variable of this collection, with the path of keys from that variable."""
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        # Ansible reports syntax errors itself.
        return
    for document in documents:
        yield from _below(document, [])


def _below(node: yaml.Node | None, path: list[str]) -> t.Iterator[tuple[list[str], yaml.ScalarNode]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            if path or OURS.fullmatch(name):
                yield from _below(value, [*path, name])
            else:
                yield from _below(value, [])
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _below(item, path)
    elif isinstance(node, yaml.ScalarNode) and path:
        yield path, node
