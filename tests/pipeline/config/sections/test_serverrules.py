"""What may be said of the servers that samples are read from."""

from datetime import UTC, datetime

import pytest

from davy.pipeline.config.file import parsed
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.release.plan import planned

HEAD = """\
service: checkout
images: [{name: registry.example.com/shop/checkout}]
deploy: {kubernetes: {namespace: shop, deployment: checkout}}
checks:
  slos: [{name: availability, objective: 99.5, errors: 'errors_total', total: 'requests_total'}]
"""


def read(prometheus: str, more: str = ""):
    return parsed(f"{HEAD}  prometheus: {prometheus}\n{more}", "davy.yaml", {})


def problems(prometheus: str, more: str = "") -> list[Problem]:
    with pytest.raises(Unusable) as caught:
        read(prometheus, more)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("prometheus", "urls"),
    [
        ("http://a", ["http://a"]),
        ("{url: http://a, retries: 0}", ["http://a"]),
        ("[http://a]", ["http://a"]),
        ("[http://a, {url: http://b}]", ["http://a", "http://b"]),
    ],
)
def test_a_server_is_a_url_a_mapping_or_a_list_of_them(prometheus, urls):
    assert [server.url for server in read(prometheus).checks.prometheus] == urls


SERVERS = """
  - {url: https://a, basic_auth: {username: u, password_file: /p}, params: {a: b}, timeout: 5s}
  - {url: https://b, authorization: {type: Bearer, credentials: 'env:T'}, headers: {X-Scope-OrgID: t}}
  - url: https://c
    oauth2: {client_id: i, client_secret: 'env:S', token_url: https://t, scopes: [x],
      endpoint_params: {audience: y}, tls_config: {ca_file: /ca}}
  - url: https://d
    sigv4: {region: r, profile: p, role_arn: a, service: aps}
    tls_config: {ca_file: /c, cert_file: /x, key_file: /k, server_name: n, insecure_skip_verify: true}
"""


def test_every_key_of_prometheus_own_http_config_is_taken():
    said = read(SERVERS).checks.prometheus
    assert said[0].basic_auth.password_file == "/p"
    assert said[2].oauth2.scopes == ("x",)
    assert said[3].tls_config.insecure_skip_verify is True


@pytest.mark.parametrize(
    ("prometheus", "path", "says"),
    [
        ("{url: nowhere}", "checks.prometheus.url", "must be a URL"),
        ("[http://a, nowhere]", "checks.prometheus[1]", "must be a URL"),
        ("[http://a, {url: nowhere}]", "checks.prometheus[1].url", "must be a URL"),
        ("[]", "checks.prometheus", "must not be empty"),
        ("7", "checks.prometheus", "must be a mapping with keys of its own"),
        ("{url: http://a, timeout: 5}", "checks.prometheus.timeout", "needs a unit"),
        ("[{url: http://a, timeout: 5}]", "checks.prometheus[0].timeout", "needs a unit"),
        ("{url: http://a, retries: 99}", "checks.prometheus.retries", "at most 10"),
        ("{url: http://a, basic_auht: {}}", "checks.prometheus.basic_auht", "did you mean `basic_auth`"),
        ("{url: http://a, basic_auth: {username: u}}", "checks.prometheus.basic_auth", "`password` or `password_file`"),
        (
            "{url: http://a, authorization: {credentials: a, credentials_file: b}}",
            "checks.prometheus.authorization.credentials_file",
            "not both",
        ),
        (
            "{url: http://a, basic_auth: {username: u, password: p}, sigv4: {region: r}}",
            "checks.prometheus.sigv4",
            "only one way to sign in at a time, not `basic_auth` and `sigv4`",
        ),
        (
            "{url: 'http://u:p@a', authorization: {credentials: t}}",
            "checks.prometheus.authorization",
            "a user in `url` and `authorization`",
        ),
        (
            "{url: http://a, headers: {authorization: x}, basic_auth: {username: u, password: p}}",
            "checks.prometheus.basic_auth",
            "`headers.Authorization` and `basic_auth`",
        ),
        (
            "{url: http://a, oauth2: {client_id: i, client_secret: s, token_url: 'http://t'}}",
            "checks.prometheus.oauth2.token_url",
            "must be an https URL",
        ),
        ("{url: http://a, tls_config: {cert_file: /c}}", "checks.prometheus.tls_config.cert_file", "needs `key_file`"),
        ("{url: http://a, sigv4: {access_key: a}}", "checks.prometheus.sigv4.access_key", "needs `secret_key`"),
        ("http://a\n  quorum: 2", "checks.quorum", "2 servers must answer, but `prometheus` names 1 server"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_path_and_line(prometheus, path, says):
    (problem,) = problems(prometheus)
    assert (problem.path, says in problem.what) == (path, True), str(problem)
    assert problem.line is not None


def test_a_rule_of_the_linter_that_there_is_not_is_refused():
    text = "  thresholds: [{name: q, query: up, success: '> 0', accept: [nonsense]}]\n"
    (problem,) = problems("http://a", text)
    assert problem.path == "checks.thresholds[0].accept[0]"


def test_no_secret_is_in_what_a_configuration_prints_of_itself():
    said = read("{url: http://a, headers: {X: hush1}, basic_auth: {username: u, password: hush2}}")
    assert "hush" not in repr(said)


def test_the_plan_names_every_server_without_its_user():
    said = read("['http://u:hush@a', http://b]", "  quorum: 1\n")
    steps = planned(said, Revision(sha="c" * 40, committed_at=datetime(2026, 3, 1, tzinfo=UTC))).steps
    assert any("at http://a and http://b (1 must answer)" in step.sentence for step in steps)
