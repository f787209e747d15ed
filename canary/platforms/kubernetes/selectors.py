"""Selectors: Kubernetes' label selectors, as text for a query and as a question to a set of labels. Pure."""

from collections.abc import Mapping
from typing import Any

Doc = Mapping[str, Any]


def selector_text(selector: Doc) -> str:
    """As the API takes it in `labelSelector`."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], ",".join(one.get("values") or [])
        match one["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)


def selects(selector: Doc, labels: Mapping[str, str]) -> bool:
    """True where it matches; an empty selector matches everything, as in a PodDisruptionBudget (policy/v1)."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or []
    )


def _holds(one: Doc, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(one["key"]), one.get("values") or []
    match one["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
