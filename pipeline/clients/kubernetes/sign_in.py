"""Sign in: exec plugins, run as kubectl runs them, with a time limit and their own words when they fail.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import base64
import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from davy.pipeline.clients import process
from davy.pipeline.clients.kubernetes.access import Access, Doc, text_of
from davy.pipeline.clients.kubernetes.kubeconfig_file import KubeconfigEntry
from davy.pipeline.core.errors import Forbidden, Missing, Unreachable, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.excerpt import excerpt
from davy.pipeline.core.text.sanitize import washed

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
KEYS = ("apiVersion", "command", "args", "env", "installHint", "provideClusterInfo", "interactiveMode")
MODES = ("Never", "IfAvailable", "Always")
UNATTENDED = timedelta(seconds=30)
"""A plugin that asks its cloud answers within seconds; meanwhile nothing else is done."""
ATTENDED = timedelta(minutes=5)
"""A person finds a browser and a second factor."""
EARLY = timedelta(seconds=10)
"""A credential that ends sooner is as good as over."""
LAST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A program that signs in."""

    context: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    version: str = VERSIONS[0]
    hint: str = ""
    wants_cluster: bool = False
    mode: str = "IfAvailable"

    def __str__(self) -> str:
        return f"`{Path(self.command).name}` (the sign-in plugin of context {self.context})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a plugin gave."""

    token: str | None = field(default=None, repr=False)
    certificate: str | None = None
    """PEM."""
    key: str | None = field(default=None, repr=False)
    expires: datetime | None = None


def plugin_of(user: KubeconfigEntry, context: str) -> Plugin | None:
    """The plugin of a kubeconfig's user; None where it has none. What is wrong with it is noted at the entry."""
    if "exec" not in user:
        return None
    said = user.within("exec")
    said.only(KEYS, "a plugin that is run otherwise may make you somebody else")
    command, version = said.text("command") or "", said.text("apiVersion") or ""
    if not command:
        said.refuse("command", "is not there")
    if version not in VERSIONS:
        said.refuse("apiVersion", f"must be {' or '.join(VERSIONS)}, not {version!r}")
    mode = said.text("interactiveMode") or "IfAvailable"
    if mode not in MODES:
        said.refuse("interactiveMode", f"must be {', '.join(MODES)}, not {mode!r}")
    return Plugin(
        context=context,
        # As kubectl has it: with a slash it is meant from the kubeconfig's folder, without one it is in PATH.
        command=str(said.folder / command) if "/" in command else command,
        args=said.texts("args"),
        env=tuple((one.text("name") or "", one.text("value") or "") for one in said.each("env")),
        version=version,
        hint=(said.text("installHint") or "").strip(),
        wants_cluster=said.flag("provideClusterInfo"),
        mode=mode,
    )


def cluster_of(access: Access, cluster: KubeconfigEntry) -> Doc:
    """What a plugin with `provideClusterInfo` is told. Raises Unusable where the authority cannot be read."""
    authority = access.ca_data or (text_of(Path(access.ca_file), "certificate authority") if access.ca_file else "")
    told: Doc = {
        "server": access.server,
        "tls-server-name": access.server_name,
        "insecure-skip-tls-verify": access.insecure or None,
        "certificate-authority-data": base64.b64encode(authority.encode()).decode() or None,
        "proxy-url": cluster.raw("proxy-url"),
        "config": next(
            (one.raw("extension") for one in cluster.each("extensions") if one.raw("name") == f"{GROUP}/exec"), None
        ),
    }
    return {key: value for key, value in told.items() if value is not None}


