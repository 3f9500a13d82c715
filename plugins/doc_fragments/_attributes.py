# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Attributes of all modules: check_mode, diff_mode, idempotent and the action group."""

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
    description: Runs in check mode and predicts the changes without making them.
  diff_mode:
    description: Returns the changes in diff mode.
  idempotent:
    description: Reports no change when it runs again with the same options and nothing else has changed.
"""
