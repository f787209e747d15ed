"""Settings, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .faults import Fault, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`version` and `fault` are built in; the rest comes from the ConfigMap."""

    version: str
    fault: Fault
    pod: str
    port: int
    currency: str
    discount_percent: int
    drain_seconds: float


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment holds; raises ValueError if one cannot be read."""
    return Settings(
        version=environment.get("VERSION", "dev"),
        fault=parse(environment.get("FAULT", "")),
        pod=environment.get("POD_NAME") or environment.get("HOSTNAME", "unknown"),
        port=int(environment.get("PORT", "8080")),
        currency=environment.get("CURRENCY", "EUR"),
        discount_percent=int(environment.get("DISCOUNT_PERCENT", "0")),
        drain_seconds=float(environment.get("DRAIN_SECONDS", "3")),
    )
