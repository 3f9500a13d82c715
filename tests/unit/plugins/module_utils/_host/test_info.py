# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._host.info import measure
from ansible_collections.household.mediaserver.plugins.module_utils._host.reader import Reader
from ansible_collections.household.mediaserver.plugins.modules import host_info
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._host import hosts


def facts_of(files: dict[str, str], asked: dict[str, t.Any] | None = None, **more: t.Any) -> dict[str, t.Any]:
    return measure(hosts.FakeReader(files, **more), {**hosts.ASKED, **(asked or {})})


@pytest.mark.parametrize(
    ("files", "model", "memory", "devices"),
    [
        pytest.param(hosts.PI3, "Raspberry Pi 3 Model B Plus Rev 1.3", 909, hosts.OLD_VIDEO, id="pi3"),
        pytest.param(
            hosts.PI4,
            "Raspberry Pi 4 Model B Rev 1.5",
            3808,
            ["/dev/dri/card0", "/dev/dri/renderD128", *hosts.OLD_VIDEO],
            id="pi4",
        ),
        pytest.param(
            hosts.PI5,
            "Raspberry Pi 5 Model B Rev 1.0",
            8007,
            ["/dev/dri/renderD128", "/dev/video19", "/dev/vcsm-cma", "/dev/media2"],
            id="pi5",
        ),
        pytest.param(hosts.MINI_PC, "", 15917, ["/dev/dri/card1", "/dev/dri/renderD128"], id="mini-pc"),
        pytest.param(hosts.CONTAINER, "", 0, [], id="container"),
    ],
)
def test_reads_model_memory_and_gpu_of_each_board(
    files: dict[str, str], model: str, memory: int, devices: list[str]
) -> None:
    found = facts_of(files)
    assert (found["model"], found["memory_mb"], found["gpu"]["devices"]) == (model, memory, devices)


def test_finds_gpu_groups_by_name() -> None:
    assert facts_of(hosts.PI4)["gpu"]["gids"] == [44, 992]
    assert facts_of(hosts.CONTAINER)["gpu"]["gids"] == [44]


@pytest.mark.parametrize(
    ("files", "limits", "cmdline_file"),
    [
        (hosts.PI4, False, "/boot/firmware/cmdline.txt"),
        (hosts.MINI_PC, True, ""),
        (hosts.CONTAINER, False, ""),
        (
            {"/proc/cgroups": "#name h n e\nmemory\t5\t10\t1\n", "/boot/cmdline.txt": "x\n"},
            True,
            "/boot/cmdline.txt",
        ),
        ({"/proc/cgroups": "#name h n e\nmemory\t0\t1\t0\n"}, False, ""),
        ({}, False, ""),
    ],
)
def test_reads_memory_cgroup_and_kernel_command_line(files: dict[str, str], limits: bool, cmdline_file: str) -> None:
    found = facts_of(files)
    assert (found["memory_cgroup"], found["cmdline_file"]) == (limits, cmdline_file)
    assert found["cmdline"] == files.get(cmdline_file, "")


def test_returns_networks_and_default_route() -> None:
    found = facts_of(hosts.PI4)
    assert found["networks"] == [{"interface": "end0", "cidr": "192.168.1.0/24"}]
    assert (found["default_interface"], found["default_address"]) == ("end0", "192.168.1.5")


def test_host_without_network_has_no_default_route() -> None:
    found = facts_of(hosts.CONTAINER)
    assert (found["networks"], found["default_interface"], found["default_address"]) == ([], "", "")


def test_measures_filesystem_of_nearest_existing_parent() -> None:
    files = {**hosts.PI4, "/dev/disk/by-uuid/aaaa-1": ""}
    found = facts_of(
        files,
        {"paths": ["/", "/mnt/media/films"]},
        links={"/dev/disk/by-uuid/aaaa-1": "/dev/sda1"},
        usage={"/": (30000, 9000), "/mnt": (900000, 800000)},
    )
    assert found["filesystems"]["/"]["fstype"] == "ext4"
    assert found["filesystems"]["/mnt/media/films"]["mount"] in ("/", "/mnt")
    assert found["block_uuids"] == ["aaaa-1"]


