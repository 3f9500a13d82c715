# SPDX-License-Identifier: GPL-3.0-or-later
"""The import: finished downloads become hard links in the library, which Jellyfin lists."""
