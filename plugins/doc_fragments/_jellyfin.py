# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Options of all Jellyfin modules, and of those that need an API key."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - URL of the server from the managed host, with its base URL if it has one.
      - Redirects are not followed and proxies are not used, so that only the named host receives the key.
      - With https, the certificate is always verified against the managed host's own certificate authorities.
    type: str
    default: http://127.0.0.1:8096
  timeout:
    description:
      - Time limit in seconds for the server to become C(Healthy), and for each call.
      - While an upgrade migrates the database, which may take hours, the server is C(Degraded) and the module waits.
    type: int
    default: 180
  service:
    description:
      - Service of the compose project O(project) whose container runs the server. The module connects to the
        container's own address, which Docker reports, through the bridge of its network, so that no request leaves
        the managed host. The host of O(url) is then ignored, and its port is the container's own.
      - The container is found by its compose labels, not by its name.
    type: str
  project:
    description: Name of the compose project of O(service).
    type: str
    default: mediaserver
  config_dir:
    description:
      - Folder on the managed host with the server's configuration. The module syncs its filesystem after a change,
        because Jellyfin writes its files without fsync and a power cut could leave them empty.
      - Without it, all filesystems of the managed host are synced.
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
  - Calls are made one after another. Jellyfin's writes replace whole objects, so two programs or two plays must not
    change one server at the same time.
"""

    API_KEY = r"""
options:
  api_key:
    description: API key of the server. Exactly one of O(api_key) and O(api_key_file) is needed.
    type: str
  api_key_file:
    description:
      - File on the managed host that holds the API key, as M(household.mediaserver.jellyfin_setup) writes it.
      - It must not be accessible by other accounts (mode V(0600)).
    type: path
"""
