# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: X25519 (RFC 7748, section 5) on raw bytes.

Python's integers do not take constant time. That is fine here, where a key is used once, on the machine that
holds it, to derive the public key; it is not meant for a key exchange.
"""

from __future__ import annotations

KEY_BYTES = 32
PRIME = 2**255 - 19
A24 = 121665
BASE_POINT = (9).to_bytes(KEY_BYTES, "little")


def clamp(scalar: bytes) -> bytes:
    """Return the scalar with the bits set that every X25519 private key has."""
    _check(scalar)
    return bytes([scalar[0] & 248]) + scalar[1:-1] + bytes([scalar[-1] & 127 | 64])


def multiply(scalar: bytes, point: bytes) -> bytes:
    """Return the u-coordinate of ``scalar`` times ``point``, by the Montgomery ladder."""
    _check(point)
    k = int.from_bytes(clamp(scalar), "little")
    x1 = (int.from_bytes(point, "little") & (2**255 - 1)) % PRIME
    x2, z2, x3, z3 = 1, 0, x1, 1
    swapped = 0
    for position in range(254, -1, -1):
        bit = k >> position & 1
        if bit != swapped:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a % PRIME, c * b % PRIME
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + A24 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(KEY_BYTES, "little")


def public_key(private_key: bytes) -> bytes:
    """Return the public key that belongs to a private key."""
    return multiply(private_key, BASE_POINT)


def _check(value: bytes) -> None:
    if len(value) != KEY_BYTES:
        raise ValueError(f"X25519 works on {KEY_BYTES} bytes, got {len(value)}")
