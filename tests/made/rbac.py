"""The Role to grant, out of the table that the code asks the API server by."""

import yaml

from davy.canary.platforms.kubernetes.permissions import role

NAMESPACE, ACCOUNT = "shop", "davy"
HEAD = """\
# What davy needs in the namespace of the Deployment, and nothing else. Made from the code: `./dev -s documents`.
# Write your namespace for "shop". Without suites `in: kubernetes`, leave the rule for batch/jobs out.
"""


def text() -> str:
    """docs/rbac.yaml."""
    named = {"name": ACCOUNT, "namespace": NAMESPACE}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": dict(named)}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": dict(named),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", **named}],
    }
    documents = [account, role(ACCOUNT, NAMESPACE), binding]
    return HEAD + "---\n".join(yaml.safe_dump(one, sort_keys=False, default_flow_style=None) for one in documents)
