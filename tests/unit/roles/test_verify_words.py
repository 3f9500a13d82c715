# SPDX-License-Identifier: GPL-3.0-or-later
"""The play for vpn-verify shows its findings, and its messages when it crashes."""

from __future__ import annotations

from pathlib import Path

import yaml
from jinja2 import Environment

TASKS = Path(__file__).resolve().parents[3] / "roles" / "gateway" / "tasks" / "verify.yml"


def test_shows_the_messages_of_a_crash() -> None:
    judged = yaml.safe_load(TASKS.read_text(encoding="utf-8"))[-1]["ansible.builtin.assert"]
    said = Environment(autoescape=False).from_string(judged["fail_msg"])
    found = {"stdout_lines": ["ok    names: 1"], "stderr_lines": ["KeyError: 'subnet'"], "msg": "non-zero return code"}
    assert said.render(__gateway_verify=found) == str(["ok    names: 1", "KeyError: 'subnet'"])
    missing = {"stdout_lines": [], "stderr_lines": [], "msg": "No such file or directory: vpn-verify"}
    assert said.render(__gateway_verify=missing) == str(["No such file or directory: vpn-verify"])
