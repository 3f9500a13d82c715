# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict double of the Jackett server (0.24): what a client and the disk see, with no site behind it."""

from jackett_double.server import Server

__all__ = ["Server"]
