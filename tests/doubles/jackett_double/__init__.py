# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict double of the Jackett server (0.24): its HTTP interface and its files, without real sites."""

from jackett_double.server import Server

__all__ = ["Server"]
