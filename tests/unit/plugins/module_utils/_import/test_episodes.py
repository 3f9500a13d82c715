# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of episodes: show, season and number."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._import.torrents import make, targets

EPISODES = {
    "Some.Show.S01.E02.720p.mkv": "Some Show/Season 01/Some Show S01E02",
    "Some Show - Season 1 Episode 3 - Title.mkv": "Some Show/Season 01/Some Show S01E03",
    "Some.Show.S01E01E02E03.mkv": "Some Show/Season 01/Some Show S01E01-E03",
    "Some.Show.S01E05-1080p.mkv": "Some Show/Season 01/Some Show S01E05",
    "Some.Show.S2019E05.mkv": "Some Show/Season 2019/Some Show S2019E05",
    "Der.Tatort.Staffel.2.Folge.3.mkv": "Der Tatort/Season 02/Der Tatort S02E03",
    "Show [Cap.1205_1206].avi": "Show/Season 12/Show S12E05-E06",
    "Planet.Earth.3of11.Plains.mkv": "Planet Earth/Season 01/Planet Earth S01E03",
    "House.of.Cards.2013.S02E01.mkv": "House of Cards (2013)/Season 02/House of Cards (2013) S02E01",
    "1899.2022.S01E01.mkv": "1899/Season 01/1899 S01E01",
    "Cosmos 2014 Episode 03.mkv": "Cosmos (2014)/Season 01/Cosmos (2014) S01E03",
    "[Group] Some Show - 05v2 [1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group] Some Show 2nd Season - 07 (1080p) [ABCD1234].mkv": "Some Show/Season 02/Some Show S02E07",
    "[Group][Some Show][05][1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group]_Some_Show_-_05_[1080p].mkv": "Some Show/Season 01/Some Show S01E05",
    "[Group] One Piece - 1071 (1080p).mkv": "One Piece/Season 01/One Piece S01E1071",
    "[Group] Some Show (2019) - 05 [1080p].mkv": "Some Show (2019)/Season 01/Some Show (2019) S01E05",
    "[Group] Some Show - SP1 [720p].mkv": "Some Show/Season 00/Some Show S00E01",
    "[Group] Some Show - OVA [720p].mkv": "Some Show/Season 00/Some Show - OVA",
    "Formula.1.2024x05.Race.mkv": "Formula 1/Season 2024/Formula 1 S2024E05",
    "Top.Gear.4x6.avi": "Top Gear/Season 04/Top Gear S04E06",
    "Tagesschau.14.03.2024.720p.mkv": "Tagesschau/Season 2024/Tagesschau - 2024-03-14",
    "Thirteen.S01E01.x265.DD5.1x264.mkv": "Thirteen/Season 01/Thirteen S01E01",
}


@pytest.mark.parametrize("name", EPISODES)
def test_episode_is_published_by_its_number(name: str) -> None:
    assert targets(make(name)) == {name: f"tv/{EPISODES[name]}.{name.rpartition('.')[2]}"}


LABELLED = {
    "Some.Show.101.mkv": "Some Show/Season 01/Some Show S01E01",
    "Some.Show.Part.Two.mkv": "Some Show/Season 01/Some Show S01E02",
    "Some.Show.20240314.mkv": "Some Show/Season 2024/Some Show - 2024-03-14",
    "Some Show 2of3.mkv": "Some Show/Season 01/Some Show S01E02",
}


@pytest.mark.parametrize("name", LABELLED)
def test_number_without_season_is_read_when_the_label_is_tv(name: str) -> None:
    assert targets(make(name, label="tv")) == {name: f"tv/{LABELLED[name]}.mkv"}
