"""A secret is sent through every door there is; then all that davy wrote or sent is looked at."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from davy.pipeline.core.endings import Ending

pytestmark = pytest.mark.slow

Davy = Callable[..., subprocess.CompletedProcess[str]]

PLAIN = "s3cr3t-value-xyz"
HARD = "p@ss w\"rd/x+1&<'>=`%::error::b"
KEY = "-----BEGIN KEY-----\nMIIBVQIBADANBgkqhkiG9w0BAQEFAASC\nAT8wggE7AgEAAkEAq7BFUpkGp3+LQmlQ\n-----END KEY-----"

SUITE = '''
import base64, json, os, sys
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

secret = os.environ["TOKEN"]
name, text = quoteattr(f"test_login[{secret}]"), escape(f"AssertionError: {secret}")
Path(os.environ["JUNIT"]).write_text(f"""<testsuite><properties><property name="token" value={quoteattr(secret)}/>
</properties><testcase classname={quoteattr("c" + secret)} name={name} file={quoteattr(secret + ".py")}>
<failure message={quoteattr("x" * 290 + secret)}>{text}{"y" * 70} {text}</failure>
<system-out>{text}</system-out></testcase></testsuite>""")
data = secret.encode()
print(secret)
print("x" * 65530 + secret + "y" * 65530 + secret)
print(json.dumps({"token": secret}), json.dumps({"token": secret}, ensure_ascii=False), repr(secret))
print(quote(secret, safe=""), quote(secret), quote_plus(secret), escape(secret))
for before in ("", "a", "ab", "abc", "user:"):
    print("Basic", base64.b64encode(before.encode() + data).decode())
    print(base64.urlsafe_b64encode(before.encode() + data + b"after").decode())
sys.stdout.write(secret[:5]); sys.stdout.flush(); sys.stdout.write(secret[5:] + chr(10))
Path("kept").mkdir(exist_ok=True)
Path("kept/plain.txt").write_text(secret + " " + json.dumps(secret))
Path("kept", quote_plus(secret)[:60] + ".txt").write_text("a file")
sys.exit(1)
'''


def forms(secret: str) -> Iterator[str]:
    """What must stand nowhere: each line, as others write it. Base64 without what its edges share with others."""
    for part in dict.fromkeys((secret, *secret.splitlines())):
        yield from (part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part, safe=""), quote(part))
        yield from (quote_plus(part), quote(part, safe="").lower(), escape(part))
        for before in range(3):
            inner = base64.b64encode(b"\0" * before + part.encode()).decode()[4 if before else 0 : -4]
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


def found(secret: str, done: subprocess.CompletedProcess[str], folder: Path, own: frozenset[Path]) -> list[str]:
    """Every place where the secret stands: both streams, and every file that is not the user's own."""
    places = {"stdout": done.stdout, "stderr": done.stderr}
    for path in folder.rglob("*"):
        if path.is_file() and not {path, *path.parents} & own:
            places[str(path.relative_to(folder))] = path.read_text(errors="replace")
            places[f"name of {path.relative_to(folder)}"] = str(path.relative_to(folder))
    return [
        f"{place}: {form!r}"
        for place, text in places.items()
        for form in forms(secret)
        if len(form) > 3 and form in text
    ]


