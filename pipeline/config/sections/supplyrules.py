"""Supply rules: what no single key of `build.scan` and `build.sign` can break alone."""

import re
from collections.abc import Iterator

from davy.pipeline.config.sections.build import BuildConfig, ScanConfig, SignConfig
from davy.pipeline.config.parsing.yaml_tree import Place

Finding = tuple[Place, str]


def of_build(said: BuildConfig) -> Iterator[Finding]:
    """Every rule that is broken, with its place in the file."""
    if said.scan is not None:
        yield from _scan(said.scan)
    if said.sign is not None:
        yield from _sign(said.sign)
    if said.sbom_scanner is not None and not said.sbom:
        yield ("build", "sbom_scanner"), "makes an SBOM, and none is wanted; write `sbom: true`, too"
    if said.sbom_scanner is not None and not re.fullmatch(r"[^\s,=]+", said.sbom_scanner):
        yield ("build", "sbom_scanner"), f"{said.sbom_scanner!r} names no image"
    for index, host in enumerate(said.plain_http):
        if "/" in host:
            yield ("build", "plain_http", index), "is a registry's host and port, like registry.local:5000"


def _scan(said: ScanConfig) -> Iterator[Finding]:
    if not said.run and not said.reports:
        yield ("build", "scan"), "needs `run` or `reports`: without a scanner nothing is known, and that is no pass"


def _sign(said: SignConfig) -> Iterator[Finding]:
    place = ("build", "sign")
    if said.public_key and not said.key:
        yield (*place, "public_key"), "belongs to a `key`, which is not said; env://NAME needs no file in the job"
    if not said.key and not (said.identity and said.issuer):
        what = "without a `key` needs `identity` and `issuer`: anybody can sign keyless, so say whose signature counts"
        yield place, what
    if said.key and (said.identity or said.issuer):
        yield place, "has a `key`, and `identity` or `issuer`, which are for signatures without one"
