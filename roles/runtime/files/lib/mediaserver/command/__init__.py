# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``mediaserver``: what a person sees of this host."""
