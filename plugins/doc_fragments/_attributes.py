# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What check_mode, diff_mode and idempotent mean, and which group every module is in, in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Groups for C(module_defaults), like C(group/household.mediaserver.all).
    support: full
    membership:
      - household.mediaserver.all
  check_mode:
    description: Can run in check mode, and then predicts the change without making it.
  diff_mode:
    description: Shows what changes when diff mode is on.
  idempotent:
    description: Reports no change when run again with the same options and nothing else has changed.
"""
