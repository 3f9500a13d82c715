# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn-verify: the leak check on a running host."""
