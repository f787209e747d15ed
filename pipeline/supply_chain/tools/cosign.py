"""Cosign: images signed and verified by the `cosign` command, of version 2 or 3."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from davy.pipeline.clients import process
from davy.pipeline.config.sections.build import SignConfig
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing, Problem, Rejected, Unusable
from davy.pipeline.core.text.sanitize import washed

LIMIT = timedelta(minutes=3)
NO_LOG = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
"""What `cosign signing-config create` writes without any service: https://github.com/sigstore/cosign/pull/4458"""
SECRETS = ("COSIGN_PASSWORD", "COSIGN_PRIVATE_KEY")
NOISE = ("WARNING:", "Flag --", "error during command execution", "main.go")


class Cosign:
    """Signs with a key file, `env://NAME`, a KMS, or keyless; as the configuration says."""

    def __init__(self, said: SignConfig, environment: Mapping[str, str], folder: Path = Path()) -> None:
        """`folder`: what key files are relative to."""
        self._said, self._environment, self._folder = said, environment, folder

    def sign(self, image: Image) -> None:
        """Raises Missing without cosign, Rejected with its words where it fails."""
        with tempfile.TemporaryDirectory(prefix="davy-cosign-") as place:
            words = ["cosign", "sign", "--yes", *self._key(self._said.key), *self._unlogged(Path(place))]
            ended = self._run([*words, image.reference])
        if ended.exit_code != 0:
            raise Rejected(
                f"{image.reference} was not signed: {self._words(ended)}",
                remedy="`cosign sign` by hand says more; $COSIGN_PASSWORD opens a key file.",
            )

    def verify(self, image: Image) -> str:
        """Empty: it is signed as it should be; otherwise why not."""
        with tempfile.TemporaryDirectory(prefix="davy-cosign-") as place:
            words = ["cosign", "verify", *self._trust(Path(place))]
            # Without the log there is no time by which a certificate could be told to have been valid.
            words += [] if self._said.log else ["--insecure-ignore-tlog=true"]
            ended = self._run([*words, image.reference])
        return "" if ended.exit_code == 0 else self._words(ended)

    def _trust(self, place: Path) -> list[str]:
        """Whose signature counts. Raises Unusable where nobody said."""
        said = self._said
        if said.public_key:
            return self._key(said.public_key)
        if said.key and "://" in said.key and not said.key.startswith("env://"):
            return self._key(said.key)
        if said.key:
            return ["--key", str(self._public(place))]
        if not (said.identity and said.issuer):
            what = "needs `identity` and `issuer` to verify what is signed without a key: anybody can sign so"
            raise Unusable(
                "Nobody said whose signature counts.",
                problems=(Problem(what=what, path="build.sign"),),
                remedy="Say both, or a public key; an identity is a regular expression like ^https://github.com/shop/.",
            )
        return ["--certificate-identity-regexp", said.identity, "--certificate-oidc-issuer", said.issuer]

    def _public(self, place: Path) -> Path:
        made = place / "cosign.pub"
        ended = self._run(["cosign", "public-key", *self._key(self._said.key), "--outfile", str(made)])
        if ended.exit_code != 0:
            raise Unusable(
                f"The key does not give its public half: {self._words(ended)}",
                remedy="Name the public key in build.sign.public_key.",
            )
        return made

    def _key(self, key: str | None) -> list[str]:
        if not key:
            return []
        named = key if "://" in key else str(self._folder / key)
        return ["--key", named]

    def _unlogged(self, place: Path) -> list[str]:
        """The words that keep a signature out of the log; versions 2 and 3 differ in them."""
        if self._said.log:
            return []
        if not self._takes_a_signing_config():
            return ["--tlog-upload=false"]
        written = place / "signing-config.json"
        written.write_text(json.dumps(NO_LOG), encoding="utf-8")
        return ["--signing-config", str(written)]

    def _takes_a_signing_config(self) -> bool:
        """True from version 3 on, where it is used by default; 2.6 knows the option, and an old bundle does not."""
        helped = self._run(["cosign", "sign", "--help"])
        return "--use-signing-config=true" in helped.out + helped.err

    def _run(self, words: Sequence[str]) -> process.ProcessEnd:
        try:
            return process.run(words, timeout=LIMIT, environment=self._environment)
        except Missing as error:
            raise Missing(
                "cosign is not there, and signatures are asked for.",
                remedy="Install cosign 2 or 3 and put it into PATH, or take `build.sign` out.",
            ) from error

    def _words(self, ended: process.ProcessEnd) -> str:
        """What it said went wrong, in one line, with no secret in it."""
        if ended.exit_code is None:
            return f"cosign was stopped after {LIMIT.seconds // 60} minutes"
        lines = [line.strip() for line in f"{ended.out}\n{ended.err}".splitlines() if line.strip()]
        telling = [line for line in lines if not line.startswith(NOISE)] or lines or [f"exit code {ended.exit_code}"]
        wrong = [line for line in telling if line.startswith("Error")] or telling[-1:]
        secrets = [self._environment.get(name, "") for name in SECRETS]
        return washed(wrong[0].removeprefix("Error:").strip(), secrets)[:500]
