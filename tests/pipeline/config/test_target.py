"""Finding the Deployment in a file whose other parts may be broken."""

import subprocess
import sys

import pytest

from davy.pipeline.config.target import Target, target
from davy.pipeline.core.errors import Unusable

BLOCK = "deploy:\n  kubernetes:\n    namespace: shop\n    deployment: checkout\n    context: prod\n"


def test_the_target_is_read_from_a_good_file() -> None:
    assert target("service: a\n" + BLOCK) == Target(namespace="shop", deployment="checkout", context="prod")


@pytest.mark.parametrize(
    "text",
    ["service: [\n" + BLOCK, BLOCK + "checks: {a: b: c}\n", "x: 'open\n" + BLOCK + "y: 1", BLOCK + "checks: !!bad {\n"],
)
def test_the_target_is_read_where_the_rest_is_no_yaml(text: str) -> None:
    assert target(text).deployment == "checkout"


def test_the_target_is_read_where_the_rest_is_wrong() -> None:
    assert target("service: 5\nunknown: 1\ndeploy: {kubernetes: {deployment: web}}") == Target(
        namespace="default", deployment="web"
    )


def test_variables_are_put_in() -> None:
    assert target("deploy: {kubernetes: {deployment: '${D}'}}", {"D": "web"}).deployment == "web"


@pytest.mark.parametrize("text", ["", "a: 1", "deploy: []", "deploy: {kubernetes: {deployment: '${D}'}}", "deploy: ["])
def test_a_file_without_a_target_says_what_to_do(text: str) -> None:
    with pytest.raises(Unusable) as caught:
        target(text)
    assert caught.value.problems


def test_reading_a_target_does_not_load_the_configuration_machinery() -> None:
    code = "import sys, davy.pipeline.config.target; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
