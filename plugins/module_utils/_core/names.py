# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Names and numbers that several parts of the collection must agree on.

Files that cannot import this (YAML, templates, shell) are held to it by tests/unit/test_names.py.
"""

from __future__ import annotations

# The compose project, and its services that others depend on.
PROJECT = "mediaserver"
