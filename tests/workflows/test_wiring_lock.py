"""The lock is wired as the configuration says."""

from pathlib import Path

from pytest_httpserver import HTTPServer

from davy.pipeline.config.file import parsed
from davy.workflows import wiring

LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"


def test_the_lock_lasts_as_long_as_the_configuration_says(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"{LEASES}/davy-checkout", method="GET").respond_with_json({"kind": "Status"}, status=404)
    asked = {"spec": {"leaseTransitions": 7}}
    httpserver.expect_request(LEASES, method="POST").respond_with_json(asked, status=201)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""
        current-context: here
        contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
        clusters: [{{name: here, cluster: {{server: "{httpserver.url_for("")}"}}}}]
        users: [{{name: me, user: {{token: t}}}}]
        """
    )
    config = parsed(
        f"""
        service: checkout
        images: [{{name: registry.example.com/checkout}}]
        deploy: {{kubernetes: {{namespace: shop, deployment: checkout, kubeconfig: {kubeconfig}}}}}
        canary: {{lease: 7s}}
        checks: {{prometheus: "http://p:9090", slos: [{{name: a, objective: 99, errors: e, total: t}}]}}
        """,
        "davy.yaml",
        {},
    )
    wiring.side_of(config).lock.acquire("me")
    (written,) = (request.get_json() for request, _ in httpserver.log if request.method == "POST")
    assert written["spec"]["leaseDurationSeconds"] == 7
