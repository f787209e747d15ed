"""What the documents say is so: made parts are fresh, examples are good, links lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from davy.canary.platforms.kubernetes.permissions import JOB_RIGHTS, RIGHTS, WATCH_RIGHTS
from davy.pipeline.config.file import parsed
from davy.pipeline.core.endings import Ending
from made.__main__ import MADE

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_fresh(path: Path) -> None:
    assert path.read_text() == MADE[path](), "renew it: ./dev -s documents"


def anchors(page: Path) -> set[str]:
    """As GitHub names them."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in filter(None, (one for found in LINK.findall(FENCE.sub("", page.read_text())) for one in found)):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        there = page.parent / name if name else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(link)
    assert dead == []


def test_the_reference_has_an_example_that_says_every_key_there_is() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    (example,) = re.findall(r"```yaml\n(service:.*?)```", page, re.DOTALL)
    parsed(example, "davy.yaml", {})
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    said = set(re.findall(r"(\w+):", example))
    kayenta = {"kayenta", "config", "location", "variables", "pass", "marginal", "lifetime", "step"}
    usual = {"kubeconfig", "successes", "error_limit", "burn_weight", "max", "lookback", "identity", "issuer"}
    assert told - said == usual | kayenta


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_configuration_shown_is_one(page: Path) -> None:
    for shown in re.findall(r"```yaml\n(service:.*?)```", page.read_text(), re.DOTALL):
        parsed(shown, "davy.yaml", {})


def test_the_role_grants_every_right_and_nothing_else() -> None:
    (role,) = (one for one in yaml.safe_load_all((ROOT / "docs/rbac.yaml").read_text()) if one["kind"] == "Role")
    granted = {
        (verb, resource, group)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == {(right.verb, right.resource, right.group) for right in RIGHTS + WATCH_RIGHTS + JOB_RIGHTS}


def test_every_ending_has_its_row_in_the_table_of_exit_codes() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    assert [int(code) for code in re.findall(r"^\| (\d+) \| `", page, re.MULTILINE)] == [int(one) for one in Ending]


@pytest.mark.parametrize("path", [*PAGES, *sorted(ROOT.glob("examples/*/*.yaml"))], ids=lambda path: path.name)
def test_no_example_breaks_where_a_folder_has_a_space(path: Path) -> None:
    """The report's path holds the folder of `--out`; a shell takes it apart at a space where it stands unquoted."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.search(r"=\$JUNIT\b", line)] == []
