#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Measure the properties of a host that the roles depend on
version_added: 0.1.0
description:
  - Reads architecture, release, memory, disks, networks, accounts, clock, graphics devices, Docker, listening
    ports and kernel settings in one execution. Changes nothing but the lock of O(lease).
  - A value that cannot be read is empty. The host needs only Python.
author:
  - household.mediaserver contributors (@household)
extends_documentation_fragment:
  - household.mediaserver._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is changed.
  idempotent:
    support: full
options:
  paths:
    description: Absolute paths whose filesystems are measured. For a path that does not exist, its nearest parent.
    type: list
    elements: str
    default: []
  packages:
    description: Packages whose installed versions are returned.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports to report when something listens on them; all listening ports when empty.
    type: list
    elements: int
    default: []
  sysctl:
    description: Kernel settings whose live values are returned, by their sysctl names.
    type: list
    elements: str
    default: []
  kernel_modules:
    description: Kernel modules whose state is returned.
    type: list
    elements: str
    default: []
  probe:
    description: Absolute paths whose existence is checked.
    type: list
    elements: str
    default: []
  marked:
    description:
      - Absolute paths of files that this collection writes with its name in their first lines. Files that exist
        without the name are returned as RV(ansible_facts.mediaserver_host.unmarked).
    type: list
    elements: str
    default: []
  folders:
    description: Absolute paths of folders whose entries are returned.
    type: list
    elements: str
    default: []
  resolve:
    description: Absolute paths that may be links; where they lead is wanted.
    type: list
    elements: str
    default: []
  units:
    description:
      - systemd units, each with a list of the files that it reads when it starts, as absolute paths.
      - For each, RV(ansible_facts.mediaserver_host.units) shows whether it runs with an older version of its files.
    type: dict
    default: {}
  docker_settings:
    description:
      - Settings of dockerd, as in C(daemon.json); a later one overrides an earlier one.
        RV(ansible_facts.mediaserver_host.docker_file) tells whether the file has them all. They must hold no secret.
    type: list
    elements: dict
    default: []
  timezone:
    description: Time zone that is looked up in the host's time zone database.
    type: str
    default: ""
  user:
    description: Account whose properties are returned.
    type: str
    default: ""
  group:
    description: Group whose members are returned.
    type: str
    default: ""
  lease:
    description:
      - The lock of all jobs on the host, which is taken before the measurement. Fails with the name of its holder where
        it is not free within ten minutes. M(household.mediaserver.job_lock) ends it. Ignored in check mode.
    type: dict
    suboptions:
      name:
        description: What works on the host, in words for people.
        type: str
        required: true
      controller:
        description: Name of the machine on which it works.
        type: str
        required: true
      process:
        description: Its process there.
        type: int
        required: true
      alive:
        description: All processes there. The lock of one that is not among them is taken over.
        type: list
        elements: int
        default: []
"""

EXAMPLES = r"""
- name: Measure the host
  household.mediaserver.host_info:
    paths: [/, /mnt]
    packages: [nftables]
    ports: [9091, 8096]
