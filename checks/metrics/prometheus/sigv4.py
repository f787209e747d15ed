"""Amazon's signature, by botocore."""

from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from davy.checks.metrics.prometheus.credentials import PATH
from davy.pipeline.config.sections.servers import SigV4Config
from davy.pipeline.core.errors import Problem, Unusable

if TYPE_CHECKING:
    from botocore.credentials import Credentials

SIGNED = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")
REMEDY = "Install davy with its extra: davy[aws]."


class Signature(AuthBase):
    """Signs each request anew; credentials that run out are renewed by botocore."""

    def __init__(self, credentials: "Credentials", service: str, region: str) -> None:
        self._credentials = credentials
        self._service = service
        self._region = region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its signature."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - here by now
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        # A space in the query must be %20: Amazon reads `+` as itself.
        request.url = (request.url or "").replace("+", "%20")
        twin = AWSRequest(method=request.method, url=request.url, data=request.body, headers=kept)
        SigV4Auth(self._credentials.get_frozen_credentials(), self._service, self._region).add_auth(twin)
        request.headers.update({name: twin.headers[name] for name in SIGNED if name in twin.headers})
        return request


def signature(said: SigV4Config) -> Signature:
    """How requests are signed. Raises Unusable where botocore, the region or the credentials are not there."""
    try:
        import botocore.session  # noqa: PLC0415 - heavy, and an extra
    except ImportError as error:
        problem = Problem(path=f"{PATH}.sigv4", what="needs the package botocore, which is not here")
        raise Unusable("Amazon's signature cannot be made.", problems=(problem,), remedy=REMEDY) from error
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        session = botocore.session.Session(profile=said.profile)
        region = said.region or session.get_config_variable("region")
        credentials = _credentials(session, said)
    except BotoCoreError as error:
        raise _unusable("profile" if said.profile else "", str(error)) from error
    if not region:
        raise _unusable("region", "is not said, neither here nor in AWS' own settings")
    if credentials is None:
        raise _unusable("", "AWS' own chain of credentials holds none")
    return Signature(credentials, said.service, region)


def _credentials(session: Any, said: SigV4Config) -> Any:
    if said.access_key is not None:
        session.set_credentials(said.access_key, said.secret_key)
    own = session.get_credentials()
    if said.role_arn is None or own is None:
        return own
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials  # noqa: PLC0415

    region = said.region or session.get_config_variable("region")
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda name, **more: session.create_client(name, **{"region_name": region, **more}),
        source_credentials=own,
        role_arn=said.role_arn,
    )
    return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")


def _unusable(key: str, what: str) -> Unusable:
    problem = Problem(path=".".join(filter(None, (PATH, "sigv4", key))), what=what)
    return Unusable("Amazon's signature cannot be made.", problems=(problem,), remedy="Correct it, or AWS' settings.")
