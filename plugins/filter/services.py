# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a household's services are."""

from __future__ import annotations

DOCUMENTATION = r"""
name: services
author: household.mediaserver contributors (@household)
version_added: 0.1.0
short_description: The services of a household, from the registry and its variables
description:
  - Reads the registry (C(roles/mediaserver/files/services.yml)), and returns the services that the household has, in
    the order of the compose file, with their ports on the host.
  - What cannot be read is left out. Preflight says what is wrong with it.
options:
  _input:
    description:
      - The household's variables C(stack_services), C(mediaserver_ports), C(mediaserver_extra_services) and those that
        C(variables) of the result names. One that is missing, V(none) or empty has its default.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which ports of the host are published
  ansible.builtin.debug:
    msg: "{{ ({'stack_services': ['vpn', 'wireguard', 'transmission']}
      | household.mediaserver.services).published_ports }}"
"""

RETURN = r"""
_value:
  description: The services, and what follows from all of them together.
  type: dict
  contains:
    names:
      description: Names of the services.
      type: list
      elements: str
      sample: [vpn, wireguard, transmission]
    services:
      description: Each service, with the fields of the class C(Service) of C(plugins/module_utils/_services/model.py).
      type: list
      elements: dict
      sample: [{name: vpn, namespace: holder}]
    registered:
      description: Names of all services of the registry.
      type: list
      elements: str
      sample: [vpn, wireguard, transmission, jackett, jellyfin]
    default_names:
      description: What C(stack_services) is where the household does not set it.
      type: list
      elements: str
      sample: [vpn, wireguard, transmission, jackett, jellyfin]
    default_memory_limits:
      description: What C(stack_memory_limits) is where the household does not set it.
      type: dict
      sample: {transmission: 1g}
    pages:
      description: Published web interfaces, each with the C(title) of its service and the C(port) of the host.
      type: list
      elements: dict
      sample: [{title: Transmission, port: 9091}]
    next_steps:
      description: What the household does first with its services.
      type: list
      elements: str
      sample: [add your indexers in Jackett]
    folders:
      description:
        - Configuration folders of the services, by C(path) below C(mediaserver_root).
        - An C(owner) that is empty is the household's account.
      type: list
      elements: dict
      sample: [{path: config/transmission, owner: ""}]
    secret_files:
      description: Secret files of the household's own services, as C(folders).
      type: list
      elements: dict
      sample: [{path: secrets/sonarr/key, owner: ""}]
    monitored:
      description: What the programs on the host know of each service.
      type: list
      elements: dict
      sample: [{name: vpn, namespace: holder, restart_when_unhealthy: false}]
    own:
      description: Names of the household's own services.
      type: list
      elements: str
      sample: []
    barrier:
      description: What both barriers know of the household's own services. Empty where there are none.
      type: dict
      sample: {}
    bridges:
      description: Bridges on the host of own services outside the VPN.
      type: list
      elements: str
      sample: [br-own-bazarr]
    networks:
      description: Docker's networks of own services outside the VPN.
      type: list
      elements: str
      sample: [mediaserver_own_bazarr]
    reach_ports:
      description: TCP ports at the host's address on the VPN bridge where services reach each other.
      type: list
      elements: int
      sample: [8096]
    volume_sources:
      description: Folders of the host that own services get beside their configuration and the data.
      type: list
      elements: str
      sample: [/mnt/media/books]
    port_receiver:
      description: The own service that gets the provider's forwarded port, empty where none does.
      type: str
      sample: qbittorrent
    roles:
      description: Roles that configure services of the registry.
      type: list
      elements: str
      sample: [transmission, jackett, jellyfin]
    absent_roles:
      description: Those of C(roles) whose services the household does not have.
      type: list
      elements: str
      sample: [jackett, jellyfin]
    published_ports:
      description: TCP ports of the host that lead to a service.
      type: list
      elements: int
      sample: [9091]
    vpn_ports:
      description: Published ports of the services in the VPN namespace, as the services have them.
      type: list
      elements: int
      sample: [9091]
    variables:
      description: Names of the variables that the input should hold.
      type: list
      elements: str
      sample: [stack_services, mediaserver_ports]
    placeholders:
      description: Names of the variables whose values P(household.mediaserver.compose_project#filter) takes.
      type: list
      elements: str
      sample: [gateway_image, mediaserver_root]
  sample:
    names: [vpn, wireguard, transmission]
"""

from collections.abc import Callable, Mapping
from typing import Any


def services(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the services of a household as plain values."""
    # Here, because Ansible loads every filter of the collection in each process that uses one of them.
    from ansible_collections.household.mediaserver.plugins.module_utils._services import views  # noqa: PLC0415
    from ansible_collections.household.mediaserver.plugins.module_utils._services.project import (  # noqa: PLC0415
        project,
    )
    from ansible_collections.household.mediaserver.plugins.plugin_utils import _services_file  # noqa: PLC0415

    return views.whole(project(_services_file.read(), given))


class FilterModule:
    """The filter's interface to Ansible."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"services": services}
