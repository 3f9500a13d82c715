# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the Jellyfin modules' tests."""

from __future__ import annotations

from ansible_collections.household.mediaserver.tests.unit.plugins.modules.jellyfin_claims import claimed, house

__all__ = ["claimed", "house"]
