# SPDX-License-Identifier: GPL-3.0-or-later
"""X25519 with the test vectors of RFC 7748, sections 5.2 and 6.1."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import x25519

SCALAR_AND_POINT = {
    "first": (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    "second, the top bit of the point set": (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
}
ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"


@pytest.mark.parametrize(("scalar", "point", "product"), SCALAR_AND_POINT.values(), ids=SCALAR_AND_POINT.keys())
def test_multiply_matches_rfc_vectors(scalar: str, point: str, product: str) -> None:
    assert x25519.multiply(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == product


def test_thousand_rounds_match_rfc_vectors() -> None:
    scalar = point = x25519.BASE_POINT
    results = []
    for _round in range(1000):
        scalar, point = x25519.multiply(scalar, point), scalar
        results.append(scalar.hex())
    assert results[0] == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    assert results[999] == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"


@pytest.mark.parametrize(("private", "public"), [(ALICE, ALICE_PUBLIC), (BOB, BOB_PUBLIC)], ids=["Alice", "Bob"])
def test_public_key_matches_expected_value(private: str, public: str) -> None:
    assert x25519.public_key(bytes.fromhex(private)).hex() == public


def test_both_peers_derive_the_shared_secret() -> None:
    assert x25519.multiply(bytes.fromhex(ALICE), bytes.fromhex(BOB_PUBLIC)).hex() == SHARED
    assert x25519.multiply(bytes.fromhex(BOB), bytes.fromhex(ALICE_PUBLIC)).hex() == SHARED


def test_clamp_sets_and_clears_the_bits_of_a_private_key() -> None:
    assert x25519.clamp(b"\xff" * 32) == b"\xf8" + b"\xff" * 30 + b"\x7f"
    assert x25519.clamp(b"\x00" * 32) == b"\x00" * 31 + b"\x40"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_other_lengths_are_rejected(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        x25519.public_key(b"\x01" * size)
