# SPDX-License-Identifier: GPL-3.0-or-later
"""The health check: measures host, VPN, services and disks, judges, and reports changes of state."""
