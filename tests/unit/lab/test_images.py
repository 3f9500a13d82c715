# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's images: apt sources from this machine's mirror, and the build context."""

from __future__ import annotations

from pathlib import Path

import images
import pytest
from engine import LabError

DEB822 = """\
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
deb [signed-by=/k.gpg] https://other.example/debian/ bookworm main
deb-src https://another.example/debian bookworm main
"""
FOREIGN = "deb https://packages.example/apt stable main\n"


def apt(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        (folder / "sources.list.d" / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_reads_deb822_sources(tmp_path: Path) -> None:
    assert images.sources(apt(tmp_path, debian_sources=DEB822)) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/debian-security trixie-security main",
    ]


def test_reads_one_line_sources_without_security(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE, encoding="utf-8")
    assert images.sources(apt(tmp_path)) == [
        "deb https://other.example/debian trixie main",
        "deb https://other.example/debian trixie-updates main",
    ]


def test_skips_other_archives(tmp_path: Path) -> None:
    found = images.mirror("debian", apt(tmp_path, a_list=FOREIGN, b_sources=DEB822))
    assert found == "http://mirror.example/debian"


def test_fails_without_mirror(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no Debian mirror in /etc/apt"):
        images.sources(apt(tmp_path, a_list=FOREIGN))


@pytest.mark.parametrize("name", images.PACKAGES)
def test_build_context_of_double_is_complete(tmp_path: Path, name: str) -> None:
    images.fill(tmp_path, name)
    dockerfile = (tmp_path / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    assert {path.name for path in tmp_path.iterdir()} == {"Dockerfile", *copied}
    assert (tmp_path / images.PACKAGES[name] / "__main__.py").is_file()
    assert list(tmp_path.rglob("__pycache__")) == []
