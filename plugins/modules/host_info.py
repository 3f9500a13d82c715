#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Measure everything about a host that the roles decide by
version_added: 0.1.0
description:
  - Reads architecture, release, memory, disks, networks, accounts, clock, graphics devices, Docker, listening
    ports and kernel settings in one execution, and changes nothing.
  - What cannot be read is empty. Nothing is guessed, and nothing is needed on the host but Python.
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
    description: Absolute paths whose filesystems are measured; for one that does not exist, its parent.
    type: list
    elements: str
    default: []
  packages:
    description: Packages whose installed versions are wanted.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports to look for among the listening ones; all when empty.
    type: list
    elements: int
    default: []
  sysctl:
    description: Kernel settings whose live values are wanted.
    type: list
    elements: str
    default: []
  kernel_modules:
    description: Kernel modules whose state is wanted.
    type: list
    elements: str
    default: []
  probe:
    description: Absolute paths of which to tell whether they exist.
    type: list
    elements: str
    default: []
  marked:
    description:
      - Absolute paths of files that this collection writes, with its name in the first lines. Those that exist without
        it are told.
    type: list
    elements: str
    default: []
  folders:
    description: Absolute paths of folders whose entries are wanted.
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
      - systemd units with the files that each reads when it starts, as absolute paths.
      - Those are wanted that have not taken over what stands in their files.
    type: dict
    default: {}
  timezone:
    description: Time zone of which to tell whether the host knows it.
    type: str
    default: ""
  user:
    description: Account to describe.
    type: str
    default: ""
  group:
    description: Group whose members are wanted.
    type: str
    default: ""
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
  description: One fact that holds all measurements. What was not asked for or cannot be read is empty.
  returned: always
  type: dict
  contains:
    mediaserver_host:
      description: The measurements.
      returned: always
      type: dict
      contains:
        architecture:
          description: Architecture of the userland, as dpkg says it.
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
          description: Name of the board, empty where the firmware tells none.
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
          description: File with the kernel's command line for the next start, on a Raspberry Pi.
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
          description: For each path asked for size and free space in MiB, mount point, type, device and UUID.
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
          description: Mount points at, above or below the paths asked for that are mounted read-only.
          returned: always
          type: list
          elements: str
          sample: [/mnt/media/movies]
        unreadable:
          description: Those of the paths asked for that are there and cannot be listed, with the reason.
          returned: always
          type: dict
          sample: {/mnt: Transport endpoint is not connected}
        block_uuids:
          description: UUIDs of all file systems on disks.
          returned: always
          type: list
          elements: str
          sample: [0ab1-23cd]
        clock:
          description: Whether the clock is set by a time server, and which year it shows.
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
          description: Address that connections by the default route come from.
          returned: always
          type: str
          sample: 192.168.1.5
        routing_captured:
          description: Policy-routing rules that send packets for the LAN or for Docker's networks elsewhere.
          returned: always
          type: list
          elements: str
          sample: [the policy-routing rule 5270 (from all lookup 52) sends packets for 192.168.1.0/24 to tailscale0]
        docker_switched_off:
          description: Settings of Docker that keep it from making firewall rules, with the place of each.
          returned: always
          type: list
          elements: str
          sample: ['"iptables": false in /etc/docker/daemon.json']
        users:
          description: Account names with their numbers.
          returned: always
          type: dict
          sample: {root: 0, pi: 1000}
        groups:
          description: Group names with their numbers.
          returned: always
          type: dict
          sample: {root: 0, video: 44}
        group_members:
          description: Accounts that are in the group asked for.
          returned: always
          type: list
          elements: str
          sample: [pi]
        account:
          description: The account asked for, empty when there is none.
          returned: always
          type: dict
          sample: {uid: 1000, group: pi, home: /home/pi, shell: /bin/bash, groups: [video]}
        gpu:
          description: Graphics devices, and the numbers of the groups that may use them.
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
          description: Listening ports with process, and container and project where Docker has them.
          returned: always
          type: list
          elements: dict
          sample: [{port: 9091, process: docker-proxy, container: mediaserver-vpn-1, project: mediaserver}]
        packages:
          description: Versions of the packages asked for that are installed.
          returned: always
          type: dict
          sample: {nftables: 1.1.3-1}
        packages_unfinished:
          description: Packages, asked for or not, whose installation was interrupted or waits for a trigger.
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
          description: Whether there are package lists.
          returned: always
          type: bool
          sample: true
        apt_ready:
          description: Whether Ansible can install packages right away.
          returned: always
          type: bool
          sample: true
        existing:
          description: Those of the paths asked for that exist.
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
          description: Those of the files asked for that exist and that this collection did not write.
          returned: always
          type: list
          elements: str
          sample: [/etc/systemd/system/mediaserver.service]
        folder_entries:
          description: For each folder asked for its path without links, and the names of what is in it.
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
          description: V(loaded), V(built-in), V(available) or V(missing) for C(wireguard) and each module asked for.
          returned: always
          type: dict
          sample: {wireguard: loaded}
        wireguard_module:
          description: Whether the kernel has WireGuard.
          returned: always
          type: bool
          sample: true
        reboot_required:
          description: Whether an update waits for a restart.
          returned: always
          type: bool
          sample: false
        sysctl:
          description: Live values of the kernel settings asked for, where they exist.
          returned: always
          type: dict
          sample: {net.ipv4.ip_forward: "1"}
        sysctl_fixed:
          description: Settings asked for that do not exist here or cannot be written.
          returned: always
          type: list
          elements: str
          sample: [net.ipv6.conf.all.disable_ipv6]
        units:
          description: For each unit asked for, whether systemd has to read it again, and whether it is older than its
            files.
          returned: always
          type: dict
          sample: {docker.service: {needs_reload: false, outdated: true}}
        timezone:
          description: The host's time zone, empty when it is not known by name.
          returned: always
          type: str
          sample: Europe/Berlin
        timezone_file:
          description: Text of C(/etc/timezone).
          returned: always
          type: str
          sample: "Europe/Berlin\n"
        timezones_known:
          description: Whether the host knows the time zone asked for; V(null) without a time zone database.
          returned: always
          type: bool
          sample: true
        timezone_asked:
          description:
            - What the time zone asked for is here, V(zone), V(folder), V(renamed) or V(unknown). Empty without a
              database.
          returned: always
          type: str
          sample: zone
        timezone_new_name:
          description: Today's name of the time zone asked for, where that is an old one.
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
            - Why C(/etc/docker/daemon.json) cannot be read, and its settings C(userns-remap) and C(userland-proxy).
              Others are left out, because they may hold a secret.
          returned: always
          type: dict
          sample: {error: "", settings: {userns-remap: default}}
"""

from ansible.module_utils.basic import AnsibleModule
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
            "timezone": {"type": "str", "default": ""},
            "user": {"type": "str", "default": ""},
            "group": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.exit_json(
        changed=False, ansible_facts={"mediaserver_host": measure(Reader(module.run_command), module.params)}
    )


if __name__ == "__main__":
    main()
