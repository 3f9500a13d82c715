# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/sanity.py: the copy of the tracked files, the Pythons that run, and pip's settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sanity


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    monkeypatch.setattr(sanity, "WORK", work)
    monkeypatch.setattr(sanity, "HOME", work / "home")
    return work


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    (root / "plugins").mkdir(parents=True)
    (root / "galaxy.yml").write_text("namespace: space\nname: name\n")
    (root / "plugins" / "kept.py").write_text("committed\n")
    (root / "plugins" / "removed.py").write_text("committed\n")
    (root / "link").symlink_to("plugins/kept.py")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.setattr(sanity, "ROOT", root)
    return root


def test_copy_has_tracked_files_of_working_tree(work: Path, checkout: Path) -> None:
    for _round in range(2):
        (checkout / "plugins" / "removed.py").unlink(missing_ok=True)
        (checkout / "plugins" / "kept.py").write_text("changed\n")
        (checkout / "stray.txt").write_text("not tracked\n")
        copy = sanity.copy_collection()
        assert copy == work / "ansible_collections" / "space" / "name"
        listed = subprocess.run(["git", "ls-files"], cwd=copy, capture_output=True, text=True, check=True).stdout
        assert listed.split() == ["galaxy.yml", "link", "plugins/kept.py"]
        assert (copy / "plugins" / "kept.py").read_text() == "changed\n"
        assert (copy / "link").readlink() == Path("plugins/kept.py")
        (copy / "plugins" / "removed.py").write_text("left from an earlier run\n")


def test_skips_python_that_does_not_run(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for version, script in (("3.11", "exit 127"), ("3.12", f'exec {sys.executable} "$@"')):
        shim = shims / f"python{version}"
        shim.write_text(f"#!/bin/sh\n{script}\n")
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    assert sanity.link_pythons() == ["3.12"]
    assert [path.name for path in (work / "bin").iterdir()] == ["python3.12"]


def test_pip_gets_settings_and_wheel(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(command: list[str], *, check: bool) -> None:
        assert check
        wheel = Path(command[command.index("--dest") + 1]) / f"{command[-1].replace('==', '-')}-py3-none-any.whl"
        wheel.parent.mkdir(exist_ok=True)
        wheel.write_text("")

    monkeypatch.setattr(sanity.subprocess, "run", download)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.test/%7Esimple")
    monkeypatch.setenv("PIP_CONSTRAINT", "/constraints.txt")
    sanity.pip_bootstrap()
    settings = (work / "home" / ".config" / "pip" / "pip.conf").read_text().splitlines()
    assert "index-url = https://index.test/%7Esimple" in settings
    assert [line for line in settings if "constraint" in line] == []
    (wheel,) = (work / "pip").iterdir()
    (script,) = (work / "home" / ".ansible" / "test" / "cache").iterdir()
    assert script.name == f"get_pip_{wheel.name.split('-')[1].replace('.', '_')}.py"
    assert repr(str(wheel)) in script.read_text()


def test_skips_tests_of_missing_programs(tmp_path: Path) -> None:
    assert sorted(sanity.left_out(str(tmp_path))) == ["pslint", "shellcheck"]
    (tmp_path / "shellcheck").touch(mode=0o755)
    assert sorted(sanity.left_out(str(tmp_path))) == ["pslint"]


def test_no_finding_is_ignored() -> None:
    assert list((sanity.ROOT / "tests" / "sanity").glob("*")) == []
