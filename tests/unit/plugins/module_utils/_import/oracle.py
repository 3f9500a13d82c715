# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a plan with a case of the import oracle, by the oracle's equivalences E1 to E10."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

VIDEO_EXTENSIONS = {"mkv", "mp4", "avi", "iso", "m4v", "wmv", "ts", "mpg", "webm", "mov"}
SUBTITLES = {"srt", "ass", "ssa", "sub", "idx", "sup", "vtt", "smi"}
FLAGS = {"sdh": "sdh", "cc": "sdh", "hi": "sdh", "forced": "forced", "foreign": "forced", "default": "default"}
THREE = {
    "eng": "en",
    "ger": "de",
    "deu": "de",
    "fre": "fr",
    "fra": "fr",
    "spa": "es",
    "ita": "it",
    "kor": "ko",
    "jpn": "ja",
}
EPISODE = re.compile(r"S(\d+)E(\d+)(?:-?E?(\d+))?(?P<rest>.*)$", re.IGNORECASE)
MUSIC_COMPANIONS = ("cue", "log", "m3u", "m3u8", "pdf")


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def split(path: str) -> tuple[list[str], str, str]:
    """Return folders, stem and extension in lower case."""
    *folders, name = path.split("/")
    stem, dot, extension = name.rpartition(".")
    return (folders, stem, extension.lower()) if dot else (folders, name, "")


