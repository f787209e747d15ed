"""Target: where the Deployment is, read out of a `davy.yaml` whose other parts may be broken. Light to import."""

import re
from collections.abc import Mapping

import yaml

from davy.pipeline.config.parsing.substitution import substituted
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's parser in C where it was built with it: every look at a canary reads the file."""

DEPLOY = re.compile(r"^deploy[ \t]*:.*\n?(?:(?:[ \t#].*|-.*|[ \t]*)(?:\n|\Z))*", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Deployment, and how its cluster is reached; None: as kubectl would."""

    namespace: str
    deployment: str
    context: str | None = None
    kubeconfig: str | None = None


def target(text: str, environment: Mapping[str, str] | None = None, file: str = "davy.yaml") -> Target:
    """What `deploy.kubernetes` says. Raises Unusable where it says no Deployment."""
    root = _composed(text)
    said = _texts(_child(_child(root, "deploy"), "kubernetes"))
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for key in ("namespace", "deployment", "context", "kubeconfig"):
        if key in said:
            values[key], wrong = substituted(said[key][0], environment or {})
            problems += [
                Problem(what=what, path=f"deploy.kubernetes.{key}", file=file, line=said[key][1]) for what in wrong
            ]
    if not values.get("deployment") and not problems:
        what = "names no Deployment; write it here, or give --deployment"
        problems = [Problem(what=what, path="deploy.kubernetes.deployment", file=file)]
    if problems:
        raise Unusable(f"{file} does not say which Deployment is meant.", problems=tuple(problems))
    return Target(
        namespace=values.get("namespace") or "default",
        deployment=values["deployment"],
        context=values.get("context") or None,
        kubeconfig=values.get("kubeconfig") or None,
    )


def _composed(text: str) -> yaml.Node | None:
    """The file's nodes; where it is no YAML as a whole, those of its `deploy` block alone."""
    block = DEPLOY.search(text)
    for part in (text, block[0] if block else ""):
        try:
            # Nodes, not values: aliases stay references, so they cannot unfold.
            node: yaml.Node | None = yaml.compose(part, Loader=LOADER)
        except (yaml.YAMLError, RecursionError):
            continue
        return node
    return None


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((item for name, item in node.value if name.value == key), None)


def _texts(node: yaml.Node | None) -> dict[str, tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {
        str(key.value): (str(item.value), item.start_mark.line + 1)
        for key, item in node.value
        if isinstance(item, yaml.ScalarNode) and not item.tag.endswith(":null")
    }
