"""Which variables hold credentials, by their names alone."""

from davy.pipeline.core.secrets import credential_names
from davy.pipeline.core.secrets.credential_names import is_token


def test_what_is_looked_for_first_is_part_of_every_name_of_a_token() -> None:
    for name in credential_names.TOKENS.split("|"):
        assert any(part in name for part in credential_names.PARTS_OF_TOKENS), name


def test_tokens_are_known_by_whole_names() -> None:
    known = ("GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "CI_JOB_JWT_V2", "CI_REGISTRY_PASSWORD", "DOCKER_AUTH_CONFIG")
    assert [name for name in (*known, "MY_GH_TOKEN", "GH_TOKENS", "KEY", "PATH") if is_token(name)] == list(known)
