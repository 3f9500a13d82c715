# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The options that every Jellyfin module has, and those of the modules that need an API key."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the server, with its base URL if it has one, as this host reaches it.
      - Redirects are not followed and proxies are not used, so that the key reaches the named host alone.
      - With https, the certificate is verified against the managed host's own store of authorities, always.
    type: str
    default: http://127.0.0.1:8096
  timeout:
    description:
      - Seconds to wait until the server is C(Healthy), and the limit of each call.
      - While an upgrade migrates the database, which may take hours, the server is C(Degraded) and is waited for.
    type: int
    default: 180
  service:
    description:
      - Service of the compose project O(project) in whose container the server runs. The module connects to the
        container's own address, which it takes from Docker, by the bridge of its network, so that nothing leaves this
        host. Of O(url), the host is not used then, and the port is the container's own.
      - The container is found by compose's labels, not by its name.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  config_dir:
    description:
      - Folder on the managed host with the server's configuration. Jellyfin writes its files without fsync, so the
        filesystem of this folder is synced after a change, or a power cut soon after it would leave empty files.
      - Where it is not given, all filesystems of the managed host are synced.
    type: path
    version_added: 0.1.0
attributes:
  action_group:
    description: Groups for C(module_defaults), like C(group/household.mediaserver.jellyfin).
    support: full
    membership:
      - household.mediaserver.all
      - household.mediaserver.jellyfin
notes:
  - Calls are made strictly one after another. Jellyfin's writes replace whole objects, so do not let two
    programs or two plays change one server at the same time.
"""

    API_KEY = r"""
options:
  api_key:
    description: API key of the server. Exactly one of O(api_key) and O(api_key_file) is needed.
    type: str
  api_key_file:
    description:
      - File on the managed host that holds the API key, as M(household.mediaserver.jellyfin_setup) writes it.
      - Must not be readable by everybody; V(0600) is usual.
    type: path
"""
