# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore: of one service, of a whole household onto a blank Pi, and the drill that proves both possible."""