def ran(davy: Davy, folder: Path, *words: str, config: Mapping[str, object], **env: str):
    (folder / "davy.yaml").write_text(json.dumps(config))
    own = frozenset({folder / "kept", folder / "suite.py", folder / ".docker"})
    return davy(*words, env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "sum.md"), **env}), own


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("secret", [PLAIN, HARD, KEY], ids=["plain", "hard", "key"])
@pytest.mark.parametrize("door", ["env:", "env://"])
def test_no_door_of_a_suite_lets_a_secret_out(davy: Davy, tmp_path: Path, output: str, secret: str, door: str) -> None:
    (tmp_path / "suite.py").write_text(SUITE)
    token = {"env:": "env:MY_TOKEN"}.get(door, "env:OTHER")
    suite = {"name": "unit", "in": "process", "run": f"{sys.executable} suite.py", "collect": ["kept"], "retries": 1}
    sign = {"build": {"sign": {"key": "env://MY_TOKEN"}}} if door == "env://" else {}
    config = {"service": "shop", "tests": [{**suite, "env": {"TOKEN": token}}], **sign}
    done, own = ran(davy, tmp_path, "test", "-o", output, config=config, MY_TOKEN=secret, OTHER=secret)
    assert done.returncode == Ending.REJECTED, done.stderr
    assert found(secret, done, tmp_path, own) == []
    told = (tmp_path / "davy-out" / "events.jsonl").read_text() + (tmp_path / "sum.md").read_text() + done.stderr
    assert "test_login[***]" in told
    assert "***" in (tmp_path / "davy-out" / "unit" / "log.txt").read_text()
    kept = [path for path in (tmp_path / ".davy" / "archive").rglob("*") if path.is_file()]
    assert any(path.name == "plain.txt" for path in kept)


def test_what_a_suite_prints_of_davys_own_credentials_is_masked_and_it_has_none(davy: Davy, tmp_path: Path) -> None:
    secrets = {
        "NPM_TOKEN": "npm-secret-1", "COSIGN_PRIVATE_KEY": "cosign-secret-2", "COSIGN_PASSWORD": "cosign-secret-3",
        "GITHUB_TOKEN": "github-secret-4", "ACTIONS_RUNTIME_TOKEN": "actions-secret-5",
        "SAUCE_ACCESS_KEY": "sauce-key-6",
        "MY_BUILD": "build-secret-7", "AWS_SECRET_ACCESS_KEY": "aws-secret-8", "COPY": "build-secret-7",
        "PROM": "prom-secret-9", "CI_JOB_TOKEN": "gitlab-secret-10",
    }  # fmt: skip
    config = {
        "service": "shop",
        "images": [
            {"name": "a.example/s", "secrets": [{"id": "npm", "env": "NPM_TOKEN"}, {"id": "b", "env": "MY_BUILD"}]}
        ],
        "build": {"sign": {"key": "env://COSIGN_PRIVATE_KEY"}},
        "tests": [
            {"name": "bare", "in": "process", "run": "env; echo $GIVEN"},
            {"name": "asked", "in": "process", "run": "env", "inherit": ["KUBECONFIG", "GITHUB_TOKEN", "NOT_THERE"]},
        ],
        "deploy": {"kubernetes": {"deployment": "shop"}},
        "checks": {
            "prometheus": {"url": "http://127.0.0.1:1", "headers": {"X": "env:PROM"}},
            "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}],
        },
    }  # fmt: skip
    done, own = ran(davy, tmp_path, "test", config=config, KUBECONFIG="/no/kubeconfig", **secrets)
    assert done.returncode == Ending.DONE, done.stderr
    bare = (tmp_path / "davy-out" / "bare" / "log.txt").read_text()
    asked = (tmp_path / "davy-out" / "asked" / "log.txt").read_text()
    assert not [name for name in (*secrets, "KUBECONFIG") if f"{name}=" in bare]
    assert "KUBECONFIG=/no/kubeconfig" in asked
    assert "GITHUB_TOKEN=***" in asked
    assert not [name for name in secrets if f"{name}=" in asked and name != "GITHUB_TOKEN"]
    assert [place for secret in secrets.values() for place in found(secret, done, tmp_path, own)] == []


@pytest.mark.parametrize("output", ["text", "json"])
def test_what_a_prometheus_says_of_a_secret_is_masked(
    davy: Davy, tmp_path: Path, httpserver: HTTPServer, output: str
) -> None:
    sent: list[str] = []

    def answer(request: Request) -> Response:
        sent.append(request.headers.get("X-Key", ""))
        return Response(json.dumps({"status": "error", "error": f"no tenant {HARD} {quote(HARD)}"}), status=422)

    httpserver.expect_request("/api/v1/query").respond_with_handler(answer)
    config = {
        "service": "shop",
        "images": [{"name": "registry.example.com/shop"}],
        "deploy": {"kubernetes": {"deployment": "shop"}},
        "checks": {
            "prometheus": {"url": httpserver.url_for("").rstrip("/"), "headers": {"X-Key": "env:KEY"}},
            "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}],
        },
    }
    done, own = ran(davy, tmp_path, "slo", "status", "-o", output, config=config, KEY=HARD, DAVY_SECRETS="KEY")
    assert sent
    assert done.returncode != Ending.DONE
    assert found(HARD, done, tmp_path, own) == []
    assert "no tenant ***" in done.stdout + done.stderr


