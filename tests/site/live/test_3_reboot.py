# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pi is switched off and on: everything is healthy again without help, within the budget."""

from __future__ import annotations

