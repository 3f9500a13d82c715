# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""References of images, as compose files hold them: ``[registry/]repository[:tag][@digest]``. Pure.

Source: https://pkg.go.dev/github.com/distribution/reference (grammar, and the defaults of Docker).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._core.errors import InvalidValue

# Docker's own registry: what a reference without a registry means, and the host that answers for it.
HUB, HUB_HOST = "docker.io", "registry-1.docker.io"
HUB_ALIASES = (HUB, "index.docker.io", HUB_HOST)
OFFICIAL = "library"  # the folder of images with one name, such as nginx
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(f"{PART}(?:/{PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
LATEST = "latest"


@dataclass(frozen=True)
class Reference:
    """One image in one registry. ``digest`` is empty for a reference that a registry may answer differently later."""

    host: str
    repository: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"


def parse(text: str) -> Reference:
    """Return the parts of a reference, with Docker's defaults. Raises InvalidValue."""
    rest, _at, digest = text.partition("@")
    host, slash, path = rest.partition("/")
    # Docker takes the first part as a registry only if it cannot be a folder of Docker's own.
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = HUB, rest
    repository, _colon, tag = path.partition(":")
    if host in HUB_ALIASES:
        host = HUB_HOST
        repository = repository if "/" in repository else f"{OFFICIAL}/{repository}"
    tag = tag or LATEST
    if not (HOST.fullmatch(host) and REPOSITORY.fullmatch(repository) and TAG.fullmatch(tag)):
        raise InvalidValue(f"{text!r} is not a reference of an image; write it like owner/name:tag")
    if digest and not DIGEST.fullmatch(digest):
        raise InvalidValue(f"{text!r}: {digest!r} is not a digest; write @sha256: and 64 hexadecimal digits")
    return Reference(host, repository, tag, digest)


def same_repository(one: str, other: Reference) -> bool:
    """Say whether a text, such as ``owner/name@sha256:…``, names the repository of a reference."""
    try:
        found = parse(one)
    except InvalidValue:
        return False
    return (found.host, found.repository) == (other.host, other.repository)
