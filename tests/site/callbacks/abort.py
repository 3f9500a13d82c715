# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends ansible-playbook at once, as a power cut of the controller does: no other task, no always part."""

from __future__ import annotations

import os
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: abort
type: aggregate
short_description: Ends ansible-playbook before a task, or at the first failure
description: The environment variable ABORT_BEFORE has the name of the task; empty for the first failure.
"""
STATUS = 137


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "abort"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if task.get_name() == os.environ["ABORT_BEFORE"]:
            self._end(f"before {task.get_name()}")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not os.environ["ABORT_BEFORE"] and not ignore_errors:
            self._end("at the first failure")

    @staticmethod
    def _end(where: str) -> None:
        print(f"aborted {where}", file=sys.stderr, flush=True)
        os._exit(STATUS)
