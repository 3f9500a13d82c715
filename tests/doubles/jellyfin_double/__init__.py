# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict double of the Jellyfin server (10.11 and 12.0): what a client sees, with no media engine behind it."""

from jellyfin_double.clock import Clock, ManualClock
from jellyfin_double.server import Server
from jellyfin_double.startup import Timing

__all__ = ["Clock", "ManualClock", "Server", "Timing"]
