# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the lab's images from Debian's packages, on a base image that is present, pulled, or made."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine import LabError, docker, inspect, run
from topology import LABEL, REGISTRY, REGISTRY_PORT

BASE = "debian:trixie-slim"
SUITE = "trixie"
FOLDER = Path(__file__).parent / "images"
# Python packages that an image contains in addition to its folder.
DOUBLES = Path(__file__).parents[1] / "doubles"
PACKAGES = {"jackett": "jackett_double", "jellyfin": "jellyfin_double"}
# These install packages, which takes time; the other images of the lab are based on "common".
LARGE_IMAGES = ("common", "pi")
COMMON_BASED_IMAGES = ("router", "provider", "internet", "laptop", "registry")
# What the Pi pulls from the lab's registry.
HOUSEHOLD_IMAGES = ("gateway", "transmission", "jackett", "jellyfin", "aria2", "web", "haproxy", "dockerclient")
APT = Path("/etc/apt")
# The last three stay in the image, as they do in the real debian:trixie-slim.
MMDEBSTRAP_OPTIONS = (
    "--quiet",
    "--variant=minbase",
    "--include=ca-certificates",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)


def tag(name: str) -> str:
    return f"household/{name}:lab" if name in HOUSEHOLD_IMAGES else f"household-lab/{name}:latest"


def mirror(archive: str, apt: Path = APT) -> str | None:
    """Return the URL of one of Debian's archives in this machine's apt sources; None when they have none."""
    for path in [*sorted((apt / "sources.list.d").glob("*")), apt / "sources.list"]:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        for pattern in (rf"^URIs:\s*(\S+/{archive})/?\s*$", rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+/{archive})/?\s"):
            if found := re.search(pattern, text, re.MULTILINE):
                return found[1]
    return None


def sources(apt: Path = APT, suite: str = SUITE) -> list[str]:
    """Return the lines of a suite's sources.list. Raises LabError when this machine's apt sources name no mirror."""
    main, security = mirror("debian", apt), mirror("debian-security", apt)
    if main is None:
        raise LabError(
            "no Debian mirror in /etc/apt; the lab's images are made from Debian's packages. Add one to the apt sources"
        )
    lines = [f"deb {main} {suite} main", f"deb {main} {suite}-updates main"]
    return [*lines, f"deb {security} {suite}-security main"] if security else lines


def make_base(cache: Path) -> None:
    """Provide ``debian:trixie-slim``: keep it, or pull it, or make it with mmdebstrap."""
    if inspect("image", BASE) is not None:
        return
    if subprocess.run(["docker", "pull", "--quiet", BASE], capture_output=True, check=False).returncode == 0:
        return
    archive = cache / f"{SUITE}.tar"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(".unfinished.tar")
        run("mmdebstrap", *MMDEBSTRAP_OPTIONS, SUITE, str(unfinished), *sources())
        unfinished.replace(archive)
    docker("import", "--change", f"LABEL {LABEL}=base", str(archive), BASE)


def build(name: str) -> None:
    """Build one image with Docker's build cache."""
    with tempfile.TemporaryDirectory() as context:
        fill(Path(context), name)
        docker("build", "--quiet", "--label", LABEL, "--tag", tag(name), context)


def fill(context: Path, name: str) -> None:
    """Assemble the build context of an image."""
    for path in (FOLDER / name).iterdir():
        (context / path.name).write_bytes(path.read_bytes())
    if package := PACKAGES.get(name):
        shutil.copytree(DOUBLES / package, context / package, ignore=shutil.ignore_patterns("__pycache__"))


def build_all(cache: Path) -> None:
    make_base(cache)
    for names in ((*LARGE_IMAGES, *HOUSEHOLD_IMAGES), COMMON_BASED_IMAGES):
        with ThreadPoolExecutor() as pool:
            list(pool.map(build, names))


def publish(name: str, port: int) -> str:
    """Push an image to the lab's registry at ``port`` on loopback; return the reference with digest for the Pi."""
    local = f"127.0.0.1:{port}/household/{name}"
    docker("tag", tag(name), local)
    pushed = docker("push", local)
    docker("rmi", local)
    found = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed)
    if found is None:
        raise LabError(f"docker push {local} printed no digest: {pushed}")
    return f"{REGISTRY}:{REGISTRY_PORT}/household/{name}@{found[1]}"