"""

RETURN = r"""
ansible_facts:
  description: One fact with all measurements. A value that was not requested or cannot be read is empty.
  returned: always
  type: dict
  contains:
    mediaserver_host:
      description: The measurements.
      returned: always
      type: dict
      contains:
        architecture:
          description: Architecture of the userland, by dpkg's name.
          returned: always
          type: str
          sample: arm64
        os:
          description: Fields ID, VERSION_ID and VERSION_CODENAME of C(/etc/os-release).
          returned: always
          type: dict
          sample: {id: debian, version_id: "13", codename: trixie}
        kernel:
          description: Release of the running kernel.
          returned: always
          type: str
          sample: 6.12.47+rpt-rpi-v8
        machine:
          description: Architecture of the kernel.
          returned: always
          type: str
          sample: aarch64
        model:
          description: Name of the board from the device tree, empty on a host without one.
          returned: always
          type: str
          sample: Raspberry Pi 4 Model B Rev 1.5
        systemd:
          description: Whether systemd runs.
          returned: always
          type: bool
          sample: true
        memory_mb:
          description: Memory in MiB.
          returned: always
          type: int
          sample: 3808
        memory_cgroup:
          description: Whether the kernel can limit memory.
          returned: always
          type: bool
          sample: true
        kernel_cmdline:
          description: Command line of the running kernel.
          returned: always
          type: str
          sample: console=tty1 rootwait
        cmdline_file:
          description: File with the kernel command line for the next boot, on a Raspberry Pi.
          returned: always
          type: str
          sample: /boot/firmware/cmdline.txt
        cmdline_mode:
          description: Octal mode of that file.
          returned: always
          type: str
          sample: "0755"
        cmdline:
          description: Text of that file.
          returned: always
          type: str
          sample: console=tty1 rootwait
        filesystems:
          description: Size and free space in MiB, mount point, type, device and UUID for each of O(paths).
          returned: always
          type: dict
          sample:
            /mnt:
              total_mb: 900000
              free_mb: 800000
              uuid: 0ab1-23cd
              mount: /mnt
              fstype: ext4
              device: /dev/sda1
        read_only_mounts:
          description: Read-only mount points at, above or below one of O(paths).
          returned: always
          type: list
          elements: str
          sample: [/mnt/media/movies]
        unreadable:
          description: The O(paths) that exist and cannot be listed, each with the reason.
          returned: always
          type: dict
          sample: {/mnt: Transport endpoint is not connected}
        block_uuids:
          description: UUIDs of all filesystems on disks.
          returned: always
          type: list
          elements: str
          sample: [0ab1-23cd]
        clock:
          description: Whether the clock is synchronised with a time server, and the clock's year.
          returned: always
          type: dict
          sample: {synchronized: true, year: 2026}
        networks:
          description: Networks that the host reaches without its default route, with their interfaces.
          returned: always
          type: list
          elements: dict
          sample: [{interface: end0, cidr: 192.168.1.0/24}]
        default_interface:
          description: Interface of the default route, empty without one.
          returned: always
          type: str
          sample: end0
        default_address:
          description: Source address of connections by the default route.
          returned: always
          type: str
          sample: 192.168.1.5
        routing_captured:
          description: Policy-routing rules that divert packets for the LAN or for Docker's networks.
          returned: always
          type: list
          elements: str
          sample: [the policy-routing rule 5270 (from all lookup 52) sends packets for 192.168.1.0/24 to tailscale0]
        docker_switched_off:
          description: Settings that switch off Docker's firewall rules, each with the file or command line that has it.
          returned: always
          type: list
          elements: str
          sample: ['"iptables": false in /etc/docker/daemon.json']
        docker_proxy_off:
          description: Settings that switch off Docker's proxy, each with the file or command line that has it.
          returned: always
          type: list
          elements: str
          sample: ["--userland-proxy=false on dockerd's command line"]
        users:
          description: Account names with their uids.
          returned: always
          type: dict
          sample: {root: 0, pi: 1000}
        groups:
          description: Group names with their gids.
          returned: always
          type: dict
          sample: {root: 0, video: 44}
        group_members:
          description: Accounts in O(group).
          returned: always
          type: list
          elements: str
          sample: [pi]
        account:
          description: The account O(user), empty when it does not exist.
          returned: always
          type: dict
          sample: {uid: 1000, group: pi, home: /home/pi, shell: /bin/bash, groups: [video]}
        gpu:
          description: Graphics devices, and the gids of the groups that may use them.
          returned: always
          type: dict
          sample: {devices: [/dev/dri/renderD128], gids: [44, 992]}
        docker:
          description: Packages and versions of engine and compose plugin.
          returned: always
          type: dict
          sample:
            package: docker.io
            version: 26.1.5
            compose_package: docker-compose
            compose_version: 2.26.1
        ports_listening:
          description: Listening TCP ports with process, and container and compose project where Docker publishes them.
          returned: always
          type: list
          elements: dict
          sample: [{port: 9091, process: docker-proxy, container: mediaserver-vpn-1, project: mediaserver}]
        packages:
          description: Versions of those of O(packages) that are installed.
          returned: always
          type: dict
          sample: {nftables: 1.1.3-1}
        packages_unfinished:
          description: All packages whose installation was interrupted or waits for a trigger.
          returned: always
          type: list
          elements: str
          sample: [docker.io]
        dpkg_journal:
          description: Whether dpkg was interrupted so that apt refuses to work until C(dpkg --configure -a) has run.
          returned: always
          type: bool
          sample: false
        apt_lists:
          description: Whether apt has package lists.
          returned: always
          type: bool
          sample: true
        apt_ready:
          description: Whether Ansible can install packages without first installing python3-apt or updating the lists.
          returned: always
          type: bool
          sample: true
        existing:
          description: Those of O(probe) that exist.
          returned: always
          type: list
          elements: str
          sample: [/mnt/downloads]
        addresses:
          description: The host's own IPv4 addresses.
          returned: always
          type: list
          elements: str
          sample: [127.0.0.1, 192.168.1.5]
        interfaces:
          description: Names of all network interfaces.
          returned: always
          type: list
          elements: str
          sample: [br-vpn, end0, lo]
        nft_tables:
          description: Family and name of each nft table.
          returned: always
          type: list
          elements: str
          sample: [inet mediaserver_barrier]
        unmarked:
          description: Those of O(marked) that exist and were not written by this collection.
          returned: always
          type: list
          elements: str
          sample: [/etc/systemd/system/mediaserver.service]
        folder_entries:
          description: For each of O(folders), its path without links and the names of its entries.
          returned: always
          type: dict
          sample: {/opt/mediaserver: {real: /opt/mediaserver, entries: [compose.yml, gateway]}}
        resolved:
          description: For each path asked for the one without links, empty for one that does not exist.
          returned: always
          type: dict
          sample: {/mnt/media: /mnt/media}
        docker_containers:
          description: Docker's containers, with compose's project, its folder and the service.
          returned: always
          type: list
          elements: dict
          sample:
            - {name: mediaserver-vpn-1, project: mediaserver, service: vpn, folder: /opt/mediaserver}
        docker_networks:
          description: Docker's networks, with compose's project, the bridge and the subnets.
          returned: always
          type: list
          elements: dict
          sample: [{name: mediaserver_vpn, project: mediaserver, bridge: br-vpn, subnets: [172.31.254.0/24]}]
        kernel_modules:
          description:
            - V(loaded), V(built-in), V(available) or V(missing), for C(wireguard) and each of O(kernel_modules).
          returned: always
          type: dict
          sample: {wireguard: loaded}
        wireguard_module:
          description: Whether the kernel's WireGuard module is loaded or can be loaded.
          returned: always
          type: bool
          sample: true
        reboot_required:
          description: Whether an installed update needs a reboot.
          returned: always
          type: bool
          sample: false
        sysctl:
          description: Live values of those of O(sysctl) that exist.
          returned: always
          type: dict
          sample: {net.ipv4.ip_forward: "1"}
        sysctl_fixed:
          description: Those of O(sysctl) that do not exist on this host or cannot be written.
          returned: always
          type: list
          elements: str
          sample: [net.ipv6.conf.all.disable_ipv6]
        units:
          description: For each of O(units), whether it is started and enabled, whether it needs a daemon-reload, and
            whether it was started before its files changed.
          returned: always
          type: dict
          sample: {docker.service: {started: true, enabled: true, needs_reload: false, outdated: true}}
        timezone:
          description: The host's time zone, empty when it has no name.
          returned: always
          type: str
          sample: Europe/Berlin
        timezone_file:
          description: Text of C(/etc/timezone).
          returned: always
          type: str
          sample: "Europe/Berlin\n"
        timezones_known:
          description: Whether O(timezone) is a time zone of the host; V(null) without a time zone database.
          returned: always
          type: bool
          sample: true
        timezone_asked:
          description:
            - Kind of O(timezone) in the host's database, V(zone), V(folder), V(renamed) or V(unknown). Empty without
              a database.
          returned: always
          type: str
          sample: zone
        timezone_new_name:
          description: Current name of O(timezone) when it was renamed.
          returned: always
          type: str
          sample: America/New_York
        block_filesystems:
          description: Type of each filesystem on a disk, by its UUID.
          returned: always
          type: dict
          sample: {0ab1-23cd: ext4}
        docker_file:
          description:
            - Why C(/etc/docker/daemon.json) cannot be parsed, and its setting C(userns-remap).
              Other settings are left out, because they may hold a secret.
            - Its key C(settled) tells whether it has all of O(docker_settings), and it and its folder belong to root.
          returned: always
          type: dict
          sample: {error: "", settings: {userns-remap: default}, settled: false}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.household.mediaserver.plugins.module_utils._core import job_lock
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import MediaserverError
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import Reader, measure


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "sysctl": {"type": "list", "elements": "str", "default": []},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "probe": {"type": "list", "elements": "str", "default": []},
            "marked": {"type": "list", "elements": "str", "default": []},
            "folders": {"type": "list", "elements": "str", "default": []},
            "resolve": {"type": "list", "elements": "str", "default": []},
            "units": {"type": "dict", "default": {}},
            "docker_settings": {"type": "list", "elements": "dict", "default": []},
            "timezone": {"type": "str", "default": ""},
            "user": {"type": "str", "default": ""},
            "group": {"type": "str", "default": ""},
            "lease": {
                "type": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "controller": {"type": "str", "required": True},
                    "process": {"type": "int", "required": True},
                    "alive": {"type": "list", "elements": "int", "default": []},
                },
            },
        },
        supports_check_mode=True,
    )
    if (wanted := module.params["lease"]) and not module.check_mode:
        try:
            job_lock.take(job_lock.Lease(**wanted))
        except (MediaserverError, OSError) as error:
            module.fail_json(msg=str(error))
    module.exit_json(
        changed=False, ansible_facts={"mediaserver_host": measure(Reader(module.run_command), module.params)}
    )


if __name__ == "__main__":
    main()