@pytest.mark.parametrize("output", ["text", "json"])
def test_what_a_registry_says_of_a_password_is_masked(
    davy: Davy, tmp_path: Path, httpserver: HTTPServer, output: str
) -> None:
    host = f"127.0.0.1:{httpserver.port}"

    def answer(request: Request) -> Response:
        if not request.headers.get("Authorization"):
            return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        body = {"errors": [{"code": "DENIED", "message": f"no user with {PLAIN}: {request.headers['Authorization']}"}]}
        return Response(json.dumps(body), status=400)

    httpserver.expect_request("/v2/shop/app/manifests/1").respond_with_handler(answer)
    (tmp_path / ".docker").mkdir()
    auth = base64.b64encode(f"ann:{PLAIN}".encode()).decode()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    done = davy("image", "show", f"{host}/shop/app:1", "-o", output)
    assert done.returncode != Ending.DONE
    assert found(PLAIN, done, tmp_path, frozenset({tmp_path / ".docker"})) == []


def test_an_error_in_the_file_tells_no_value_that_was_put_into_it(davy: Davy, tmp_path: Path) -> None:
    config = {"service": "shop", "tests": [{"name": "a", "in": "process", "run": "true", "timeout": "${GITHUB_TOKEN}",
                                            "shards": "${MY_TOKEN}", "env": {"T": "env:MY_TOKEN"}}]}  # fmt: skip
    done, own = ran(davy, tmp_path, "validate", config=config, GITHUB_TOKEN=PLAIN, MY_TOKEN="other-secret")
    assert done.returncode == Ending.UNUSABLE
    assert found(PLAIN, done, tmp_path, own) + found("other-secret", done, tmp_path, own) == []


@pytest.mark.parametrize("words", [("slo", "status"), ("judge", "plan"), ("judge", "backtest")])
def test_a_command_that_only_looks_sends_nothing_away_on_the_files_word(
    davy: Davy, tmp_path: Path, httpserver: HTTPServer, words: tuple[str, ...]
) -> None:
    seen: list[str] = []

    def answer(request: Request) -> Response:
        seen.append(f"{request.headers} {request.url} {request.get_data(as_text=True)}")
        return Response(json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}))

    httpserver.expect_request("/api/v1/query").respond_with_handler(answer)
    (tmp_path / "outside").write_text("file-secret-1")
    config = {
        "service": "shop",
        "images": [{"name": "registry.example.com/shop"}],
        "deploy": {"kubernetes": {"deployment": "shop"}},
        "checks": {
            "prometheus": {
                "url": httpserver.url_for("").rstrip("/"),
                "authorization": {"credentials_file": str(tmp_path / "outside")},
                "headers": {"X-Leak": "env:AWS_SECRET_ACCESS_KEY"},
                "params": {"x": "${MY_TOKEN}"},
            },
            "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}],
        },
    }
    secrets = {"AWS_SECRET_ACCESS_KEY": "aws-very-secret", "MY_TOKEN": "substituted-secret"}
    done, _ = ran(davy, tmp_path, *words, config=config, **secrets)
    assert done.returncode == Ending.UNUSABLE, done.stderr
    assert seen == []
    assert f"X-Leak: would send $AWS_SECRET_ACCESS_KEY to {httpserver.host}:" in done.stderr
    assert f"would send the file {tmp_path}/outside to {httpserver.host}:" in done.stderr
    assert "params.x: holds the value of $MY_TOKEN" in done.stderr
    davy(*words, env={**secrets, "DAVY_SECRETS": f"AWS_SECRET_ACCESS_KEY,MY_TOKEN,{tmp_path}/outside"})
    assert any("Bearer file-secret-1" in one and "aws-very-secret" in one for one in seen)
