# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: the form in which Transmission keeps a password, salted and hashed."""

from __future__ import annotations

import hashlib
import secrets
import typing as t

SALT_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ./"
SALT_LENGTH = 8
HASH_LENGTH = 41  # "{" and the 40 digits of SHA-1


def hash_password(plain: str) -> str:
    """Return a password as Transmission stores it, with a salt of its own."""
    salt = "".join(secrets.choice(SALT_LETTERS) for _letter in range(SALT_LENGTH))
    return "{" + _digest(plain, salt) + salt


def is_hash(stored: t.Any) -> bool:
    """Tell whether a stored password is salted and hashed."""
    return isinstance(stored, str) and stored.startswith("{") and len(stored) >= HASH_LENGTH


def verify_password(plain: str, stored: t.Any) -> bool:
    """Tell whether this is the stored one, hashed; one in plain text has to be replaced."""
    if not is_hash(stored):
        return False
    digest, salt = stored[1:HASH_LENGTH], stored[HASH_LENGTH:]
    return secrets.compare_digest(digest.encode(), _digest(plain, salt).encode())


def _digest(plain: str, salt: str) -> str:
    # Transmission's format, not our choice.
    return hashlib.sha1((plain + salt).encode(), usedforsecurity=False).hexdigest()
