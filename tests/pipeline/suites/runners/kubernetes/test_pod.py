"""The Job of a suite, as a document; and what a pod's state means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.pipeline.config.sections.suites import ServiceConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Unusable
from davy.pipeline.suites.ports import SuiteOrder
from davy.pipeline.suites.runners.kubernetes import state as jobstate
from davy.pipeline.suites.runners.kubernetes.pod import JobName, job_of, verbatim

NAMED = JobName(name="j", mark="m", service="shop", release="r", at=datetime(2026, 5, 1, tzinfo=UTC))
WITHIN = timedelta(minutes=5)


def order(**more: object) -> SuiteOrder:
    return SuiteOrder(name="unit", image=Image(name="a/b", digest="sha256:0"), run="true", **more)  # type: ignore[arg-type]


def test_shards_share_a_pod_but_for_what_is_their_own() -> None:
    job = job_of([order(env={"A": "1", "N": str(number)}) for number in range(3)], NAMED, WITHIN)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (job["spec"]["completions"], job["spec"]["backoffLimitPerIndex"]) == (3, 0)
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["command"][-3:] == ["export N=0", "export N=1", "export N=2"]


def test_a_service_starts_before_the_suite_and_is_localhost_by_name() -> None:
    service = ServiceConfig(name="db", image="pg", port=5432, env={"P": "a$$b"})
    pod = job_of([order(settings={"services": (service,)})], NAMED, WITHIN)["spec"]["template"]["spec"]
    (sidecar,) = pod["initContainers"]
    assert (sidecar["restartPolicy"], sidecar["startupProbe"]["failureThreshold"]) == ("Always", 300)
    assert sidecar["env"] == [{"name": "P", "value": "a$$$$b"}]
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["db"]}]


def test_a_list_that_no_command_line_takes_is_refused_before_a_job_is_made() -> None:
    long = [order(env={"DAVY_TESTS": f"{number} " + "x" * 200_000}) for number in range(2)]
    with pytest.raises(Unusable, match="too long for a pod"):
        job_of(long, NAMED, WITHIN)


def expanded(text: str) -> str:
    """As the kubelet does it: https://github.com/kubernetes/kubernetes/tree/v1.34.0/third_party/forked/golang/expansion."""
    made, at = "", 0
    while at < len(text):
        if text[at] == "$" and text[at + 1 : at + 2] == "$":
            made, at = made + "$", at + 2
        elif text[at] == "$" and text[at + 1 : at + 2] == "(" and ")" in text[at:]:
            made, at = made + "VALUE", text.index(")", at) + 1
        else:
            made, at = made + text[at], at + 1
    return made


@given(st.text("a$()"))
def test_kubernetes_gives_back_what_was_meant(text: str) -> None:
    assert expanded(verbatim(text)) == text


def waiting(reason: str, message: str = "") -> dict[str, object]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"status": {"containerStatuses": [{"name": "suite", "state": state}]}}


@pytest.mark.parametrize(
    ("pod", "because", "fault"),
    [
        (waiting("ErrImagePull", "a/b: not found"), "image pull error: a/b: not found", False),
        (waiting("ImagePullBackOff", "i/o timeout"), "image pull error: i/o timeout", True),
        (
            waiting("CreateContainerConfigError", "no secret"),
            "could not start: CreateContainerConfigError: no secret",
            False,
        ),
    ],
)
def test_why_a_suite_will_never_run_and_whose_fault_it_is(pod: dict[str, object], because: str, fault: bool) -> None:
    found = jobstate.failure_in(pod)
    assert found is not None
    assert (found.because, found.fault) == (because, fault)


def test_a_first_pull_that_failed_is_tried_again_by_the_kubelet() -> None:
    assert jobstate.failure_in(waiting("ErrImagePull", "i/o timeout")) is None
