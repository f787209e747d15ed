"""Signing in, each way against a server that checks it."""

import base64
import hashlib
import hmac
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from contracts.secured import GOOD, Authority, Server
from davy.checks.metrics.prometheus.client import Prometheus
from davy.pipeline.config.parsing.reader import made
from davy.pipeline.config.sections.servers import PrometheusConfig
from davy.pipeline.core.errors import Forbidden, Unreachable, Unusable

AT = datetime(2026, 3, 1, tzinfo=UTC)
NO = {"status": "error", "error": "who are you"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def started():
    running = []

    def start(*args):
        running.append(Server(*args))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def server(started):
    return started()


def asked(url, **said):
    """One question, signed as configured."""
    prometheus = Prometheus(made(PrometheusConfig, {"url": url, **said}), sleep=lambda _: None, secrets=("s3cret",))
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    return prometheus


def wants(server, header):
    server.answer = lambda request: (200, GOOD) if request.headers["Authorization"] == header else (401, NO)


def test_a_password_with_letters_of_any_language_signs_in(server):
    wants(server, "Basic " + base64.b64encode("ann:pässwört→".encode()).decode())
    asked(server.url, basic_auth={"username": "ann", "password": "pässwört→"})
    with pytest.raises(Forbidden):
        asked(server.url, basic_auth={"username": "ann", "password": "other"})


def test_a_user_in_the_url_is_unquoted(server):
    wants(server, "Basic " + base64.b64encode(b"ann@shop:a/b").decode())
    prometheus = asked(server.url.replace("http://", "http://ann%40shop:a%2Fb@"))
    assert prometheus.url == server.url


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "said",
    [
        {"headers": {"X-Scope-OrgID": "s3cret", "Authorization": "Bearer s3cret"}},
        {"basic_auth": {"username": "ann", "password": "s3cret"}},
        {"authorization": {"credentials": "s3cret"}, "headers": {"X-Key": "s3cret"}},
    ],
)
def test_a_server_that_sends_on_to_another_one_hands_no_secret_over(server, started, status, said):
    other = started()
    server.answer = lambda request: (status, {}, {"Location": f"http://localhost:{other.port}/api/v1/query"})
    asked(server.url, **said)
    (sent,) = other.asked
    assert not {"x-scope-orgid", "authorization", "x-key"} & {name.lower() for name in sent.headers}
    server.answer = lambda request: (
        (200, GOOD) if request.path == "/on" else (status, {}, {"Location": f"{server.url}/on"})
    )
    asked(server.url, **said)
    kept = server.asked[-1].headers
    assert {name: kept[name] for name in said.get("headers", {})} == said.get("headers", {})


