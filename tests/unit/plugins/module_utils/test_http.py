# SPDX-License-Identifier: GPL-3.0-or-later
"""The real transport, in what the documentation of url promises."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import UrlHttp


def test_certificates_are_verified_against_the_systems_store(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def made(*arguments: Any, **options: Any) -> ssl.SSLContext:
        # No authorities of our own, and nothing else that would loosen it.
        assert (arguments, options) == ((), {})
        used.append(real())
        return used[-1]

    monkeypatch.setattr(ssl, "create_default_context", made)
    with pytest.raises(Unreachable):
        UrlHttp().request("GET", "https://127.0.0.1:1/", headers={}, body=None, timeout=1)
    (context,) = used
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
