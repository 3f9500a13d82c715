# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's programs start, under a shell's name or Python's, and pass their arguments."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "roles" / "runtime" / "files" / "scripts"
NAMES = sorted(path.name for path in SCRIPTS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_starts_the_system_s_python(tmp_path: Path, name: str) -> None:
    """With a lib of its own beside it, whose main() tells what it got."""
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / name
    script.write_bytes((SCRIPTS / name).read_bytes())
    script.chmod(0o755)
    (module,) = re.findall(r"^from (mediaserver[.\w]+) import main", script.read_text(), re.MULTILINE)
    file = tmp_path / "lib" / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "import sys\n"
        "def main(*given, root=None):\n"
        "    print(sys.executable, sys.argv, root or given[0])\n"
        "    return 7\n"
    )
    arguments = ["one two", "$HOME", ""]
    # Programs that work on the household's files get the project folder.
    handed = tmp_path if "ROOT)" in script.read_text().splitlines()[-1] else arguments
    for command in ([str(script)], [sys.executable, str(script)]):
        done = subprocess.run([*command, *arguments], cwd="/", capture_output=True, text=True, check=False)
        python = "/usr/bin/python3" if len(command) == 1 else sys.executable
        assert (done.returncode, done.stderr) == (7, "")
        assert done.stdout == f"{python} {[str(script), *arguments]} {handed}\n"