def test_a_token_of_a_file_that_rotates_is_read_anew(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("first\n")
    wants(server, "Bearer first")
    prometheus = asked(server.url, authorization={"credentials_file": str(token)})
    token.write_text("second\n")
    wants(server, "Bearer second")
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    prometheus.query("up", AT)


def test_the_word_before_the_token_is_the_users(server):
    wants(server, "Splunk abc")
    asked(server.url, authorization={"type": "Splunk", "credentials": "abc"})


def test_a_file_that_is_gone_is_named(server, tmp_path):
    with pytest.raises(Unusable) as raised:
        asked(server.url, basic_auth={"username": "a", "password_file": str(tmp_path / "none")})
    (problem,) = raised.value.problems
    assert problem.path == "checks.prometheus.basic_auth.password_file"
    assert str(tmp_path / "none") in problem.what


def test_a_netrc_never_replaces_the_header_that_is_configured(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    wants(server, "Bearer mine")
    asked(server.url, headers={"Authorization": "Bearer mine"})
    asked(server.url, authorization={"credentials": "mine"})


def test_headers_go_with_every_question(server):
    prometheus = asked(server.url, headers={"X-Scope-OrgID": "shop"})
    prometheus.query("up", AT)
    assert [one.headers["X-Scope-OrgID"] for one in server.asked] == ["shop", "shop"]


def test_a_question_longer_than_any_url_is_sent_as_a_form(server):
    server.answer = lambda request: (200, {"status": "success", "data": {"resultType": "vector", "result": []}})
    query = f'up{{pod=~"{"|".join(f"shop-{n:04d}" for n in range(2000))}"}}'
    asked(server.url).query(query, AT)
    assert server.asked[-1].path == "/api/v1/query"
    assert server.asked[-1].form["query"] == query


def test_what_the_server_says_back_is_told_without_our_secret(server):
    server.answer = lambda request: (400, {"status": "error", "error": "bad token s3cret"})
    with pytest.raises(Unusable) as raised:
        asked(server.url)
    assert "s3cret" not in raised.value.what


def test_only_a_certificate_of_the_named_authority_is_trusted(started, authority):
    server = started(authority.signed("server", "IP:127.0.0.1"))
    asked(server.url, tls_config={"ca_file": str(authority.ca)})
    with pytest.raises(Unreachable, match="TLS certificate"):
        asked(server.url)


def test_the_configured_authority_holds_where_the_environment_names_another(started, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    server = started(authority.signed("server", "IP:127.0.0.1"))
    asked(server.url, tls_config={"ca_file": str(authority.ca)}).query("up", AT)


def test_a_certificate_for_another_name_is_trusted_where_that_name_is_configured(started, authority):
    server = started(authority.signed("named", "DNS:prometheus.internal"))
    tls = {"ca_file": str(authority.ca)}
    with pytest.raises(Unreachable, match="TLS certificate"):
        asked(server.url, tls_config=tls)
    asked(server.url, tls_config={**tls, "server_name": "prometheus.internal"})


def test_an_unchecked_certificate_is_taken_and_said_once(started, authority):
    server = started(authority.signed("server", "IP:127.0.0.1"))
    prometheus = asked(server.url, tls_config={"insecure_skip_verify": True})
    assert prometheus.heard() == (f"{server.url}: its certificate is not checked (tls_config.insecure_skip_verify)",)
    assert prometheus.heard() == ()


def test_our_own_certificate_is_shown_and_a_renewed_one_is_taken_up(started, authority, tmp_path):
    server = started(authority.signed("server", "IP:127.0.0.1"), authority.ca)
    tls = {"ca_file": str(authority.ca)}
    with pytest.raises(Unreachable):
        asked(server.url, tls_config=tls)
    cert, key = authority.signed("davy-1", into=tmp_path / "mine")
    prometheus = asked(server.url, tls_config={**tls, "cert_file": cert, "key_file": key})
    authority.signed("davy-2", into=tmp_path / "mine")
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    names = [one.peer["subject"][0][0][1] for one in server.asked]
    assert names == ["davy-1", "davy-2"]


def test_a_certificate_that_cannot_be_read_is_named(server, tmp_path):
    with pytest.raises(Unusable) as raised:
        asked(server.url, tls_config={"ca_file": str(tmp_path / "none")})
    assert raised.value.problems[0].path == "checks.prometheus.tls_config.ca_file"


class Tokens:
    """A token endpoint: client credentials in, numbered tokens out."""

    def __init__(self, started, authority, *, in_body=False, lasts=3600, scope=None):
        self.server = started(authority.signed("server", "IP:127.0.0.1"))
        self.given = 0
        self.in_body, self.lasts, self.scope = in_body, lasts, scope
        self.server.answer = self.answer

    def answer(self, request):
        basic = "Basic " + base64.b64encode(b"davy:hush").decode()
        known = (
            request.form.get("client_secret") == "hush" if self.in_body else request.headers["Authorization"] == basic
        )
        if request.form.get("grant_type") != "client_credentials" or not known:
            return 401, {"error": "invalid_client", "error_description": "no such client"}
        self.given += 1
        token = {"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": self.lasts}
        return 200, token | ({"scope": self.scope} if self.scope else {})

    def said(self, authority, **more):
        return {
            "client_id": "davy",
            "client_secret": "hush",
            "token_url": f"{self.server.url}/token",
            "tls_config": {"ca_file": str(authority.ca)},
            **more,
        }


def test_a_token_is_bought_once_and_used_while_it_lasts(started, authority, server):
    tokens = Tokens(started, authority)
    wants(server, "Bearer token-1")
    said = tokens.said(authority, scopes=["read", "query"], endpoint_params={"audience": "metrics"})
    prometheus = asked(server.url, oauth2=said)
    prometheus.samples_of([f"m{n}" for n in range(20)], AT - timedelta(minutes=1), AT)
    assert (tokens.given, len(server.asked)) == (1, 21)
    assert tokens.server.asked[0].form | {"scope": "read query", "audience": "metrics"} == tokens.server.asked[0].form


def test_a_token_that_runs_out_or_is_taken_back_is_bought_anew(started, authority, server):
    tokens = Tokens(started, authority, lasts=5)
    server.answer = lambda request: (200, GOOD)
    prometheus = asked(server.url, oauth2=tokens.said(authority))
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    assert tokens.given == 2
    tokens.lasts = 3600
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    wants(server, "Bearer token-4")
    prometheus.samples("up", AT - timedelta(minutes=1), AT)
    assert tokens.given == 4


def test_a_client_that_must_sign_in_by_the_form_does_and_other_scopes_are_taken(started, authority, server):
    tokens = Tokens(started, authority, in_body=True, scope="less")
    wants(server, "Bearer token-1")
    asked(server.url, oauth2=tokens.said(authority, scopes=["more"]))


def test_a_client_that_nobody_knows_is_forbidden_without_its_secret_being_told(started, authority, server):
    tokens = Tokens(started, authority)
    with pytest.raises(Forbidden, match="invalid_client") as raised:
        asked(server.url, oauth2=tokens.said(authority, client_secret="wrong-hush"))
    assert "wrong-hush" not in str(raised.value)
    tokens.server.answer = lambda request: (200, b"<html>")
    with pytest.raises((Forbidden, Unreachable)):
        asked(server.url, oauth2=tokens.said(authority))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_service_that_leads_elsewhere_is_not_followed_with_the_clients_secret(
    started, authority, server, status
):
    tokens, other = Tokens(started, authority), Tokens(started, authority)
    tokens.server.answer = lambda request: (status, b"", {"Location": f"{other.server.url}/token"})
    with pytest.raises(Unreachable, match="leads elsewhere") as raised:
        asked(server.url, oauth2=tokens.said(authority))
    assert "token_url" in raised.value.remedy
    assert other.server.asked == []


def signature(asked, headers, names, *, secret, date, region, service):
    """Amazon's signature, by its description, with nothing of botocore. `asked`: method, path, query, body."""
    method, path, query, body = asked
    said = [f"{name}:{headers[name].strip()}" for name in names]
    canonical = "\n".join([method, path, query, *said, "", ";".join(names), hashlib.sha256(body).hexdigest()])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), to_sign):
        signed = hmac.new(key, part.encode(), hashlib.sha256)
        key = signed.digest()
    return signed.hexdigest()


def test_the_signature_of_these_tests_is_that_of_amazons_published_vector():
    """`get-vanilla` of the Signature Version 4 test suite."""
    made = signature(
        ("GET", "/", "", b""),
        {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"},
        ["host", "x-amz-date"],
        secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        date="20150830T123600Z",
        region="us-east-1",
        service="service",
    )
    assert made == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def checked(request, secret, region, service):
    """True where the request is signed by the secret, over all that it must be."""
    kind, _, rest = request.headers["Authorization"].partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    headers = {name.lower(): value for name, value in request.headers.items()}
    names = said["SignedHeaders"].split(";")
    parts = urlsplit(request.path)
    made = signature(
        (request.command, parts.path, parts.query, request.body),
        headers,
        names,
        secret=secret,
        date=headers["x-amz-date"],
        region=region,
        service=service,
    )
    return kind == "AWS4-HMAC-SHA256" and {"host", "x-amz-date"} <= set(names) and said["Signature"] == made


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.mark.usefixtures("no_aws")
def test_every_question_carries_amazons_signature(server):
    server.answer = lambda request: (200, GOOD) if checked(request, "k/ey", "eu-west-1", "aps") else (403, NO)
    keys = {"region": "eu-west-1", "access_key": "AKID", "secret_key": "k/ey"}
    prometheus = asked(f"{server.url}/workspaces/ws-1", sigv4=keys)
    prometheus.query('sum(rate(x{a="b c+d"}[5m]))', AT)
    assert len(server.asked) == 2
    with pytest.raises(Forbidden):
        asked(server.url, sigv4={**keys, "secret_key": "other"})


def test_the_keys_of_a_profile_and_of_a_role_sign(server, started, no_aws, monkeypatch):
    (no_aws / "credentials").write_text("[shop]\naws_access_key_id = AKID\naws_secret_access_key = pkey\n")
    (no_aws / "config").write_text("[profile shop]\nregion = eu-north-1\n")
    server.answer = lambda request: (200, GOOD) if checked(request, "pkey", "eu-north-1", "aps") else (403, NO)
    asked(server.url, sigv4={"profile": "shop"})
    sts = started()
    until = datetime.now(UTC) + timedelta(hours=1)
    given = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        "<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>rkey</SecretAccessKey><SessionToken>rtoken</SessionToken>"
        f"<Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    sts.answer = lambda request: (200, given.encode())
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    server.answer = lambda request: (200, GOOD) if checked(request, "rkey", "eu-north-1", "aps") else (403, NO)
    asked(server.url, sigv4={"profile": "shop", "role_arn": "arn:aws:iam::123456789012:role/reader"})
    assert server.asked[-1].headers["X-Amz-Security-Token"] == "rtoken"
    assert sts.asked[0].form["RoleArn"] == "arn:aws:iam::123456789012:role/reader"


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize(
    ("said", "path", "what"),
    [
        ({}, "sigv4.region", "region|not said"),
        ({"region": "eu-west-1"}, "sigv4", "holds none"),
        ({"profile": "nobody"}, "sigv4.profile", "nobody"),
    ],
)
def test_what_amazons_signature_lacks_is_named(server, said, path, what):
    with pytest.raises(Unusable) as raised:
        asked(server.url, sigv4=said)
    (problem,) = raised.value.problems
    assert problem.path == f"checks.prometheus.{path}"
    assert re.search(what, problem.what)


def test_without_botocore_the_extra_is_named(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(Unusable) as raised:
        asked(server.url, sigv4={"region": "eu-west-1"})
    assert "davy[aws]" in raised.value.remedy


def test_a_path_in_the_url_is_kept(server):
    asked(f"{server.url}/select/0/prometheus/")
    assert server.asked[0].path == "/select/0/prometheus/api/v1/query"