def test_filesystem_has_uuid_of_its_disk() -> None:
    files = {**hosts.PI4, "/dev/disk/by-uuid/aaaa-1": "", "/mnt/.marker": ""}
    links = {"/dev/disk/by-uuid/aaaa-1": "/dev/sda1"}
    disk = facts_of(files, {"paths": ["/mnt/media"]}, links=links)["filesystems"]["/mnt/media"]
    assert (disk["mount"], disk["device"], disk["uuid"]) == ("/mnt", "/dev/sda1", "aaaa-1")


def test_reads_uuids_with_blkid_without_udev() -> None:
    answer = '/dev/loop0: UUID="c0ffee" BLOCK_SIZE="4096" TYPE="ext4"\n/dev/sdb: PTUUID="11" PTTYPE="gpt"\n'
    assert facts_of(hosts.CONTAINER, commands={"blkid": answer})["block_uuids"] == ["c0ffee"]


PACKAGES = "ii  docker-ce 5:28.5.1-1~debian.13~trixie\nii  docker-compose-plugin 2.40.0-1~debian.13~trixie\n"


@pytest.mark.parametrize(
    ("packages", "files", "expected"),
    [
        ("", {}, ("", "", "", "")),
        (PACKAGES, {}, ("docker-ce", "28.5.1", "docker-compose-plugin", "2.40.0")),
        (
            "ii  docker.io 26.1.5+dfsg1-9+b4\nii  docker-compose 2.26.1-4\n",
            {"/usr/bin/docker": ""},
            ("docker.io", "26.1.5", "docker-compose", "2.26.1"),
        ),
        ("rc  docker.io 20.10.24\n", {}, ("", "", "", "")),
        ("", {"/usr/bin/docker": ""}, ("other", "", "", "")),
    ],
    ids=["none", "docker-ce", "docker.io", "removed", "by hand"],
)
def test_finds_docker_packages_and_versions(packages: str, files: dict[str, str], expected: tuple[str, ...]) -> None:
    files = {**files, "/etc/docker/daemon.json": '{"proxies": {"http-proxy": "http://me:s3cret@proxy"}}'}
    found = facts_of({**hosts.PI4, **files}, commands={"dpkg-query": packages})["docker"]
    # Facts are logged and cached, so they must not hold a proxy's password.
    assert "s3cret" not in repr(found)
    assert (
        found["package"],
        found["version"],
        found["compose_package"],
        found["compose_version"],
    ) == expected


def test_returns_requested_packages_and_apt_readiness() -> None:
    answer = "ii  nftables 1.1.3-1\nun  kmod <none>\nii  python3-apt 3.0.0\n"
    asked = {"packages": ["nftables", "kmod"]}
    found = facts_of({"/var/lib/apt/lists/x_Packages": ""}, asked, commands={"dpkg-query": answer})
    assert (found["packages"], found["apt_ready"]) == ({"nftables": "1.1.3-1"}, True)
    assert facts_of({}, asked, commands={"dpkg-query": answer})["apt_ready"] is False


def test_listening_port_has_process_and_container() -> None:
    row = "   {}: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1 0 1 0\n"
    tcp = (
        hosts.TCP_HEAD
        + row.format(0, "00000000:2383", "0A", 111)
        + row.format(1, "0100007F:0050", "0A", 222)
        + row.format(2, "0100007F:1FA0", "01", 333)
    )
    container = {
        "Names": ["/vpn"],
        "Labels": {"com.docker.compose.project": "mediaserver"},
        "Ports": [{"Type": "tcp", "PublicPort": 9091, "PrivatePort": 9091}, {"Type": "udp", "PublicPort": 5}],
    }
    files = {"/proc/net/tcp": tcp, "/run/docker.sock": ""}
    more: dict[str, t.Any] = {"containers": [container], "owners": {"111": "docker-proxy", "222": "nginx"}}
    ours = {"port": 9091, "process": "docker-proxy", "container": "vpn", "project": "mediaserver"}
    other = {"port": 80, "process": "nginx", "container": "", "project": ""}
    assert facts_of(files, **more)["ports_listening"] == [other, ours]
    assert facts_of(files, {"ports": [9091, 8096]}, **more)["ports_listening"] == [ours]


