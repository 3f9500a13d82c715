# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict double of the Jellyfin server (10.11 and 12.0): its HTTP interface and its files, without a media engine."""

from jellyfin_double.clock import Clock, ManualClock
from jellyfin_double.server import Server
from jellyfin_double.startup import Timing

__all__ = ["Clock", "ManualClock", "Server", "Timing"]
