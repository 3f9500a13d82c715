# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mount_guard parses output of programs, so it runs them in the C locale."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.modules import mount_guard


def test_commands_run_in_the_c_locale(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run_command(_self: AnsibleModule, _command: list[str], **options: Any) -> tuple[int, str, str]:
        german = options.get("environ_update", {}).get("LC_ALL") != "C"
        return 1, "", f"lsattr: {'Datei oder Verzeichnis nicht gefunden' if german else 'No such file or directory'}"

    monkeypatch.setattr(AnsibleModule, "run_command", run_command)
    with patch_module_args({"path": "/mnt", "_ansible_check_mode": True}), pytest.raises(SystemExit):
        mount_guard.main()
    assert json.loads(capsys.readouterr().out)["changed"] is True
