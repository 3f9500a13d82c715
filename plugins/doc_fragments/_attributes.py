# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What check_mode, diff_mode and idempotent mean, in the same words for every module."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, and then predicts the change without making it.
  diff_mode:
    description: Shows what changes when diff mode is on.
  idempotent:
    description: Reports no change when run again with the same options and nothing else has changed.
"""
