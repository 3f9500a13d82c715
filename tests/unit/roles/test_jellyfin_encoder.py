# SPDX-License-Identifier: GPL-3.0-or-later
"""Jellyfin uses an encoder that the host has, else none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
PI4 = ["/dev/dri/card0", "/dev/dri/renderD128", "/dev/video10", "/dev/video11", "/dev/video12", "/dev/vchiq"]
# It decodes HEVC, and encodes nothing.
PI5 = ["/dev/dri/card0", "/dev/dri/renderD128", "/dev/video19", "/dev/dma_heap/system", "/dev/media0"]
PC = ["/dev/dri/card0", "/dev/dri/renderD128"]
CASES = {
    "nothing wanted": ("arm64", PI4, "none", "none"),
    "Pi 4": ("arm64", PI4, "auto", "v4l2m2m"),
    "Pi 5": ("arm64", PI5, "auto", "none"),
    "PC": ("amd64", PC, "auto", "vaapi"),
    "PC with a screen alone": ("amd64", ["/dev/dri/card0"], "auto", "none"),
    "nothing there": ("arm64", [], "auto", "none"),
}


@pytest.mark.parametrize(("architecture", "devices", "wanted", "encoder"), CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("roles", [("mediaserver", "host", "jellyfin"), ("mediaserver", "jellyfin")], ids=len)
def test_the_encoder_is_one_that_the_host_has(
    architecture: str, devices: list[str], wanted: str, encoder: str, roles: tuple[str, ...]
) -> None:
    """Also in a play without the role host, which would change the setting back and forth otherwise."""
    host = {"architecture": architecture, "gpu": {"devices": devices, "gids": []}}
    known: dict[str, Any] = {"ansible_facts": {"mediaserver_host": host}}
    for path in [*(f"{role}/defaults" for role in roles), "jellyfin/vars"]:
        known |= DataLoader().load_from_file(str(ROLES / path / "main.yml"), trusted_as_template=True)
    templar = Templar(loader=DataLoader(), variables={**known, "host_transcoding": wanted})
    found = templar.template(trust_as_template("{{ jellyfin_default_encoding_settings }}"))
    assert found["HardwareAccelerationType"] == encoder
