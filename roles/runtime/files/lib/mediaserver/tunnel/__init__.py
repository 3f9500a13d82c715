# SPDX-License-Identifier: GPL-3.0-or-later
"""The WireGuard tunnel: configuration, endpoints, resolvers, packet size, forwarded port."""