class Comparison:
    """Differences between the plan of one case and the oracle's."""

    def __init__(self, case: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self.expect = case["expect"]
        self.accepted = case.get("also_acceptable") or {}
        self.links: Mapping[str, str] = answer["links"]
        self.left_out: Mapping[str, str] = answer["left_out"]
        self.kind = answer["kind"]
        self.known = [path.split("/")[1] for path in case.get("already_in_library") or []]
        self.files = [str(entry[0]) for entry in case["torrent"]["files"]]
        self.not_wanted = {str(entry[0]) for entry in case["torrent"]["files"] if len(entry) > 2 and not entry[2]}

    def differences(self) -> list[str]:
        """Return one line for each difference; empty when the plan is right."""
        found = []
        if self.links and self.kind not in (self.expect["kind"], *self.accepted.get("kind", [])):
            found.append(f"kind {self.kind}, expected {self.expect['kind']}")
        for path in self.files:
            if (path in self.links) == (path in self.left_out):
                found.append(f"{path}: must be linked or left out, and not both")
            elif not self._right(path):
                found.append(
                    f"{path}: {self.links.get(path) or self.left_out.get(path)}, expected {self._expected(path)}"
                )
        targets = [fold(target) for target in self.links.values()]
        if len(set(targets)) < len(targets):
            found.append("two files have one target")
        return found

    def _expected(self, path: str) -> str:
        return str(self.expect["links"].get(path) or self.expect["left_out"].get(path))

    def _right(self, path: str) -> bool:
        got, reason = self.links.get(path), self.left_out.get(path)
        others = [*self.accepted.get("links", {}).get(path, [])]
        if reason is not None:
            right = {self.expect["left_out"].get(path), *self.accepted.get("left_out", {}).get(path, [])}
            right |= {other[4:] for other in others if other.startswith("out:")}
            companion = self.expect["kind"] == "music" and split(path)[2] in MUSIC_COMPANIONS
            return reason in right or companion or (reason == "not_wanted" and path in self.not_wanted)
        assert got is not None
        for other in others:
            if other.startswith("re:") and re.fullmatch(other[3:], got):
                return True
            if not other.startswith(("re:", "out:")) and self._equal(path, got, other):
                return True
        expected = self.expect["links"].get(path)
        if expected is None:
            return self.expect["kind"] == "music" and split(path)[2] in MUSIC_COMPANIONS
        return self._equal(path, got, expected)

    def _equal(self, path: str, got: str, expected: str) -> bool:
        kind = expected.split("/", maxsplit=1)[0]
        if got.split("/", maxsplit=1)[0] != kind:
            return False
        if kind == "misc":
            return got == expected
        if got.rpartition(".")[2].lower() in SUBTITLES and kind in ("movies", "tv"):
            return self._subtitle(got, expected)
        return bool(
            {"movies": self._film, "tv": self._show, "music": self._music, "books": self._book}[kind](
                path, got, expected
            )
        )

    def _same(self, got: str, expected: str) -> bool:
        if expected in self.known:
            return got == expected
        return fold(got) == fold(expected)

    def _film(self, path: str, got: str, expected: str) -> bool:
        folders, stem, extension = split(got)
        right_folders, right_stem, right_extension = split(expected)
        if (
            len(folders) != len(right_folders)
            or not self._same(folders[1], right_folders[1])
            or extension != right_extension
        ):
            return False
        if [fold(name) for name in folders[2:]] != [fold(name) for name in right_folders[2:]]:
            return False
        if fold(stem) == fold(right_stem):
            return stem.startswith(folders[1]) or len(folders) > 2
        if not stem.startswith(f"{folders[1]} - "):
            return False
        label = stem[len(folders[1]) + 3 :]
        if re.search(r"(?<!\d)(19|20)\d\d(?!\d)", label):
            return False
        right_label = fold(right_stem[len(right_folders[1]) :]).lstrip(" -")

        def words(text: str) -> set[str]:
            return set(re.findall(r"\w+", fold(text).replace("'", "")))

        return words(right_label) <= words(label)

    def _show(self, path: str, got: str, expected: str) -> bool:
        folders, stem, extension = split(got)
        right_folders, right_stem, right_extension = split(expected)
        if (
            extension != right_extension
            or len(folders) != len(right_folders)
            or not self._same(folders[1], right_folders[1])
        ):
            return False
        if folders[2:] != right_folders[2:]:
            return False
        match, right = EPISODE.search(stem), EPISODE.search(right_stem)
        if not match or not right:
            return fold(stem) == fold(right_stem)
        numbers = [int(match[index] or match[2]) for index in (1, 2, 3)]
        if numbers != [int(right[index] or right[2]) for index in (1, 2, 3)]:
            return False
        if match["rest"] and not match["rest"].startswith(" - "):
            return False
        show = fold(stem[: match.start()]).rstrip(" -")
        bare = fold(re.sub(r" \(\d{4}\)$", "", folders[1]))
        return show in (fold(folders[1]), bare)

    def _music(self, path: str, got: str, expected: str) -> bool:
        if got.rpartition("/")[2] != expected.rpartition("/")[2]:
            return False
        for other, right in self.expect["links"].items():
            if other in self.links and right.split("/")[0] == "music":
                together = right.rpartition("/")[0] == expected.rpartition("/")[0]
                if together != (self.links[other].rpartition("/")[0] == got.rpartition("/")[0]):
                    return False
        return True

    def _book(self, path: str, got: str, expected: str) -> bool:
        return got.count("/") >= 2 and split(got)[2] == split(expected)[2]

    def _subtitle(self, got: str, expected: str) -> bool:
        right_video = self._video_of(expected, self.expect["links"])
        video = self.links.get(right_video, "")
        if not video:
            return False
        stem = video.rpartition(".")[0]
        if not got.startswith(f"{stem}."):
            return False
        words = got[len(stem) + 1 :].split(".")
        right_stem = self.expect["links"][right_video].rpartition(".")[0]
        return self._labels(words) == self._labels(expected[len(right_stem) + 1 :].split("."))

    @staticmethod
    def _video_of(expected: str, links: Mapping[str, str]) -> str:
        """Return the torrent path of the video beside which a subtitle is expected."""
        videos = [
            (target.rpartition(".")[0], source)
            for source, target in links.items()
            if split(target)[2] in VIDEO_EXTENSIONS
        ]
        fitting = [(len(stem), source) for stem, source in videos if expected.startswith(f"{stem}.")]
        return max(fitting)[1] if fitting else ""

    @staticmethod
    def _labels(words: list[str]) -> tuple[str, frozenset[str], str]:
        *parts, extension = [word.lower() for word in words]
        flags = frozenset(FLAGS[word] for word in parts if word in FLAGS)
        rest = [word for word in parts if word not in FLAGS]
        language = next((THREE.get(word, word) for word in rest if len(word) in (2, 3)), "")
        return language, flags, extension
