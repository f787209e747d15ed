"""Rights: what is missing, by a list where the server gives one, and one by one where that does not show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from davy.canary.platforms.kubernetes.permissions import JOB_RIGHTS, RIGHTS, Right, missing, role
from davy.pipeline.core.errors import Forbidden
from davy.pipeline.core.workload import Workload

WORKLOAD = Workload(namespace="shop", name="checkout")
ROLE = role("davy", "shop")["rules"]
ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


@dataclass
class Server:
    """Answers reviews; a review of one right is allowed where `granted` says so."""

    rules: Any
    incomplete: Any = False
    granted: bool = False
    asked: list[str] = field(default_factory=list)

    def request(self, method: str, path: str, *, body: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        self.asked.append(body["kind"])
        if body["kind"] == "SelfSubjectAccessReview":
            return {"status": {"allowed": self.granted}}
        if self.rules is Forbidden:
            raise Forbidden("no")
        return {"status": {"resourceRules": self.rules, "nonResourceRules": [], "incomplete": self.incomplete}}


@pytest.mark.parametrize("rules", [ROLE, ALL])
def test_a_list_that_shows_every_right_is_the_only_question(rules: list[dict[str, Any]]) -> None:
    server = Server(rules)
    assert missing(server, WORKLOAD, RIGHTS + JOB_RIGHTS) == ()  # type: ignore[arg-type]
    assert server.asked == ["SelfSubjectRulesReview"]


@pytest.mark.parametrize(
    ("rules", "incomplete"),
    [(ALL, True), (ALL, None), (None, False), (["odd"], False), ([{"verbs": "*"}], False), (Forbidden, False)],
)
@pytest.mark.parametrize("granted", [True, False])
def test_where_the_list_is_not_whole_or_odd_each_right_is_asked_about(
    rules: Any, incomplete: Any, granted: bool
) -> None:
    server = Server(rules, incomplete, granted)
    assert missing(server, WORKLOAD) == (() if granted else RIGHTS)  # type: ignore[arg-type]
    assert server.asked.count("SelfSubjectAccessReview") == len(RIGHTS)


@pytest.mark.parametrize(
    ("rule", "right", "shown"),
    [
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, Right(verb="get", resource="pods"), True),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, Right(verb="get", resource="pods/log"), False),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]}, Right(verb="get", resource="pods/log"), True),
        ({"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}, Right(verb="get", resource="pods"), False),
        ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["pods"]}, Right(verb="get", resource="pods"), False),
        (
            {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["davy-checkout"]},
            Right(verb="get", resource="configmaps"),
            True,
        ),
        (
            {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["other"]},
            Right(verb="get", resource="configmaps"),
            False,
        ),
        (
            {"verbs": ["*"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["davy-checkout"]},
            Right(verb="create", resource="configmaps"),
            False,
        ),
    ],
)
def test_a_rule_is_read_as_rbac_reads_it(rule: dict[str, Any], right: Right, shown: bool) -> None:
    assert missing(Server([rule]), WORKLOAD, (right,)) == (() if shown else (right,))  # type: ignore[arg-type]
