"""The published schema, held against the parser."""

from typing import Any

import jsonschema
import pytest
import yaml

from davy.pipeline.config.file import parsed
from davy.pipeline.config.json_schema import schema
from davy.pipeline.core.errors import Unusable

LEAST = """
service: checkout
images: [{name: registry.example.com/checkout}]
deploy: {kubernetes: {deployment: checkout}}
checks: {prometheus: "http://p:9090", slos: [{name: a, objective: 99, errors: e, total: t}]}
"""
GOOD = [
    LEAST,
    LEAST + "canary: {steps: [1, 2.5%, {weight: 10%, at_least: 1m30s, approve: true}], warmup: 500ms}",
    LEAST.replace('"http://p:9090"', "{url: 'http://p:9090', headers: {Authorization: 'env:TOKEN'}, timeout: 5s}"),
    LEAST
    + "tests: [{name: u, in: image, run: 'true', env: {A: b}, collect: [/out]}, {name: k, in: kubernetes, run: x}]",
]
BAD = [
    "service: checkout",
    LEAST + "unknown: 1",
    LEAST.replace("service: checkout", "service: 5"),
    LEAST + "canary: {steps: []}",
    LEAST + "canary: {steps: [{weight: 5, extra: 1}]}",
    LEAST + "canary: {warmup: 15}",
    LEAST + "canary: {warmup: soon}",
    LEAST + "canary: {steps: [true]}",
    LEAST + "tests: [{name: u, in: nowhere, run: x}]",
    LEAST + "tests: [{name: u, in: image, run: x, memory: lots}]",
    LEAST.replace('"http://p:9090"', "[1]"),
    LEAST.replace("objective: 99", "objective: 100"),
]


def accepted(text: str) -> bool:
    try:
        parsed(text, "davy.yaml", {})
    except Unusable:
        return False
    return True


def valid(text: str) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(yaml.safe_load(text))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("text", GOOD)
def test_what_the_parser_takes_the_schema_takes(text: str) -> None:
    assert accepted(text)
    assert valid(text)


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_the_parser_refuses(text: str) -> None:
    assert not valid(text)
    assert not accepted(text)


def parts() -> list[tuple[str, dict[str, Any]]]:
    whole = schema()
    return [("davy.yaml", whole), *whole["$defs"].items()]


def test_every_key_is_described() -> None:
    bare = [
        f"{name}.{key}"
        for name, part in parts()
        for key, shape in part["properties"].items()
        if not shape.get("description")
    ]
    assert bare == []


def test_defaults_are_written_as_the_file_writes_them() -> None:
    canary = schema()["$defs"]["CanaryConfig"]["properties"]
    assert canary["deadline"]["default"] == "1h00m"
    assert canary["steps"]["default"] == ["10%", "25%", "50%"]
