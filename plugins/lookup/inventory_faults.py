# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup that reports values in the household's files that YAML or Ansible alters."""

from __future__ import annotations

DOCUMENTATION = r"""
name: inventory_faults
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Values that YAML or Ansible alters, and secrets in files that are not encrypted
description:
  - Reads the host's files of variables on the controller, in C(host_vars), C(group_vars) and the folder itself, vaults
    included.
  - Reports numbers that are written with a leading zero or in another unusual form, secrets that YAML reads as a
    number, a boolean or a date, and secrets that Ansible parses as a template.
  - Warns about a file that contains secrets and is not encrypted.
  - Never shows the value of a secret.
options:
  _terms:
    description: Folders that may contain C(host_vars) and C(group_vars), the inventory's first.
    required: true
    type: list
    elements: str
  secrets:
    description: Variables whose values are secret, in addition to those with C(password), C(token) and the like in
      their names.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the faults in the household's files
  ansible.builtin.debug:
    msg: "{{ lookup('household.mediaserver.inventory_faults', inventory_dir, playbook_dir) }}"
"""

RETURN = r"""
_raw:
  description: One list of problems, as P(household.mediaserver.preflight_problems#filter) returns them.
  type: list
  elements: list
  sample:
    - - level: problem
        variable: transmission_settings.speed-limit-up
        problem: "main.yml, line 2: YAML reads 0500 as the number 320"
        remedy: write the number in plain decimal digits
        text: "transmission_settings.speed-limit-up: main.yml, line 2: YAML reads 0500 as the number 320."
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.problem import with_text
from ansible_collections.household.mediaserver.plugins.plugin_utils._inventory_faults import (
    faults_of_text,
    unencrypted_file,
    unencrypted_secrets,
)

YAML = ("", ".yml", ".yaml", ".json")
OTHER = (".conf",)
# Bytes. A larger file is not a file of variables.
SIZE_MAX = 262144


def files_of(folder: Path, host: str, groups: list[str], *, inventory: bool) -> Iterator[Path]:
    """Yield the files that may contain variables of a host, and provider files beside them."""
    tops = [folder / "host_vars" / host, *(folder / "group_vars" / group for group in groups)]
    found = list(folder.iterdir()) if inventory and folder.is_dir() else []
    for top in tops:
        found += [*top.parent.glob(f"{top.name}.*"), *top.rglob("*"), top]
    for path in sorted(set(found)):
        hidden = any(part.startswith(".") or part.endswith("~") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix in (*YAML, *OTHER) and path.is_file() and path.stat().st_size <= SIZE_MAX:
            yield path


def read_household(
    folders: list[str], variables: Mapping[str, Any], *, secrets: Collection[str], loader: Any
) -> list[dict[str, str]]:
    """Return the faults in the files of the host to which the variables belong."""
    host, groups = str(variables.get("inventory_hostname", "")), [*variables.get("group_names", []), "all"]
    found: list[dict[str, str]] = []
    seen: set[Path] = set()
    for number, folder in enumerate(folders):
        for path in files_of(Path(folder), host, groups, inventory=number == 0) if folder and host else ():
            if path.resolve() not in seen:
                seen.add(path.resolve())
                found += _faults(path, secrets, set(variables), loader)
    return [with_text(fault) for fault in found]


def _faults(path: Path, secrets: Collection[str], known: set[str], loader: Any) -> list[dict[str, str]]:
    shown = _shown(path)
    try:
        raw = path.read_text(encoding="utf-8", errors="replace")
        names = unencrypted_secrets(raw, secrets=secrets)
        found = [unencrypted_file(shown, names)] if names else []
        if path.suffix in YAML:
            found += faults_of_text(loader.get_text_file_contents(str(path)), shown, secrets=secrets, known=known)
    except (OSError, AnsibleError):
        # Ansible has read the files that it needs by now, and reported its own errors.
        return []
    return found


def _shown(path: Path) -> str:
    """Return the path relative to the current folder where possible."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[list[dict[str, str]]]:
        """Return one list with the faults of all folders."""
        self.set_options(var_options=variables, direct=kwargs)
        return [read_household(terms, variables or {}, secrets=self.get_option("secrets"), loader=self._loader)]
