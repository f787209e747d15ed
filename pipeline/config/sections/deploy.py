"""`deploy` of davy.yaml."""

from davy.pipeline.config.parsing.fields import Name
from davy.pipeline.config.parsing.section import Section, part, setting


@part
class KubernetesConfig(Section):
    """Where the Deployment is."""

    namespace: Name = "default"
    deployment: Name
    context: str | None = setting(default=None, description="Context of the kubeconfig; the current one by default.")
    kubeconfig: str | None = setting(
        default=None, description="By default $KUBECONFIG, then ~/.kube/config, then in-cluster."
    )


@part
class DeployConfig(Section):
    """What is released to."""

    kubernetes: KubernetesConfig
