# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications to the household, by Debian's apprise; off unless `mediaserver_notify` lists where they go."""
