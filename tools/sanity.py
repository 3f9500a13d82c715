# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test's sanity tests on the files that the collection ships; no finding is ignored.

    python tools/sanity.py [arguments of ansible-test, such as --test pylint]

ansible-test requires a real folder ansible_collections/<namespace>/<name>, so it works on a copy below build/sanity.
Its virtual environments are kept in build/sanity/home.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from ansible_test._internal.python_requirements import get_venv_packages  # pinned with ansible-core

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "sanity"
HOME = WORK / "home"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Replaces the get-pip.py that ansible-test would download.
BOOTSTRAP = """\
import runpy
import sys

sys.path.insert(0, {wheel!r})
sys.argv[1:] = ["install", "--quiet", "--no-index", {wheel!r}]
runpy.run_module("pip", run_name="__main__")
"""


def ships(name: str) -> bool:
    """Return whether ansible-test needs a tracked file: shipped, or its configuration. Tests have their own linters."""
    configuration = name.startswith(("tests/config.yml", "tests/sanity/"))
    return configuration or not name.startswith(("tests/", "molecule/", "tools/"))


def copy_collection() -> Path:
    """Copy the tracked files, with their content in the working tree."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    copy = WORK / "ansible_collections" / galaxy["namespace"] / galaxy["name"]
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(ships, filter(None, listed.split("\0"))):
        if os.path.lexists(ROOT / name):  # git lists a removed file until the commit
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    # ansible-test lists the files with git, and this repository ignores the copy.
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=copy, check=True)
    return copy


def pip_bootstrap() -> None:
    """Download pip's wheels from the configured package index, and let ansible-test install from them."""
    settings = configparser.RawConfigParser()
    settings["global"] = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and name not in ("PIP_CONSTRAINT", "PIP_CONFIG_FILE")
    }
    # ansible-test removes pip's variables from the environment.
    (HOME / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (HOME / ".config" / "pip" / "pip.conf").open("w", encoding="utf-8") as file:
        settings.write(file)
    for version in sorted({get_venv_packages(SimpleNamespace(version=python))["pip"] for python in PYTHONS}):
        wheel = WORK / "pip" / f"pip-{version}-py3-none-any.whl"
        if not wheel.exists():
            command = ["pip", "download", "--quiet", "--no-deps", "--dest", str(wheel.parent), f"pip=={version}"]
            subprocess.run([sys.executable, "-m", *command], check=True)
        script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(BOOTSTRAP.format(wheel=str(wheel)), encoding="utf-8")


def link_pythons() -> list[str]:
    """Link the Pythons that run; a shim on PATH without an installed Python does not."""
    shutil.rmtree(WORK / "bin", ignore_errors=True)
    (WORK / "bin").mkdir(parents=True)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for version in PYTHONS:
        name = f"python{version}"
        for candidate in (shutil.which(name), *sorted(pyenv.glob(f"{version}.*/bin/{name}"))):
            if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                (WORK / "bin" / name).symlink_to(candidate)
                found.append(version)
                break
    return found


def left_out(path: str) -> dict[str, str]:
    """Return the tests that are skipped, each with the reason."""
    tests = {"pslint": "the collection has no PowerShell"}
    if shutil.which("shellcheck", path=path) is None:
        tests["shellcheck"] = "it is not installed; run tools/setup lab"
    return tests


def main() -> int:
    copy = copy_collection()
    pip_bootstrap()
    pythons = link_pythons()
    tools = Path(sys.executable).parent
    path = os.pathsep.join([str(tools), str(WORK / "bin"), "/usr/local/bin", "/usr/bin", "/bin"])
    without = left_out(path)
    print(f"Compiling and importing modules with Python {', '.join(pythons)}")
    for test, reason in without.items():
        print(f"Skipped: {test}: {reason}", flush=True)
    command = [str(tools / "ansible-test"), "sanity", "--local", "--color", "no", *sys.argv[1:]]
    command += [word for test in without for word in ("--skip-test", test)]
    environment = {**os.environ, "HOME": str(HOME), "PATH": path}
    return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
