# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Types of files by their extensions."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """Build a set from words that are separated by blanks."""
    return frozenset(text.split())


# Extensions that Jellyfin reads as video, without those that are mostly something else (.bin, .001, .iso of a system).
VIDEO = words(
    ".3g2 .3gp .amv .asf .avi .bivx .divx .dv .dvr-ms .f4v .fli .flv .m2t .m2ts .m2v .m4v .mk3d .mkv .mov .mp4 .mpe"
    " .mpeg .mpg .mts .mxf .nsv .nuv .ogm .ogv .pva .qt .rec .rm .rmvb .svq3 .tp .ts .ty .viv .vob .vp3 .webm .wmv"
    " .wtv .xvid"
)
DISC_IMAGE = words(".iso .img .nrg")
SUBTITLE = words(".ass .mks .sami .smi .srt .ssa .sub .sup .vtt")
SUBTITLE_INDEX = ".idx"
AUDIO = words(
    ".aac .ac3 .aif .aiff .alac .amr .ape .dff .dsf .dts .eac3 .flac .m4a .mka .mp2 .mp3 .mpa .mpc .oga .ogg .opus"
    " .ra .shn .tak .tta .wav .wma .wv"
)
# Sound tracks that players load beside a video.
TRACK = words(".ac3 .dts .eac3 .mka")
AUDIO_BOOK = words(".aa .aax .m4b")
BOOK = words(".azw .azw3 .cb7 .cbr .cbt .cbz .epub .mobi .pdf")
PICTURE = words(".avif .bmp .gif .jfif .jpe .jpeg .jpg .png .tbn .tif .tiff .webp")
LYRICS = frozenset([".lrc", ".elrc"])
ARCHIVE = words(".7z .ace .arj .bz2 .gz .lha .lzh .rar .tar .tbz .tgz .txz .xz .zip .zipx .zst")
VOLUME = re.compile(r"\.(?:[r-z]\d{2}|\d{3}|part\d+|7z\.\d{3})", re.IGNORECASE)
NOTE = words(
    ".accurip .cue .db .diz .ffp .htm .html .ini .log .m3u .m3u8 .md5 .mht .nfo .nzb .pls .sfv .sha1 .sha256 .srr"
    " .srs .st5 .torrent .txt .url .website .webloc"
)
PROGRAM = words(
    ".apk .app .appimage .bat .bin .cmd .com .deb .dll .dmg .exe .ipa .jar .js .lnk .mdf .msi .msix .pkg .ps1 .rpm"
    " .run .scr .sh .so .vbs .wsf .xpi"
)
# Programs that run when a user opens a file that looks like a video.
EXECUTABLE = words(".apk .bat .cmd .com .exe .jar .js .lnk .msi .pif .ps1 .scr .vbs .wsf")


def split_extension(name: str) -> tuple[str, str]:
    """Split a file's name into stem and extension with its dot; a name without letters before the dot has none."""
    stem, dot, tail = name.rpartition(".")
    if not dot or not stem.strip(".") or not tail or len(tail) > 9 or not tail.isalnum():
        if name.lower().endswith(".dvr-ms"):
            return name[:-7], name[-7:]
        return name, ""
    return stem, dot + tail


def is_archive(extension: str) -> bool:
    """Return whether an extension is that of an archive or of one of its volumes."""
    return extension in ARCHIVE or VOLUME.fullmatch(extension) is not None


def is_disguised(name: str) -> bool:
    """Return whether a program has the extension of a medium before its own: film.mkv.exe."""
    stem, extension = split_extension(name)
    inner = split_extension(stem.rstrip())[1].lower()
    return extension.lower() in EXECUTABLE and inner in VIDEO | AUDIO | BOOK | SUBTITLE | PICTURE
