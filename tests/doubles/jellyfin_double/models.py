# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed objects of the API: conversion from JSON, defaults, and the XML of configuration files."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree


class WrongType(ValueError):
    """A JSON value that the server cannot convert."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path}: {wanted}")
        self.path = path
        self.wanted = wanted

    @property
    def message(self) -> str:
        # The server's message also has line and byte position.
        return f"The JSON value could not be converted to {self.wanted}. Path: {self.path}"


@dataclass(frozen=True)
class Model:
    """Keys, defaults and types. `optional`: keys that are absent by default, each with a value of its type."""

    name: str
    defaults: Mapping[str, Any]
    optional: Mapping[str, Any] = field(default_factory=dict)
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubles: frozenset[str] = frozenset()
    nested: Mapping[str, Model] = field(default_factory=dict)

    def fresh(self) -> dict[str, Any]:
        return copy.deepcopy(dict(self.defaults))

    def read(self, value: Any, path: str = "$") -> dict[str, Any]:
        """Convert `value` like the server: unknown keys are dropped, missing ones get the default."""
        if not isinstance(value, dict):
            raise WrongType(path, f"Jellyfin {self.name}")
        result = self.fresh()
        for key, known in {**self.defaults, **self.optional}.items():
            if key not in value:
                continue
            read = self._field(key, known, value[key], f"{path}.{key}")
            if read is None:
                result.pop(key, None)
            else:
                result[key] = read
        return result

    def _field(self, key: str, known: Any, value: Any, path: str) -> Any:
        if isinstance(known, list):
            return self._list(key, known, value, path)
        if key in self.enums:
            if value not in self.enums[key]:
                raise WrongType(path, key)
            return value
        if key in self.nested:
            return self.nested[key].read(value, path)
        if isinstance(known, bool):
            return _typed(value, bool, "System.Boolean", path)
        if isinstance(known, int) and key in self.doubles:
            if isinstance(value, float):
                return int(value) if value.is_integer() else value
            return _typed(value, int, "System.Double", path)
        if isinstance(known, int):
            return _typed(value, int, "System.Int32", path)
        return None if value is None else _typed(value, str, "System.String", path)

    def _list(self, key: str, known: list[Any], value: Any, path: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise WrongType(path, "System.Array")
        if key in self.nested:
            return [self.nested[key].read(entry, f"{path}[{index}]") for index, entry in enumerate(value)]
        sort: type = int if known and isinstance(known[0], int) else str
        wanted = "System.Int32" if sort is int else "System.String"
        return [_typed(entry, sort, wanted, f"{path}[{index}]") for index, entry in enumerate(value)]

    def to_xml(self, value: Mapping[str, Any]) -> str:
        root = ElementTree.Element(self.name)
        self._fill(root, value)
        ElementTree.indent(root)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")

    def _fill(self, parent: ElementTree.Element, value: Mapping[str, Any]) -> None:
        for key, entry in value.items():
            element = ElementTree.SubElement(parent, key)
            if isinstance(entry, list):
                for part in entry:
                    if key in self.nested:
                        self.nested[key]._fill(ElementTree.SubElement(element, self.nested[key].name), part)
                    else:
                        name = "int" if isinstance(part, int) else "string"
                        ElementTree.SubElement(element, name).text = _write(part)
            elif key in self.nested:
                self.nested[key]._fill(element, entry)
            else:
                element.text = _write(entry)

    def from_xml(self, text: str) -> dict[str, Any]:
        """Parse a document. Raises ValueError or ParseError when it is truncated or of another type."""
        root = ElementTree.fromstring(text)
        if root.tag != self.name:
            raise ValueError(f"<{root.tag}> is not <{self.name}>")
        return self._take(root)

    def _take(self, parent: ElementTree.Element) -> dict[str, Any]:
        result = self.fresh()
        known = {**self.defaults, **self.optional}
        for element in parent:
            if element.tag not in known:
                continue
            sample = known[element.tag]
            if isinstance(sample, list) and element.tag in self.nested:
                result[element.tag] = [self.nested[element.tag]._take(part) for part in element]
            elif isinstance(sample, list):
                result[element.tag] = [_parse(part.text, sample[0] if sample else "") for part in element]
            elif element.tag in self.nested:
                result[element.tag] = self.nested[element.tag]._take(element)
            else:
                result[element.tag] = _parse(element.text, sample)
        return result


def _typed(value: Any, wanted: type, name: str, path: str) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise WrongType(path, name)
    return value


def _write(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(text: str | None, sample: Any) -> Any:
    if isinstance(sample, bool):
        return text == "true"
    if isinstance(sample, int):
        number = float(text or 0)
        return int(number) if number.is_integer() else number
    return text or ""
