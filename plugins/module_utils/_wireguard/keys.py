# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the changes to a WireGuard key pair that is kept as files. Private to the collection.

Pure: compares the wanted keys with the files found and returns a plan, which run, check mode and diff use.
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
class WantedKeys:
    """The module's options."""

    path: str
    public_path: str
    preshared_path: str | None = None
    private_key: str | None = field(default=None, repr=False)
    preshared_key: str | None = field(default=None, repr=False)
    regenerate: str = "if_missing"
    mode: int = 0o600
    owner: Owner = UNCHANGED


@dataclass(frozen=True)
class KeyFileChange:
    """One file: its state, and the wanted content, mode and owner.

    ``shown`` and ``was`` describe the wanted and the found content in diffs. ``aside``: the old content may be a secret
    and is kept in another file.
    """

    path: str
    found: SecretFile | None
    text: str = field(repr=False)
    mode: int
    owner: Owner
    shown: str
    was: str
    aside: bool = False

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
class KeyPlan:
    """All files in the order in which they are written, and the resulting public key.

    ``generated``: the private key is new, so check mode cannot predict the public key.
    """

    steps: tuple[KeyFileChange, ...]
    public_key: str
    generated: bool

    @property
    def changes(self) -> tuple[KeyFileChange, ...]:
        return tuple(step for step in self.steps if step.changed)

    def diff(self) -> dict[str, Any]:
        return {
            "before": {step.path: step.before() for step in self.changes},
            "after": {step.path: step.after() for step in self.changes},
        }


def plan(
    wanted: WantedKeys,
    found: dict[str, SecretFile],
    *,
    new_private_key: Callable[[], str] = values.new_private_key,
    new_preshared_key: Callable[[], str] = values.new_preshared_key,
) -> KeyPlan:
    """Return the plan. Raises KeyFileError for invalid options and where the policy forbids a needed change."""
    paths = [path for path in (wanted.path, wanted.public_path, wanted.preshared_path) if path]
    if len(set(paths)) < len(paths):
        raise KeyFileError("path, public_path and preshared_path must have different values; choose another path")
    if wanted.mode & 0o007:
        raise KeyFileError(f"mode {wanted.mode:04o} gives other accounts access to the private key; use 0600 or 0640")
    if not 0 <= wanted.mode <= 0o770:
        raise KeyFileError(f"mode {wanted.mode:04o} is not valid for a key file; use 0600 or 0640")
    steps = []
    if wanted.preshared_path:
        psk_path, psk = wanted.preshared_path, wanted.preshared_key
        steps.append(_secret(wanted, psk_path, found, "preshared_key", psk, new_preshared_key, _digest)[0])
    private, generated = _secret(
        wanted, wanted.path, found, "private_key", wanted.private_key, new_private_key, values.public_key
    )
    public_key = values.public_key(private.text.strip())
    old = found.get(wanted.public_path)
    public = KeyFileChange(
        wanted.public_path,
        old,
        public_key + "\n",
        PUBLIC_MODE,
        wanted.owner,
        shown=NEW if generated else f"public key {public_key}",
        was=_public_shown(old, public_key),
        # The file may hold a misplaced private key, or be another program's.
        aside=old is not None and old.text.strip() not in ("", public_key, _public_of(found.get(wanted.path))),
    )
    return KeyPlan((*steps, private, public), public_key, generated)


def _secret(
    wanted: WantedKeys,
    path: str,
    found: dict[str, SecretFile],
    option: str,
    given: str | None,
    new: Callable[[], str],
    describe: Callable[[str], str],
) -> tuple[KeyFileChange, bool]:
    """Return the change of one secret file, and whether its key is generated."""
    old = found.get(path)
    old_key = _valid(old.text) if old else None
    policy = wanted.regenerate
    if given is not None:
        given = given.strip()
        try:
            values.key_bytes(given)
        except values.InvalidField as error:
            raise KeyFileError(f"{option}: {error}") from None
    if old is not None and old_key is None and policy in ("never", "if_missing"):
        raise KeyFileError(
            f"{path} does not contain a valid WireGuard key and was not changed. Restore it from a backup, or set "
            "regenerate to if_invalid: then a new key replaces it, and the old file is kept beside it"
        )
    if old is None and policy == "never":
        raise KeyFileError(f"{path} does not exist, and regenerate=never creates no key. Put the key file there")
    if given is not None and given != old_key and policy == "never":
        raise KeyFileError(
            f"{path} contains another key than {option}, and regenerate=never replaces no key. Correct {option}, or "
            "set regenerate to if_missing"
        )
    key, generated = given or old_key, False
    if key is None or (given is None and policy == "always"):
        key, generated = new(), True
    # The text of a valid key is kept with its white space, so that it is not a change.
    text = old.text if old and key == old_key else key + "\n"
    what = "private key of public key" if describe is values.public_key else "preshared key with digest"
    step = KeyFileChange(
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
    except values.InvalidField:
        return None
    return text.strip()


def _public_of(private: SecretFile | None) -> str:
    key = _valid(private.text) if private else None
    return values.public_key(key) if key else ""


def _public_shown(old: SecretFile | None, public_key: str) -> str:
    # Another content is not shown: it may be a misplaced private key.
    return f"public key {public_key}" if old and old.text.strip() == public_key else "something else"


def _digest(key: str) -> str:
    return hashlib.sha256(values.key_bytes(key)).hexdigest()[:16]
