"""Options: what the command lines of `davy image` say."""

from dataclasses import field
from pathlib import Path

from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.story.options import part


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """The image meant, the configuration, and how the result is printed."""

    reference: str
    file: Path
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions(ImageOptions):
    """The same, of a command that writes to the registry."""

    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions:
    """How cosign signs; None and empty: as the configuration says."""

    key: str | None
    no_log: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions(KeyOptions):
    """Whose signature counts, too."""

    public_key: str | None
    identity: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """Of `davy image show`."""

    image: ImageOptions = field(metadata=part(ImageOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """Of `davy image verify`."""

    image: ImageOptions = field(metadata=part(ImageOptions))
    trust: TrustOptions = field(metadata=part(TrustOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """What is held against an image, over the configuration's `build.scan`."""

    severity: str | None = None
    fixable_only: bool = False
    ignore: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """Of `davy image scan`."""

    image: ImageOptions = field(metadata=part(ImageOptions))
    reports: tuple[Path, ...]
    gate: GateOptions = field(metadata=part(GateOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteOptions:
    """Of `davy image promote`."""

    image: WriteOptions = field(metadata=part(WriteOptions))
    tags: tuple[str, ...]
    require: tuple[str, ...]
    trust: TrustOptions = field(metadata=part(TrustOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions:
    """Of `davy image copy`."""

    image: WriteOptions = field(metadata=part(WriteOptions))
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachOptions:
    """Of `davy image attach`."""

    image: WriteOptions = field(metadata=part(WriteOptions))
    path: Path
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOptions:
    """Of `davy image sign`."""

    image: WriteOptions = field(metadata=part(WriteOptions))
    key: KeyOptions = field(metadata=part(KeyOptions))
