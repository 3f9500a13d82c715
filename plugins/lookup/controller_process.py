# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names the process of this run on its controller, for the lock of all jobs on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_process
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The process of this run, and all processes of its controller
description:
  - A run that was interrupted has left its lock on the host. The next run from the same controller sees by this that
    the process of the earlier one is gone, and takes its place.
  - Takes no terms.
"""

EXAMPLES = r"""
- name: Show the process of this run
  ansible.builtin.debug:
    msg: "{{ lookup('household.mediaserver.controller_process').process }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, with the controller's name, the process of the run, and all processes there.
  type: list
  elements: dict
  sample: [{controller: laptop, process: 4711, alive: [1, 4711]}]
"""

import multiprocessing
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

PROCESSES = Path("/proc")


def process_of_the_run() -> int:
    """Return the number of Ansible's main process. Tasks are templated in its children, too."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def living() -> list[int]:
    """Return the numbers of all processes; nothing where they are not known."""
    if (PROCESSES / "self").exists():
        return sorted(int(one.name) for one in PROCESSES.iterdir() if one.name.isdecimal())
    try:
        done = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)
    except OSError:
        return []
    return sorted(int(one) for one in done.stdout.split() if one.isdecimal())


class LookupModule(LookupBase):
    """The lookup's interface to Ansible."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        del terms
        self.set_options(var_options=variables, direct=kwargs)
        return [{"controller": socket.gethostname(), "process": process_of_the_run(), "alive": living()}]
