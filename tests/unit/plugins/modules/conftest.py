# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests of the Jellyfin modules."""

from __future__ import annotations

from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import claimed, host

__all__ = ["claimed", "host"]
