# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of Jellyfin's cache folder and HTTPS."""

from __future__ import annotations

import typing as t

from .problem import (
    Facts,
    Problem,
    Settings,
    problem,
)

# Folders that must not become the cache: the role changes the owner of the cache, and its content may be deleted.
SHARED_FOLDERS = frozenset(
    f"/{name}"
    for name in (
        *("bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv"),
        *("sys", "tmp", "usr", "usr/local", "var", "var/cache", "var/lib", "var/log", "var/tmp"),
    )
)
OWN_FOLDERS = (
    *("mediaserver_root", "mediaserver_state", "mediaserver_data", "mediaserver_media", "mediaserver_downloads"),
)


def check_cache(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Reject a cache folder that is, contains or is inside a folder with other files: the role changes its owner."""
    cache = str(settings.get("jellyfin_cache") or "").rstrip("/")
    if not cache:
        return
    remedy = "choose a separate folder, such as /srv/jellyfin-cache; the role creates it with the correct owner"
    if cache in SHARED_FOLDERS or (cache.startswith("/home/") and cache.count("/") == 2):
        yield problem("jellyfin_cache", f"{cache} is also used by other programs or by a user", remedy)
        return
    for name in OWN_FOLDERS:
        own = str(settings.get(name) or "").rstrip("/")
        if own and f"{own}/".startswith(f"{cache}/"):
            yield problem("jellyfin_cache", f"{cache} is, or contains, {name} ({own})", remedy)
            return
    media = str(settings.get("mediaserver_media") or "").rstrip("/")
    if media and cache.startswith(f"{media}/"):
        yield problem("jellyfin_cache", f"{cache} is inside mediaserver_media ({media})", remedy)


def check_https(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Without a certificate Jellyfin does not answer at the port that is published."""
    port = str(settings.get("jellyfin_https_port") or 0)
    certificate = str(settings.get("jellyfin_https_certificate") or "")
    if port != "0" and not certificate:
        yield problem(
            "jellyfin_https_port",
            f"it is {port}, but jellyfin_https_certificate is empty, so nothing would listen on that port",
            "set jellyfin_https_certificate to a PKCS#12 file on the controller, or jellyfin_https_port to 0",
        )
    elif port != "0" and not certificate.startswith(("/", "~/")):
        # For a relative path, Ansible checks one folder and copies from another.
        yield problem(
            "jellyfin_https_certificate",
            f"{certificate} is a relative path",
            'write the absolute path, such as "{{ inventory_dir }}/jellyfin.pfx" for a file in the household\'s folder',
        )
    if port == "0" and certificate:
        yield problem(
            "jellyfin_https_certificate",
            "it is set, but jellyfin_https_port is 0, so HTTPS would not be published",
            "set jellyfin_https_port, such as 8920, or remove the certificate",
        )
