# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media that the services cannot read are reported, in a bounded scan, and never changed."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host import media_access as access
from ansible_collections.household.mediaserver.plugins.module_utils._host.media_access import (
    UnreadablePath,
    describe,
    find_unreadable,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop to an account")
UID = 4321


@pytest.fixture
def media() -> Iterator[Path]:
    """A library that account UID may read, with one film. UID cannot enter pytest's own temporary folders."""
    top = Path(tempfile.mkdtemp(dir="/var/tmp"))
    (top / "movies" / "Good").mkdir(parents=True)
    (top / "movies" / "Good" / "film.mkv").write_text("film")
    for path in (top, top / "movies", top / "movies" / "Good"):
        path.chmod(0o755)
    yield top
    subprocess.run(["rm", "-r", str(top)], check=True)


def unreadable_below(media: Path) -> list[str]:
    return [one.path.removeprefix(f"{media}/") for one in find_unreadable([str(media)], uid=UID, gid=UID)]


def test_readable_library_has_no_findings(media: Path) -> None:
    assert unreadable_below(media) == []
    assert find_unreadable([str(media / "not there")], uid=UID, gid=UID) == []


@pytest.mark.parametrize(
    ("path", "mode"),
    [("movies/Old", 0o700), ("movies/Old", 0o744), ("movies", 0o700), ("movies/Good/film.mkv", 0o600)],
)
def test_unreadable_media_are_reported_and_not_changed(media: Path, path: str, mode: int) -> None:
    (media / "movies" / "Old").mkdir(exist_ok=True)
    (media / path).chmod(mode)
    os.chown(media / path, 1234, 1234)
    before = (media / path).stat()
    assert unreadable_below(media) == [path]
    after = (media / path).stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_access_by_group_is_sufficient(media: Path) -> None:
    (media / "movies" / "Old").mkdir()
    os.chown(media / "movies" / "Old", 1234, UID)
    (media / "movies" / "Old").chmod(0o750)
    assert unreadable_below(media) == []


def test_scan_is_bounded_in_findings_entries_and_depth(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (media / "movies" / f"Old {number}").mkdir(mode=0o700)
    assert len(unreadable_below(media)) == access.NAMED
    monkeypatch.setattr(access, "ENTRIES", 3)
    assert unreadable_below(media) == []
    # Deeper than <library>/<film>/<file>.
    (media / "movies" / "Good" / "Extras" / "Deep").mkdir(parents=True)
    (media / "movies" / "Good" / "Extras" / "Deep").chmod(0o700)
    monkeypatch.setattr(access, "ENTRIES", 5000)
    assert "movies/Good/Extras/Deep" not in unreadable_below(media)


def test_symbolic_link_is_not_followed(media: Path) -> None:
    (media / "movies" / "link").symlink_to("/root")
    assert unreadable_below(media) == []


def test_description_has_path_reason_and_remedy() -> None:
    found = [UnreadablePath("/mnt/media/movies/Old films", errno.EACCES), UnreadablePath("/mnt/media/tv", errno.EIO)]
    denied, broken = describe(found, account="2000", group="mediaserver")
    assert denied.startswith("/mnt/media/movies/Old films: account 2000, as which the services run, may not read it.")
    assert "sudo chgrp -R mediaserver '/mnt/media/movies/Old films' && sudo chmod -R g+rX '/mnt" in denied
    assert broken.startswith("/mnt/media/tv: it cannot be read (Input/output error).")


def test_name_that_is_not_utf8_is_escaped(media: Path) -> None:
    os.mkdir(os.fsencode(media) + b"/movies/\xff", mode=0o700)
    found = find_unreadable([str(media)], uid=UID, gid=UID)
    (line,) = describe(found, account="2000", group="mediaserver")
    assert line.encode("utf-8").startswith(f"{media}/movies/\\xff: ".encode())
