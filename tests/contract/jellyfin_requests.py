# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates requests and responses against the official OpenAPI document of a Jellyfin version.

For tests of a client: `validate_request` rejects what the document does not describe, also unknown keys and query
names, which the real server ignores without an error.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator
from shared_material import JELLYFIN

Query = Mapping[str, str] | Iterable[tuple[str, str]]
# The document describes a named configuration as any value; these have a model in it.
_NAMED = {
    "encoding": "EncodingOptions",
    "network": "NetworkConfiguration",
    "livetv": "LiveTvOptions",
    "metadata": "MetadataConfiguration",
}
_UUID = r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"


class Mismatch(AssertionError):
    """A request or response that the document does not describe; the message contains the place."""


@dataclass(frozen=True)
class Operation:
    name: str
    values: dict[str, str]
    described: dict[str, Any]


class Document:
    def __init__(self, version: str) -> None:
        path = JELLYFIN / f"openapi-{version}.json"
        self.version = version
        self._paths: dict[str, Any] = (loaded := json.loads(path.read_text("utf-8")))["paths"]
        self._definitions = {name: _schema(value) for name, value in loaded["components"]["schemas"].items()}

    def operation(self, method: str, path: str) -> Operation:
        """Return the operation of a path; literals have precedence over placeholders. Raises Mismatch."""
        found = []
        for template, operations in self._paths.items():
            values = _values(template, path)
            if values is not None:
                found.append((len(values), template, values, operations))
        if not found:
            raise Mismatch(f"{self.version}: the document has no path {path}")
        able = [entry for entry in found if method.lower() in entry[3]]
        if not able:
            raise Mismatch(f"{self.version}: {path} has no {method}")
        _, template, values, operations = min(able, key=lambda entry: entry[0])
        return Operation(f"{method} {template}", values, operations[method.lower()])

    def validate(self, value: Any, schema: dict[str, Any], where: str) -> None:
        validator = Draft7Validator({"allOf": [_schema(schema)], "definitions": self._definitions})
        errors = [f"{error.json_path}: {error.message[:300]}" for error in _leaves(validator.iter_errors(value))]
        if errors:
            raise Mismatch(f"{self.version}: {where}: " + "; ".join(sorted(set(errors))))


@functools.cache
def document(version: str) -> Document:
    return Document(version)


def validate_request(version: str, method: str, path: str, query: Query = (), body: Any = None) -> None:
    """Validate a request: `path` without query, `body` as a JSON value (None: no body). Raises Mismatch."""
    known = document(version)
    operation = known.operation(method, path)
    described = {entry["name"].lower(): entry for entry in operation.described.get("parameters", [])}
    for name, value in operation.values.items():
        _parameter(known, operation, described[name.lower()], value)
    pairs = list(query.items() if isinstance(query, Mapping) else query)
    for name, value in pairs:
        entry = described.get(name.lower())
        if entry is None or entry["in"] != "query":
            raise Mismatch(f"{version}: {operation.name} has no query {name!r}")
        _parameter(known, operation, entry, value)
    given = {name.lower() for name, _ in pairs}
    for name, entry in described.items():
        if entry["in"] == "query" and entry.get("required") and name not in given:
            raise Mismatch(f"{version}: {operation.name} requires the query {name!r}")
    wanted = operation.described.get("requestBody")
    if body is None:
        if wanted and wanted.get("required"):
            raise Mismatch(f"{version}: {operation.name} requires a body")
        return
    if not wanted:
        raise Mismatch(f"{version}: {operation.name} has no body")
    schema = _named(operation) or wanted["content"]["application/json"]["schema"]
    known.validate(body, schema, f"{operation.name}, body")


def validate_response(version: str, method: str, path: str, status: int, content_type: str, text: str) -> None:
    """Validate a response. Raises Mismatch."""
    known = document(version)
    operation = known.operation(method, path)
    where = f"{operation.name}, response {status}"
    responses = operation.described["responses"]
    if str(status) not in responses:
        raise Mismatch(f"{version}: {where}: only {', '.join(sorted(responses))} are described")
    content = responses[str(status)].get("content")
    media = content_type.split(";", maxsplit=1)[0].strip()
    if not content:
        if text and status < 300:
            raise Mismatch(f"{version}: {where}: no body is described")
        return
    if media not in content:
        raise Mismatch(f"{version}: {where}: {media!r} found, expected one of {', '.join(content)}")
    if media == "application/json":
        known.validate(json.loads(text), _named(operation) or content[media].get("schema", {}), where)


def _named(operation: Operation) -> dict[str, Any] | None:
    model = _NAMED.get(operation.values.get("key", "")) if "/System/Configuration/" in operation.name else None
    return {"$ref": f"#/components/schemas/{model}"} if model else None


def _values(template: str, path: str) -> dict[str, str] | None:
    wanted, present = template.split("/"), path.split("/")
    if len(wanted) != len(present):
        return None
    values = {}
    for piece, word in zip(wanted, present, strict=True):
        if piece.startswith("{") and piece.endswith("}"):
            values[piece[1:-1]] = word
        elif piece.lower() != word.lower():
            return None
    return values


def _parameter(known: Document, operation: Operation, entry: dict[str, Any], text: str) -> None:
    schema = entry["schema"]
    where = f"{operation.name}, {entry['name']}"
    if schema.get("type") == "array":
        known.validate([_typed(part, schema["items"]) for part in text.split(",")], schema, where)
    else:
        known.validate(_typed(text, schema), schema, where)


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """Return the value of a query; text that cannot be converted stays text, which the schema then rejects."""
    sort = schema.get("type")
    if sort == "boolean" and text in ("true", "false"):
        return text == "true"
    try:
        return int(text) if sort == "integer" else float(text) if sort == "number" else text
    except ValueError:
        return text


def _schema(node: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema, with `nullable` and the formats uuid and date-time."""
    if isinstance(node, list):
        return [_schema(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": "#/definitions/" + node["$ref"].rsplit("/", 1)[1]}
    if node.get("format") == "binary":
        return {}  # the generator of the document writes it for unknown types
    dropped = ("nullable", "discriminator", "format", "description", "deprecated", "default", "example")
    result = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {name: _schema(entry) for name, entry in value.items()}
        elif key not in dropped:
            result[key] = value if key == "enum" else _schema(value)
    if node.get("format") == "uuid":
        result["pattern"] = _UUID
    if node.get("format") == "date-time":
        result["pattern"] = _TIME
    return {"anyOf": [result, {"type": "null"}]} if node.get("nullable") else result


def _leaves(errors: Iterable[Any]) -> Iterable[Any]:
    """Yield the innermost errors, without the null branch of a nullable value."""
    for error in errors:
        inner = [entry for entry in error.context or () if entry.validator_value != "null"]
        if inner:
            yield from _leaves(inner)
        else:
            yield error
