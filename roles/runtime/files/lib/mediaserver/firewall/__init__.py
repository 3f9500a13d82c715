# SPDX-License-Identifier: GPL-3.0-or-later
"""The two firewall tables around the VPN namespace, and the process that owns the outer one."""
