"""Document: what `davy.yaml` may say, as frozen values. Reading the text is `davy.pipeline.config.file`'s."""

from davy.pipeline.config.parsing.fields import Name
from davy.pipeline.config.parsing.section import Section, part, setting
from davy.pipeline.config.sections.build import BuildConfig
from davy.pipeline.config.sections.canary import CanaryConfig
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.deploy import DeployConfig
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.suites import ResultsConfig, SuiteConfig


@part
class DeliveryConfig(Section):
    """What `davy build` and `davy test` read: images and suites; cluster and checks only where they are said."""

    service: Name
    images: tuple[ImageConfig, ...] = ()
    build: BuildConfig = BuildConfig()
    tests: tuple[SuiteConfig, ...] = ()
    results: ResultsConfig = ResultsConfig()
    deploy: DeployConfig | None = None
    canary: CanaryConfig = CanaryConfig()
    checks: ChecksConfig | None = None


@part
class Config(DeliveryConfig):
    """The whole file."""

    images: tuple[ImageConfig, ...] = setting(min_length=1)
    deploy: DeployConfig
    checks: ChecksConfig
