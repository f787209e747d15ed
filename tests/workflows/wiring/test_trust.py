"""A davy.yaml's own word gives no secret away to a command that only looks."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from davy.pipeline.config.document import Config
from davy.pipeline.config.file import parsed
from davy.pipeline.core.errors import Unusable
from davy.workflows.wiring import trust

HELD = {"TOKEN": "a-token-of-mine", "TENANT": "shop", "AWS_SESSION_TOKEN": "aws-session-1", "HOST_NAME": "prom.example"}


def config(server: Mapping[str, object], environment: Mapping[str, str] = HELD, **more: object) -> Config:
    text = {
        "service": "shop",
        "images": [{"name": "registry.example.com/shop"}],
        "deploy": {"kubernetes": {"deployment": "shop"}},
        "checks": {"prometheus": server, "slos": [{"name": "a", "objective": 99, "errors": "e", "total": "t"}]},
    }
    return parsed(json.dumps(text | more), "davy.yaml", environment)


def refused(said: Config, folder: Path = Path(), *, acting: bool = False, **environment: str) -> list[str]:
    try:
        trust.demand(said.checks, HELD | environment, folder, acting=acting)
    except Unusable as error:
        return [str(problem) for problem in error.problems]
    return []


AT = {"url": "http://evil.example:9090/x"}
LEAKS = {
    "header": ({**AT, "headers": {"X": "env:TOKEN"}}, "headers.X: would send $TOKEN to evil.example:9090"),
    "user": (
        {**AT, "basic_auth": {"username": "env:TOKEN", "password": "p"}},
        "basic_auth.username: would send $TOKEN to evil.example:9090",
    ),
    "password": (
        {**AT, "basic_auth": {"username": "u", "password": "env:TOKEN"}},
        "basic_auth.password: would send $TOKEN to evil.example:9090",
    ),
    "file": (
        {**AT, "authorization": {"credentials_file": "/any/file"}},
        "authorization.credentials_file: would send the file /any/file to evil.example:9090",
    ),
    "oauth": (
        {**AT, "oauth2": {"client_id": "i", "client_secret_file": "/any/file", "token_url": "https://buy.example/t"}},
        "oauth2.client_secret_file: would send the file /any/file to buy.example",
    ),
    "url": ({"url": "http://evil.example/${TOKEN}"}, "url: holds the value of $TOKEN, and would send it"),
    "param": ({**AT, "params": {"q": "x${TOKEN}x"}}, "params.q: holds the value of $TOKEN, and would send it"),
    "parameter": ({**AT, "params": {"q": "env:TOKEN"}}, "params.q: would send $TOKEN to evil.example:9090"),
    "amazon": ({**AT, "sigv4": {"region": "r"}}, "sigv4: would send $AWS_SESSION_TOKEN to evil.example:9090"),
}


@pytest.mark.parametrize("way", LEAKS)
def test_no_way_out_is_open_to_a_command_that_only_looks(way: str) -> None:
    server, what = LEAKS[way]
    path = "checks.prometheus." if way not in ("url", "param") else "checks.prometheus[0]."
    assert refused(config(server)) == [path + what]


@pytest.mark.parametrize("way", LEAKS)
def test_what_acts_goes_by_the_file_until_somebody_outside_of_it_says_less(way: str) -> None:
    server, _ = LEAKS[way]
    assert refused(config(server), acting=True) == []
    assert refused(config(server), acting=True, DAVY_SECRETS="OTHER") != []
    allowed = "TOKEN, AWS_SESSION_TOKEN,/any/file"
    assert refused(config(server), acting=True, DAVY_SECRETS=allowed) == []
    assert refused(config(server), DAVY_SECRETS=allowed) == []
    assert refused(config(server), DAVY_SECRETS="*") == []


def test_everything_is_told_at_once_with_what_would_allow_it() -> None:
    two = [
        {**AT, "headers": {"X": "env:TOKEN", "Y": "env:TENANT"}},
        {"url": "http://b", "headers": {"Z": "env:NOT_SET"}},
    ]
    with pytest.raises(Unusable) as raised:
        trust.demand(config(two).checks, HELD, Path(), acting=False)
    assert [problem.path for problem in raised.value.problems] == [
        f"checks.prometheus[0].headers.{key}" for key in "XY"
    ]
    assert "DAVY_SECRETS=TOKEN,TENANT allows it" in raised.value.remedy


def test_what_is_no_secret_is_put_into_an_address_freely() -> None:
    assert refused(config({"url": "http://${HOST_NAME}/x", "headers": {"X-Scope-OrgID": "${TENANT}"}})) == []


def test_a_file_of_the_work_tree_that_leads_out_of_it_is_never_sent(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a secret")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "own").write_text("a token")
    (repo / "link").symlink_to(tmp_path / "out")
    (repo / "inner").symlink_to(repo / "own")
    for name, wrong in (("link", True), ("own", False), ("inner", False), ("../out", False)):
        said = config({**AT, "authorization": {"credentials_file": str(repo / name)}})
        assert bool(refused(said, repo, acting=True)) is wrong, name
        assert bool(refused(said, repo, DAVY_SECRETS="*")) is wrong, name


def test_an_allowed_file_is_known_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "other").write_text("o")
    (tmp_path / "known").symlink_to(tmp_path / "token")
    for name, good in (("known", True), ("token", True), ("other", False)):
        said = config({**AT, "authorization": {"credentials_file": str(tmp_path / name)}})
        assert (refused(said, tmp_path / "repo", DAVY_SECRETS=str(tmp_path / "token")) == []) is good


@pytest.mark.parametrize("endpoint", ["https://s3.eu-west-1.amazonaws.com", None])
def test_an_archive_at_amazon_may_have_a_session_of_aws(endpoint: str | None) -> None:
    trust.demand_endpoint(config(AT, results={"archive": {"s3": {"bucket": "b", "endpoint": endpoint}}}), HELD)


def test_an_archive_elsewhere_gets_no_session_of_aws() -> None:
    said = config(AT, results={"archive": {"s3": {"bucket": "b", "endpoint": "http://evil.example"}}})
    with pytest.raises(Unusable, match="secrets of this machine") as raised:
        trust.demand_endpoint(said, HELD)
    assert str(raised.value.problems[0]) == "results.archive.s3.endpoint: would send $AWS_SESSION_TOKEN to evil.example"
    trust.demand_endpoint(said, HELD | {"DAVY_SECRETS": "AWS_SESSION_TOKEN"})
