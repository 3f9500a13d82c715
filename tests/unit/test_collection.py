# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that others install: complete, and with nothing in it that is not theirs to have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PLUGIN_FILES = sorted((ROOT / "plugins").rglob("*.py"))
# What a tool or a person may have left in a checkout.
LEFTOVERS = (
    ".venv/bin/python",
    "build/lab/id_ed25519",
    "inventory/home/host_vars/pi/vault.yml",
    "plugins/modules/__pycache__/x.pyc",
    ".pytest_cache/x",
    "roles/runtime/files/lib/.mypy_cache/x",
    "inventory/example/host_vars/pi/vault.yml",
    "household-mediaserver-0.0.1.tar.gz",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git knows, with leftovers in it."""
    copy = tmp_path_factory.mktemp("checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    for name in LEFTOVERS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("secret")
    return copy


def galaxy(*arguments: str, cwd: Path) -> None:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(cwd / "installed")}
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "galaxy", "collection", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def archive(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive")
    galaxy("build", str(checkout), "--output-path", str(target), cwd=target)
    (found,) = target.glob("household-mediaserver-*.tar.gz")
    return found


def test_the_archive_holds_the_product_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as content:
        names = [name for name in content.getnames() if name not in (".", "")]
    top = {name.split("/", maxsplit=1)[0] for name in names}
    assert top == {
        *("CHANGELOG.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md"),
        *("changelogs", "docs", "inventory", "meta", "playbooks", "plugins", "requirements.yml", "roles"),
    }
    assert [name for name in names if name.endswith(("vault.yml", ".pyc", ".tar.gz")) or "__pycache__" in name] == []
    assert [name for name in names if any(part.startswith(".") for part in name.split("/"))] == []
    assert {name.split("/")[1] for name in names if name.startswith("inventory/")} == {"example"}
    assert {"playbooks/site.yml", "inventory/example/hosts.yml", "plugins/modules/file_tree.py"} <= set(names)


def test_the_archive_can_be_installed(archive: Path, tmp_path: Path) -> None:
    galaxy("install", "--no-deps", "--offline", str(archive), "--collections-path", str(tmp_path), cwd=tmp_path)
    installed = tmp_path / "ansible_collections" / "household" / "mediaserver"
    shared = "roles/runtime/files/lib/mediaserver/_core/files.py"
    for name in ("playbooks/site.yml", shared):
        assert (installed / name).read_bytes() == (ROOT / name).read_bytes(), name


def test_the_action_groups_are_lists_of_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"] == {
        "all": MODULES,
        "jellyfin": [name for name in MODULES if name.startswith("jellyfin_")],
    }


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: path.name)
def test_every_plugin_file_names_its_licence(path: Path) -> None:
    head = path.read_text(encoding="utf-8").splitlines()[:20]
    assert "# SPDX-License-Identifier: GPL-3.0-or-later" in head
    assert any(line.startswith("# GNU General Public License v3.0+") for line in head)


LIBRARY = ROOT / "roles" / "runtime" / "files" / "lib" / "mediaserver"
SHARED = sorted(path for path in LIBRARY.glob("_[a-z]*") if path.is_dir())


@pytest.mark.parametrize("package", SHARED, ids=lambda path: path.name)
def test_the_host_has_every_file_of_a_shared_package(package: Path) -> None:
    """By links to files: ansible-test allows none to folders."""
    source = ROOT / "plugins" / "module_utils" / package.name
    assert {path.name: path.resolve() for path in package.glob("*.py")} == {
        path.name: path for path in source.glob("*.py")
    }
    assert [path.name for path in package.glob("*.py") if not path.is_symlink()] == []
