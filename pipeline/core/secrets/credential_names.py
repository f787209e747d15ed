"""Credential names: the variables by which machines hand credentials over, known by their names alone."""

import re

TOKENS = (
    r"GH_TOKEN|GH_ENTERPRISE_TOKEN|GITHUB_(?:ENTERPRISE_)?TOKEN|ACTIONS_\w*TOKEN"  # GitHub
    r"|CI_JOB_TOKEN|CI_JOB_JWT\w*|CI_BUILD_TOKEN|CI_REPOSITORY_URL|CI_\w+_PASSWORD|GITLAB_TOKEN"  # GitLab
    r"|SYSTEM_ACCESSTOKEN|BUILDKITE_AGENT_ACCESS_TOKEN|CIRCLE_OIDC_TOKEN\w*|BITBUCKET_STEP_OIDC_TOKEN"
    r"|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_SECURITY_TOKEN|GOOGLE_CREDENTIALS|AZURE_CLIENT_SECRET"
    r"|AZURE_CREDENTIALS|ARM_CLIENT_SECRET|VAULT_TOKEN"
    r"|COSIGN_PASSWORD|COSIGN_PRIVATE_KEY|SIGSTORE_ID_TOKEN"
    r"|DOCKER_AUTH_CONFIG|DOCKER_PASSWORD|NPM_TOKEN|NODE_AUTH_TOKEN|TWINE_PASSWORD|CARGO_REGISTRY_TOKEN"
    r"|SAUCE_ACCESS_KEY|BROWSERSTACK_ACCESS_KEY|LT_ACCESS_KEY"
)
"""Their values are credentials themselves: masked wherever davy speaks, and no suite's business."""
PARTS_OF_TOKENS = (
    "TOKEN",
    "JWT",
    "PASSWORD",
    "KEY",
    "SECRET",
    "CREDENTIALS",
    "CI_REPOSITORY_URL",
    "DOCKER_AUTH_CONFIG",
)
"""One of these is in each of them, so most environments need no expression made."""
# These are made when they are first asked for: most commands never do.
POINTERS = (
    r"KUBECONFIG|COSIGN_\w+|AWS_ACCESS_KEY_ID|AWS_WEB_IDENTITY_TOKEN_FILE|AWS_CONTAINER_\w+"
    r"|GOOGLE_APPLICATION_CREDENTIALS|AZURE_FEDERATED_TOKEN_FILE|REGISTRY_AUTH_FILE|ACTIONS_ID_TOKEN_REQUEST_URL"
)
"""They lead to credentials: no suite's business either, but nothing to hide."""
REGISTRIES = (
    r"AWS_\w+|GOOGLE_\w+|AZURE_\w+|ARM_\w+|DOCKER_\w+|REGISTRY_AUTH_FILE|CI_REGISTRY_PASSWORD|CI_JOB_TOKEN"
    r"|ACTIONS_RUNTIME_TOKEN"
)
"""What helpers of Docker sign in to registries with, and what opens GitHub's cache of layers."""
SPEAKING = r"TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|PRIVATE_?KEY|ACCESS_?KEY|API_?KEY|_AUTH(?:_|$)"
"""What people call the variables that they keep credentials in."""


def is_token(name: str) -> bool:
    """True where the value is a credential, whatever the configuration says of it."""
    return any(part in name for part in PARTS_OF_TOKENS) and re.fullmatch(TOKENS, name) is not None


def is_withheld(name: str) -> bool:
    """True where a suite that did not ask for it does not get it."""
    return is_token(name) or re.fullmatch(POINTERS, name) is not None


def opens_registries(name: str) -> bool:
    """True where builders and scanners may need it to pull and push."""
    return re.fullmatch(REGISTRIES, name) is not None


def speaks_of_a_secret(name: str) -> bool:
    """True where its name says that it is one, or it is known as one."""
    return is_token(name) or re.search(SPEAKING, name.upper()) is not None
