"""Server config: where samples are read, and how davy signs in there, as frozen values."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from davy.pipeline.fields import Duration, Part


class PrometheusConfig(Part):
    """Where samples are read."""

    url: str = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict, description="A value `env:NAME` is read from NAME.")
    timeout: Duration = timedelta(seconds=10)


def _prometheus(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


Server = Annotated[PrometheusConfig, BeforeValidator(_prometheus)]
"""A mapping, or its URL alone."""