def test_lists_sysctls_that_cannot_be_written() -> None:
    files = {"/proc/sys/vm/dirty_bytes": "0\n", "/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n"}
    asked = {"sysctl": ["vm.dirty_bytes", "net.ipv4.tcp_rmem", "net.core.rmem_max"]}
    found = facts_of(files, asked, read_only=["/proc/sys/vm/dirty_bytes"])
    assert found["sysctl"] == {"vm.dirty_bytes": "0", "net.ipv4.tcp_rmem": "4096 131072 6291456"}
    assert found["sysctl_fixed"] == ["net.core.rmem_max", "vm.dirty_bytes"]


def test_returns_state_of_each_kernel_module() -> None:
    files = {
        "/proc/modules": "nf_tables 300000 2 - Live 0x0\n",
        "/sys/module/tun/": "",
        "/lib/modules/6.12.47+rpt-rpi-v8/modules.dep": "kernel/drivers/net/wireguard/wireguard.ko.xz: a b\n",
        "/lib/modules/6.12.47+rpt-rpi-v8/modules.builtin": "kernel/net/bridge/br-netfilter.ko\n",
    }
    found = facts_of(files, {"kernel_modules": ["nf_tables", "tun", "br_netfilter", "absent"]})
    assert found["kernel_modules"] == {
        "wireguard": "available",
        "nf_tables": "loaded",
        "tun": "loaded",
        "br_netfilter": "built-in",
        "absent": "missing",
    }
    assert (found["wireguard_module"], facts_of({})["wireguard_module"]) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "database", "known"),
    [
        ("Europe/Berlin", True, True),
        ("Europe/Atlantis", True, False),
        ("Europe/Berlin", False, None),
        ("", True, None),
    ],
)
def test_returns_time_zone_and_whether_requested_one_exists(wanted: str, database: bool, known: bool | None) -> None:
    files = {"/usr/share/zoneinfo/Europe/Berlin": ""} if database else {}
    found = facts_of(files, {"timezone": wanted}, links={"/etc/localtime": "/usr/share/zoneinfo/Etc/UTC"})
    assert (found["timezone"], found["timezones_known"]) == ("Etc/UTC", known)


def test_returns_account_with_its_groups() -> None:
    assert facts_of(hosts.PI4, {"user": "pi"})["account"] == {
        "uid": 1000,
        "group": "pi",
        "home": "/home/pi",
        "shell": "/bin/bash",
        "groups": ["users", "video"],
    }
    assert facts_of(hosts.PI4, {"user": "mediaserver"})["account"] == {}


def test_documentation_lists_exactly_the_measured_facts() -> None:
    documented = yaml.safe_load(host_info.RETURN)["ansible_facts"]["contains"]["mediaserver_host"]["contains"]
    samples = {name: value["sample"] for name, value in documented.items()}
    measured = facts_of(hosts.PI4)
    assert list(documented) == list(measured)
    fixed = ("os", "clock", "gpu", "docker")
    assert {name: set(samples[name]) for name in fixed} == {name: set(measured[name]) for name in fixed}


def test_unreadable_host_yields_empty_facts() -> None:
    found = facts_of({})
    assert found["os"] == {"id": "", "version_id": "", "codename": ""}
    assert (found["architecture"], found["memory_mb"], found["users"]) == ("", 0, {})


@pytest.fixture
def reader() -> Reader:
    with patch_module_args({}):
        return Reader(AnsibleModule({}).run_command)


def test_real_reader_measures_this_host(reader: Reader) -> None:
    found = measure(reader, {**hosts.ASKED, "paths": ["/", "/nonexistent/folder"], "ports": [1], "sysctl": ["a.b"]})
    assert found["filesystems"]["/nonexistent/folder"] == found["filesystems"]["/"]
    assert found["sysctl_fixed"] == ["a.b"]


def test_run_returns_output_and_nothing_for_a_missing_command(reader: Reader) -> None:
    assert reader.run(["printf", r"a\377b"]) == "a\N{REPLACEMENT CHARACTER}b"
    assert reader.run(["sh", "-c", "echo half; exit 1"]) == "half\n"
    assert reader.run(["no-such-command-on-any-host"]) == ""
