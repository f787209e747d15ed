"""Services: what a suite needs beside it in its pod, as containers that are there before it begins. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any

from davy.pipeline.config.sections.suites import ServiceConfig
from davy.pipeline.suites.ports import SuiteOrder

Doc = dict[str, Any]


def services_of(order: SuiteOrder) -> tuple[ServiceConfig, ...]:
    """What the order says under `services`."""
    said = order.settings.get("services")
    return tuple(one for one in said if isinstance(one, ServiceConfig)) if isinstance(said, (tuple, list)) else ()


def sidecars(services: Sequence[ServiceConfig], start_within: timedelta) -> list[Doc]:
    """Init containers that go on running (Kubernetes 1.29): one after another, each once its port is open."""
    return [_sidecar(service, start_within) for service in services]


def _sidecar(service: ServiceConfig, start_within: timedelta) -> Doc:
    made: Doc = {
        "name": service.name,
        "image": service.image,
        "restartPolicy": "Always",
        "env": [{"name": name, "value": value.replace("$", "$$")} for name, value in service.env.items()],
        "resources": {"limits": {"memory": service.memory}, "requests": {"memory": service.memory, "cpu": "10m"}},
    }
    if service.args:
        made["args"] = [word.replace("$", "$$") for word in service.args]
    if service.port is not None:
        made["ports"] = [{"containerPort": service.port}]
        made["startupProbe"] = {
            "tcpSocket": {"port": service.port},
            "periodSeconds": 1,
            "failureThreshold": max(1, ceil(start_within.total_seconds())),
        }
    return made


def aliases(services: Sequence[ServiceConfig]) -> list[Doc]:
    """All containers of a pod share one network: each service's name is localhost."""
    return [{"ip": "127.0.0.1", "hostnames": [service.name for service in services]}]
