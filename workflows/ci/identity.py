"""Identity: who runs this, as other people can find them."""

from collections.abc import Mapping


def runner(environment: Mapping[str, str], user: str, host: str, pid: int) -> str:
    """$DAVY_RUNNER, else the CI job's link, else `user@host:pid`: the name on the lock."""
    return _named(environment) or f"{user}@{host}:{pid}"


def person(environment: Mapping[str, str], user: str, host: str) -> str:
    """$DAVY_RUNNER, else the CI job's link, else `user@host`: the name under a word."""
    return _named(environment) or f"{user}@{host}"


def _named(environment: Mapping[str, str]) -> str:
    github = (
        environment.get("GITHUB_SERVER_URL"),
        environment.get("GITHUB_REPOSITORY"),
        environment.get("GITHUB_RUN_ID"),
    )
    return (
        environment.get("DAVY_RUNNER")
        or (f"{github[0]}/{github[1]}/actions/runs/{github[2]}" if all(github) else "")
        or environment.get("CI_JOB_URL")  # GitLab
        or environment.get("BUILD_URL")  # Jenkins
        or environment.get("BUILDKITE_BUILD_URL")
        or environment.get("CIRCLE_BUILD_URL")
        or ""
    )


def branch(environment: Mapping[str, str]) -> str:
    """The branch that a CI job works for: it checks out a commit, and git then knows none. Empty outside of one."""
    return (
        environment.get("GITHUB_HEAD_REF")  # Of a pull request.
        or (environment.get("GITHUB_REF_NAME", "") if environment.get("GITHUB_REF_TYPE") != "tag" else "")
        or environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")  # GitLab
        or environment.get("CI_COMMIT_BRANCH")
        or environment.get("BRANCH_NAME")  # Jenkins
        or environment.get("BUILDKITE_BRANCH")
        or environment.get("CIRCLE_BRANCH")
        or ""
    )
