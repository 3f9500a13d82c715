# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an import from its end, in words for the household."""

from __future__ import annotations

import errno

from mediaserver._core.errors import MediaserverError, reason

# Characters of a name that are shown at most.
SHOWN = 120
# Characters of a sentence, which may quote names and answers.
TEXT_SHOWN = 1000


class ImportProblem(MediaserverError):
    """An entry cannot be completed now. It is kept and tried again."""


class LibraryProblem(ImportProblem):
    """The library cannot be written as planned."""


class LibraryChanged(ImportProblem):
    """Another program has changed the library since the plan was made. A new plan is needed."""


_WORDS = {
    errno.ENOSPC: "the media disk is full. Make room: `mediaserver space` lists what frees how much",
    errno.EDQUOT: "the quota of the media disk is used up. Make room",
    errno.EROFS: "the media disk is read-only. The kernel makes it so after an error: see `dmesg` on the host",
    errno.EXDEV: "downloads and library are not on one filesystem, so no hard link is possible. Files are never copied;"
    " put mediaserver_media and mediaserver_downloads on one filesystem",
    errno.EPERM: "the kernel does not allow this hard link. The account mediaserver needs the right to read and write"
    " the downloaded file",
    errno.EACCES: "the account mediaserver may not do this. Its group needs the right to write there",
    errno.EMLINK: "the file has as many hard links as the filesystem allows",
    errno.EIO: "the disk reports an error. See `dmesg` on the host",
    errno.ENAMETOOLONG: "the name is longer than the filesystem allows",
}


def shown(text: str, limit: int = SHOWN) -> str:
    """Return a name that comes from outside as one line of printable characters."""
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def in_words(error: OSError, what: str) -> str:
    """Return what an operation on a file has failed for."""
    return f"{what}: {_WORDS.get(error.errno or 0) or reason(error)}"
