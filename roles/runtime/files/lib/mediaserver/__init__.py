# SPDX-License-Identifier: GPL-3.0-or-later
"""What the household media server runs on its host besides containers."""

# As in galaxy.yml, which is not installed.
VERSION = "0.1.0"
