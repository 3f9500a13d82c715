# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files in config/, read at a start and written at each change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jellyfin_double import defaults, unsynced
from jellyfin_double.models import Model

Log = Callable[[str], None]


class Settings:
    """system.xml and the named configurations."""

    def __init__(self, folder: Path, version: str, log: Log) -> None:
        self.version = version
        self._folder = folder
        self._log = log
        self.system_model = defaults.server_configuration(version)
        self.named_models: dict[str, Model] = {
            "encoding": defaults.encoding_options(version),
            "network": defaults.NETWORK,
            "branding": defaults.BRANDING,
            "metadata": defaults.METADATA,
            "livetv": defaults.LIVETV,
            "database": defaults.DATABASE,
        }
        self.system = self._load("system", self.system_model, defaults.NEW_SERVER)
        self.named = {
            name: self._load(name, model, defaults.NEW_ENCODING if name == "encoding" else {})
            for name, model in self.named_models.items()
        }

    def _load(self, name: str, model: Model, new: dict[str, Any]) -> dict[str, Any]:
        path = self._folder / f"{name}.xml"
        try:
            return model.from_xml(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (ElementTree.ParseError, ValueError) as error:
            # Not recorded. The server's reader of configuration files catches every error, uses a new
            # object, and overwrites the file with it: a truncated system.xml opens the wizard again.
            self._log(f"{path}: {error}; replaced by a new one")
        value = {**model.fresh(), **new}
        unsynced.write(path, model.to_xml(value))
        return value

    def save_system(self, value: dict[str, Any]) -> None:
        self.system = value
        unsynced.write(self._folder / "system.xml", self.system_model.to_xml(value))

    def save_named(self, name: str, value: dict[str, Any]) -> None:
        self.named[name] = value
        unsynced.write(self._folder / f"{name}.xml", self.named_models[name].to_xml(value))

    @property
    def wizard_completed(self) -> bool:
        return bool(self.system["IsStartupWizardCompleted"])

    @property
    def legacy_authorization(self) -> bool:
        return bool(self.system["EnableLegacyAuthorization"])
