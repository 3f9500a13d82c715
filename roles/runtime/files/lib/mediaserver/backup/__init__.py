# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup: what is kept, the copies of databases, restic, and the recovery card."""
