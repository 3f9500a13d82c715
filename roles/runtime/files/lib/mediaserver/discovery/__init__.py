# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers Jellyfin's discovery broadcast in place of its container, which a broadcast of the LAN never reaches."""
