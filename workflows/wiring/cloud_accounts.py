"""Cloud accounts: a suite's account on a cloud, from the configuration, the environment, and Sauce Labs' own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.files import plain_file
from davy.pipeline.suites.clouds.vendors import ACCOUNTS, SAUCE_REGIONS, TITLES, Addresses, Cloud, Vendor, addresses
from davy.workflows.wiring import secret_values

if TYPE_CHECKING:
    from davy.pipeline.config.sections.suites import SuiteConfig
    from davy.pipeline.suites.clouds.terms import Terms

DEFAULT_REGION = "us-west-1"
CREDENTIALS, REGIONS = Path(".sauce/credentials.yml"), Path(".sauce/regions.yml")
"""In the home folder; the files of saucectl."""


def cloud_of(suite: "SuiteConfig", environment: Mapping[str, str], home: Path, region: str = "") -> Cloud:
    """Where the suite's browsers are, and who pays. `region`: where the suite names none. Raises Unusable."""
    vendor, said = Vendor(suite.in_), suite.cloud
    place = (said.region if said else None) or region or (DEFAULT_REGION if vendor is Vendor.SAUCE else "")
    at, own = _addresses(suite, vendor, place, home)
    user, key = _account(suite, vendor, environment, home)
    user, key = user or own[0], key or own[1]
    if vendor is not Vendor.GRID and not (user and key):
        names = ACCOUNTS[vendor]
        missing = " and ".join(name for name, value in zip(("user", "key"), (user, key), strict=True) if not value)
        problem = Problem(path=f"tests.{suite.name}.cloud", what=f"has no {missing} for {TITLES[vendor]}")
        files = f", or write ~/{CREDENTIALS}" if vendor is Vendor.SAUCE else ""
        remedy = f"Set {names[0]} and {names[1]} in the environment{files}."
        raise Unusable("An account is missing.", problems=(problem,), remedy=remedy)
    return Cloud(vendor=vendor, at=at, region=place, user=user, key=key)


def terms_of(suite: "SuiteConfig", service: str, release: str) -> "Terms":
    """What its sessions are called, and how many may be at once."""
    from davy.pipeline.suites.clouds.capabilities import VIRTUAL  # noqa: PLC0415 - only a cloud needs them
    from davy.pipeline.suites.clouds.terms import Terms  # noqa: PLC0415

    devices = suite.matrix.get("device", ())
    virtual = any(word in device.lower() for device in devices for word in VIRTUAL)
    real = None if suite.config else bool(devices) and not virtual
    said = suite.cloud
    if said is None:
        return Terms(service=service, release=release, real=real)
    return Terms(
        service=service,
        release=release,
        build=said.build or "",
        tags=said.tags,
        tunnel=said.tunnel or "",
        tunnel_owner=said.tunnel_owner or "",
        app=said.app or "",
        concurrency=said.concurrency or 0,
        options=dict(said.capabilities),
        assets=said.assets,
        real=real,
    )


def hidden(environment: Mapping[str, str], key: str) -> dict[str, str]:
    """The environment without any cloud's account, and without the key under whatever name: tests need none."""
    names = {name for pair in ACCOUNTS.values() for name in pair}
    return {name: value for name, value in environment.items() if name not in names and (not key or value != key)}


def _addresses(suite: "SuiteConfig", vendor: Vendor, region: str, home: Path) -> tuple[Addresses, tuple[str, str]]:
    """Where it is; and the account, where a region of the user's own brings one."""
    hub, api = (suite.cloud.hub or "", suite.cloud.api or "") if suite.cloud else ("", "")
    path = f"tests.{suite.name}.cloud.region"
    if vendor is Vendor.GRID and not hub:
        problem = Problem(path=f"tests.{suite.name}.cloud.hub", what="is needed: the URL of the WebDriver endpoint")
        raise Unusable("A Grid has no address.", problems=(problem,), remedy="Write it like http://grid:4444/wd/hub.")
    if vendor is not Vendor.SAUCE or region in SAUCE_REGIONS:
        return addresses(vendor, region, hub=hub, api=api), ("", "")
    own = _regions(home)
    if region not in own:
        known = ", ".join((*SAUCE_REGIONS, *sorted(own)))
        problem = Problem(path=path, what=f"{region!r} is no region of Sauce Labs; there are: {known}")
        raise Unusable("A region is not known.", problems=(problem,))
    found = own[region]
    driver = str(found.get("webdriverBaseURL") or "").rstrip("/")
    at = Addresses(
        hub=(hub or f"{driver}/wd/hub").rstrip("/"),
        api=(api or str(found.get("apiBaseURL") or "")).rstrip("/"),
        pages=str(found.get("appBaseURL") or "").rstrip("/"),
    )
    account = found.get("credentials")
    return at, _account_in(account) if isinstance(account, dict) else ("", "")


def _account(suite: "SuiteConfig", vendor: Vendor, environment: Mapping[str, str], home: Path) -> tuple[str, str]:
    said, path = suite.cloud, f"tests.{suite.name}.cloud"
    user = secret_values.secret(said.user, f"{path}.user", environment) if said and said.user else ""
    key = secret_values.secret(said.key, f"{path}.key", environment) if said and said.key else ""
    names = ACCOUNTS[vendor]
    user, key = user or environment.get(names[0], ""), key or environment.get(names[1], "")
    if vendor is Vendor.SAUCE and not (user and key):
        tree = _tree(home / CREDENTIALS)
        own = _account_in(tree) if isinstance(tree, dict) else ("", "")
        return user or own[0], key or own[1]
    return user, key


def _account_in(tree: Mapping[str, object]) -> tuple[str, str]:
    return str(tree.get("username") or ""), str(tree.get("accessKey") or "")


def _regions(home: Path) -> dict[str, dict[str, object]]:
    tree = _tree(home / REGIONS)
    rows = tree if isinstance(tree, list) else []
    return {str(row.get("name")): row for row in rows if isinstance(row, dict) and row.get("name")}


def _tree(path: Path) -> object:
    """The YAML's value; None where it is not there. Raises Unusable; its text is not shown, for it holds a key."""
    import yaml  # noqa: PLC0415 - 20 ms, and few have such a file

    try:
        return yaml.safe_load(plain_file.text(path, 2**20))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = Problem(what="is no YAML text that can be read", file=str(path), line=line)
        raise Unusable("A file of Sauce Labs cannot be read.", problems=(problem,)) from error