_KEPT: dict[object, Credential] = {}
"""By plugin and cluster: every part of a command that asks the cluster would sign in once more."""
_TURN = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A plugin, and what it is run with. It gets the environment as kubectl gives it: clouds are configured there."""

    plugin: Plugin
    cluster: Doc
    environ: Mapping[str, str]

    def credential(self, *, fresh: bool) -> Credential:
        """A kept one while it lasts; `fresh`: it was refused. Raises Unusable, Forbidden, Unreachable."""
        known = (self.plugin, json.dumps(self.cluster, sort_keys=True, default=str))
        with _TURN:
            held = _KEPT.get(known)
            if held is None or fresh or (held.expires is not None and held.expires - EARLY <= datetime.now(UTC)):
                held = _KEPT[known] = self._asked()
        return held

    def _asked(self) -> Credential:
        plugin = self.plugin
        attended = plugin.mode != "Never" and sys.stdin.isatty() and sys.stderr.isatty()
        if plugin.mode == "Always" and not attended:
            raise Unusable(
                f"{plugin} wants a person at a terminal, and here is none.",
                remedy="Use credentials that need nobody: a plugin with interactiveMode Never, or a service account.",
            )
        ended = self._run(attended=attended)
        if ended.exit_code is None:
            limit = ATTENDED if attended else UNATTENDED
            raise Unreachable(
                f"{plugin} did not end within {limit.total_seconds():.0f} s.{_words(ended.err)}", remedy=_remedy(plugin)
            )
        if ended.exit_code:
            raise Forbidden(
                f"{plugin} failed with exit code {ended.exit_code}.{_words(ended.err)}", remedy=_remedy(plugin)
            )
        return credential_of(ended.out, plugin)

    def _run(self, *, attended: bool) -> process.ProcessEnd:
        spec = {"interactive": attended, **({"cluster": self.cluster} if self.plugin.wants_cluster else {})}
        info = json.dumps({"apiVersion": self.plugin.version, "kind": "ExecCredential", "spec": spec})
        environment = {**self.environ, **dict(self.plugin.env), "KUBERNETES_EXEC_INFO": info}
        words = [self.plugin.command, *self.plugin.args]
        try:
            if attended:
                return process.attended(words, timeout=ATTENDED, environment=environment)
            return process.run(words, timeout=UNATTENDED, environment=environment)
        except (Missing, ValueError) as error:
            hint = f" {excerpt(' '.join(self.plugin.hint.split()), 400)}" if self.plugin.hint else ""
            raise Unusable(
                f"{self.plugin} is not installed, or cannot be started.{hint}",
                remedy=f"Install {self.plugin.command!r}, put it into PATH, or choose another context with --context.",
            ) from error


def credential_of(text: str, plugin: Plugin) -> Credential:
    """The credential in a plugin's answer. Raises Unusable."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
        raise _odd(plugin, "no ExecCredential")
    if answer.get("apiVersion") != plugin.version:
        raise _odd(plugin, f"version {str(answer.get('apiVersion'))[:80]!r}, where {plugin.version} is configured")
    status = answer.get("status")
    if not isinstance(status, dict):
        raise _odd(plugin, "no status")
    token, certificate, key = (status.get(name) or None for name in ("token", "clientCertificateData", "clientKeyData"))
    if any(one is not None and not isinstance(one, str) for one in (token, certificate, key)):
        raise _odd(plugin, "credentials that are no texts")
    if (certificate is None) != (key is None) or (token is None and certificate is None):
        raise _odd(plugin, "neither a token, nor a certificate with its key")
    return Credential(token=token, certificate=certificate, key=key, expires=_end(status, plugin))


def _end(status: Doc, plugin: Plugin) -> datetime | None:
    said = status.get("expirationTimestamp")
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(str(said))
    except ValueError:
        raise _odd(plugin, f"an expirationTimestamp that is no time: {str(said)[:60]!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _odd(plugin: Plugin, what: str) -> Unusable:
    return Unusable(f"{plugin} answered with {what}.", remedy=_remedy(plugin))


def _words(err: str) -> str:
    """Its own last words: what it says is nobody's order, and no secret of ours."""
    lines = [excerpt(washed(line).strip(), 300) for line in err.splitlines() if line.strip()]
    return f" It said: {' / '.join(lines[-LAST_LINES:])}" if lines else ""


def _remedy(plugin: Plugin) -> str:
    return f"Sign in by hand, then `kubectl auth whoami --context {plugin.context}`: it runs the same plugin."
