# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's API and the compose project."""
