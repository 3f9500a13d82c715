# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what has to happen to a WireGuard key pair kept as files.

Pure: what is wanted and what was found go in, a plan comes out. Real run, check mode and diff use the same
plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import KeyFileError
from .._core.secret_file import UNCHANGED, Owner, SecretFile
from . import values

PUBLIC_MODE = 0o644
POLICIES = ("never", "if_missing", "if_invalid", "always")
NEW = "a new key"


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    path: str
    public_path: str
    preshared_path: str | None = None
    private_key: str | None = field(default=None, repr=False)
    preshared_key: str | None = field(default=None, repr=False)
    regenerate: str = "if_missing"
    mode: int = 0o600
    owner: Owner = UNCHANGED


@dataclass(frozen=True)
class Step:
    """One file: how it is, and how it shall be."""

    path: str
    found: SecretFile | None
    text: str = field(repr=False)
    mode: int
    owner: Owner
    shown: str  # how diffs show the wanted content
    was: str  # and the content found
    aside: bool = False  # the old content is or may be a secret, and is kept

    @property
    def rewrites(self) -> bool:
        return self.found is None or self.found.text != self.text

    @property
    def changed(self) -> bool:
        return self.before() != self.after() or self.rewrites

    def before(self) -> dict[str, Any]:
        if self.found is None:
            return {"state": "absent"}
        return self._attributes(self.was, self.found.mode, self.found.uid, self.found.gid)

    def after(self) -> dict[str, Any]:
        found = self.found
        uid = self.owner.uid if self.owner.uid is not None else found.uid if found else None
        gid = self.owner.gid if self.owner.gid is not None else found.gid if found else None
        return self._attributes(self.shown, self.mode, uid, gid)

    @staticmethod
    def _attributes(content: str, mode: int, uid: int | None, gid: int | None) -> dict[str, Any]:
        ids = {name: value for name, value in (("uid", uid), ("gid", gid)) if value is not None}
        return {"state": "file", "mode": f"{mode:04o}", "content": content, **ids}


@dataclass(frozen=True)
class Plan:
    """The steps in the order in which they are taken, and the public key that results."""

    steps: tuple[Step, ...]
    public_key: str
    generated: bool  # the private key is a new one, so nobody can foresee the public key

    @property
    def changes(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.changed)

    def diff(self) -> dict[str, Any]:
        return {
            "before": {step.path: step.before() for step in self.changes},
            "after": {step.path: step.after() for step in self.changes},
        }


def plan(
    wanted: Wanted,
    found: dict[str, SecretFile],
    *,
    new_private_key: Callable[[], str] = values.new_private_key,
    new_preshared_key: Callable[[], str] = values.new_preshared_key,
) -> Plan:
    """Compare. Raises KeyFileError where the policy forbids what would be needed."""
    paths = [path for path in (wanted.path, wanted.public_path, wanted.preshared_path) if path]
    if len(set(paths)) < len(paths):
        raise KeyFileError("the files of private, public and preshared key must have different paths")
    if wanted.mode & 0o007:
        raise KeyFileError(f"mode {wanted.mode:04o} would show the private key to everybody; use 0600 or 0640")
    if not 0 <= wanted.mode <= 0o770:
        raise KeyFileError("mode is no mode of a key file; use 0600 or 0640")
    steps = []
    if wanted.preshared_path:
        psk_path, psk = wanted.preshared_path, wanted.preshared_key
        steps.append(_secret(wanted, psk_path, found, "preshared_key", psk, new_preshared_key, _digest)[0])
    private, generated = _secret(
        wanted, wanted.path, found, "private_key", wanted.private_key, new_private_key, values.public_key
    )
    public_key = values.public_key(private.text.strip())
    old = found.get(wanted.public_path)
    public = Step(
        wanted.public_path,
        old,
        public_key + "\n",
        PUBLIC_MODE,
        wanted.owner,
        shown=NEW if generated else f"public key {public_key}",
        was=_public_shown(old, public_key),
        # Somebody may have put a private key there, or given another file's path.
        aside=old is not None and old.text.strip() not in ("", public_key, _public_of(found.get(wanted.path))),
    )
    return Plan((*steps, private, public), public_key, generated)


def _secret(
    wanted: Wanted,
    path: str,
    found: dict[str, SecretFile],
    option: str,
    given: str | None,
    new: Callable[[], str],
    describe: Callable[[str], str],
) -> tuple[Step, bool]:
    """Plan one secret file; also says whether its content is a new key."""
    old = found.get(path)
    old_key = _valid(old.text) if old else None
    policy = wanted.regenerate
    if given is not None:
        given = given.strip()
        try:
            values.key_bytes(given)
        except values.Refused as refusal:
            raise KeyFileError(f"{option}: {refusal}") from None
    if old is not None and old_key is None and policy in ("never", "if_missing"):
        raise KeyFileError(
            f"{path} holds no valid WireGuard key and is left as it is. Restore it from a backup, or set "
            "regenerate to if_invalid: then a new key takes its place and the old file is kept beside it"
        )
    if old is None and policy == "never":
        raise KeyFileError(f"{path} is missing, and regenerate=never makes no key. Put the key there")
    if given is not None and given != old_key and policy == "never":
        raise KeyFileError(f"{path} holds another key than {option}, and regenerate=never replaces none")
    key, generated = given or old_key, False
    if key is None or (given is None and policy == "always"):
        key, generated = new(), True
    # A valid key stays as it is in the file, white space included.
    text = old.text if old and key == old_key else key + "\n"
    what = "private key of public key" if describe is values.public_key else "preshared key with digest"
    step = Step(
        path,
        old,
        text,
        wanted.mode,
        wanted.owner,
        shown=NEW if generated else f"{what} {describe(key)}",
        was=f"{what} {describe(old_key)}" if old_key else "not a key",
        aside=old is not None and bool(old.text.strip()),
    )
    return step, generated


def _valid(text: str) -> str | None:
    try:
        values.key_bytes(text.strip())
    except values.Refused:
        return None
    return text.strip()


def _public_of(private: SecretFile | None) -> str:
    key = _valid(private.text) if private else None
    return values.public_key(key) if key else ""


def _public_shown(old: SecretFile | None, public_key: str) -> str:
    # Another content is not shown: it might be anything, a private key gone astray too.
    return f"public key {public_key}" if old and old.text.strip() == public_key else "something else"


def _digest(key: str) -> str:
    return hashlib.sha256(values.key_bytes(key)).hexdigest()[:16]
