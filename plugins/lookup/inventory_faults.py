# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a household's files say that its variables no longer show."""

from __future__ import annotations

DOCUMENTATION = r"""
name: inventory_faults
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: Texts that YAML or Ansible alters, and vaults that were never encrypted
description:
  - Reads the files of variables of the host on the controller, in C(host_vars), C(group_vars) and the folder itself,
    vaults included.
  - Names numbers that are written with a leading zero or in another unusual way, secrets that YAML reads as a number,
    as true or false or as a date, and secrets with a text that Ansible takes for a template.
  - Warns of a file that holds secrets and is not encrypted.
  - No value of a secret is shown.
options:
  _terms:
    description: Folders that may hold C(host_vars) and C(group_vars), the inventory's first.
    required: true
    type: list
    elements: str
  secrets:
    description: Variables whose values are secret, beside those whose names say so.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what is wrong in the household's files
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
        remedy: write the number that you mean in the usual way
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
    is_open,
    open_file,
)

YAML = ("", ".yml", ".yaml", ".json")
OTHER = (".conf",)
# A file of variables is no larger.
SIZE_MAX = 262144


def files_of(folder: Path, host: str, groups: list[str], *, inventory: bool) -> Iterator[Path]:
    """Yield the files that may hold variables of a host, and a provider's file beside them."""
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
    """Return what is wrong in the files of the host that the variables belong to."""
    host, groups = str(variables.get("inventory_hostname", "")), [*variables.get("group_names", []), "all"]
    found: list[dict[str, str]] = []
    seen: set[Path] = set()
    for number, folder in enumerate(folders):
        for path in files_of(Path(folder), host, groups, inventory=number == 0) if folder and host else ():
            if path.resolve() not in seen:
                seen.add(path.resolve())
                found += _faults(path, secrets, set(variables), loader)
    return [with_text(one) for one in found]


def _faults(path: Path, secrets: Collection[str], known: set[str], loader: Any) -> list[dict[str, str]]:
    shown = _shown(path)
    try:
        raw = path.read_text(encoding="utf-8", errors="replace")
        found = [open_file(shown)] if is_open(raw, secrets=secrets) else []
        if path.suffix in YAML:
            found += faults_of_text(loader.get_text_file_contents(str(path)), shown, secrets=secrets, known=known)
    except (OSError, AnsibleError):
        # What Ansible needs of it, it has read by now.
        return []
    return found


def _shown(path: Path) -> str:
    """The path as a user would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[list[dict[str, str]]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [read_household(terms, variables or {}, secrets=self.get_option("secrets"), loader=self._loader)]
