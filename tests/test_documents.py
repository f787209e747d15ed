"""What the documents say is so: made parts are fresh, examples are good, links lead somewhere, names are there."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
import yaml

from davy.canary.platforms.kubernetes.permissions import JOB_RIGHTS, RIGHTS, WATCH_RIGHTS
from davy.pipeline.config.file import parsed
from davy.pipeline.config.json_schema import schema
from davy.pipeline.core.endings import Ending
from made.__main__ import MADE

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/*.md")])
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


ROOMS = ("pipeline", "canary", "checks", "workflows")
HOUSE = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", *sorted(ROOT.glob("docs/architecture/*.md"))]
"""Pages about the house itself: each name in them is a name in the code."""
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"\.?[\w-][\w.-]*(?:/[\w.-]+)+/?")
DOTTED = re.compile(r"\w+(?:\.\w+)+")
WORD = re.compile(r"[A-Za-z_]\w*")
CHOSEN = "NAME"
"""In a recipe, what is chosen by whoever follows it."""
TO_MAKE = ("pipeline/notifications", "pipeline/config/sections/notify.py", "workflows/wiring/notifications.py")
"""What a recipe tells to make under a name of its own."""
FILES = {"yaml", "lock", "json", "jsonl", "toml", "md", "xml", "txt"}
OUTSIDE = {"http.client", "dev.davy.key"}
"""Dotted names that are not davy's."""


@cache
def words() -> frozenset[str]:
    """Every word of the code, and of its files' names."""
    inside = {word for path in modules() if path != Path(__file__) for word in re.findall(r"\w+", path.read_text())}
    return frozenset(inside | {word for path in modules() for word in (path.stem, *path.parent.parts)})


@cache
def modules() -> tuple[Path, ...]:
    """Of the rooms and the tests."""
    return tuple(path for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py"))


@cache
def members(module: Path) -> Mapping[str, ast.AST]:
    """What a module or a package defines, by name."""
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    return dict(_defined(ast.parse(file.read_text())))


def _defined(body: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.AST]]:
    for node in body.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name, node
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name, node
            case ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name, node) for alias in names)


def is_in_code(name: str) -> bool:
    """A module, by its whole dotted name, or what it defines."""
    parts, place = name.removeprefix("davy.").split("."), ROOT
    while parts and ((place / parts[0]).is_dir() or (place / parts[0]).with_suffix(".py").is_file()):
        place /= parts.pop(0)
    if not parts:
        return place != ROOT
    node = members(place).get(parts.pop(0)) if place.relative_to(ROOT).parts[:1] else None
    while parts and isinstance(node, ast.ClassDef):
        node = dict(_defined(node)).get(parts.pop(0))
    return node is not None and not parts


def is_key(name: str) -> bool:
    """A key of davy.yaml, by its whole dotted name."""
    document, at = schema(), [schema()]
    for key in name.split("."):
        at = [found for one in at for node in _parts(document, one) if (found := node.get("properties", {}).get(key))]
    return bool(at)


def _parts(document: dict, node: dict) -> Iterator[dict]:
    """The node, what it refers to, what it is a list or a choice of."""
    yield node
    if "$ref" in node:
        yield from _parts(document, document["$defs"][node["$ref"].rpartition("/")[2]])
    for one in (*node.get("anyOf", ()), *node.get("allOf", ()), *([node["items"]] if "items" in node else ())):
        yield from _parts(document, one)


def is_path(path: str) -> bool:
    """A file or a folder from the top of the repository; of one that is yet to be named, the folder it lies in."""
    if any(path == made or path.startswith(f"{made}/") for made in TO_MAKE):
        return True
    before, chosen, _ = path.partition(CHOSEN)
    return (ROOT / (before.rpartition("/")[0] if chosen else path)).exists()


def is_there(quoted: str) -> bool:
    """False for a path or a name that looks like the house's and is none."""
    top, _, rest = quoted.partition("/")
    if PATH.fullmatch(quoted):
        own = (*ROOMS, "tests", "docs", "examples", "locks")
        return is_path(quoted) if top in own or rest.endswith(".py") else True
    if DOTTED.fullmatch(quoted):
        if CHOSEN in quoted or quoted in OUTSIDE or quoted.rpartition(".")[2] in FILES:
            return True
        if quoted.endswith(".py"):
            return any(path.name == quoted for path in modules())
        return is_in_code(quoted) or is_key(quoted)
    return not WORD.fullmatch(quoted) or CHOSEN in quoted or quoted in words()


def stale(text: str) -> list[str]:
    """What a page calls by a name that is none."""
    return [quoted for quoted in QUOTED.findall(FENCE.sub("", text)) if not is_there(quoted)]


@pytest.mark.parametrize("page", HOUSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_and_name_of_the_house_is_there(page: Path) -> None:
    assert stale(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_and_file_of_the_house_that_a_page_names_is_there(page: Path) -> None:
    """Outside of the house's own pages a name is checked where it can mean nothing else."""
    quoted = QUOTED.findall(FENCE.sub("", page.read_text()))
    rooms = [
        one for one in quoted if one.startswith(tuple(f"davy.{room}." for room in ROOMS)) and DOTTED.fullmatch(one)
    ]
    paths = [one for one in quoted if one.partition("/")[0] in (*ROOMS, "tests") and PATH.fullmatch(one)]
    assert [one for one in (*rooms, *paths) if not is_there(one)] == []


@pytest.mark.parametrize(
    "gone",
    [
        "adapters.clock",
        "statistics.Mixture",
        "checks.statistics.mixtures.Mixtures",
        "checks.judges.sequential.case.SequentialCase.nothing",
        "canary.steps.nothing",
        "canary/engine/sight.py",
        "tests/pipeline/test_kubesignin.py",
        "clients/http/wire.py",
        "checks/verdicts/NAME.py",
        "trxreading.py",
        "sessionledger" + "s",
    ],
)
def test_a_name_that_is_gone_is_found(gone: str) -> None:
    assert stale(f"It is in `{gone}`.") == [gone]


@pytest.mark.parametrize(
    "there",
    [
        "checks.statistics.mixtures.Mixture",
        "davy.pipeline.core.ports.Clock.elapsed",
        "checks.slos.objective",
        "checks/judges/NAME/rules.py",
        "davy.yaml",
    ],
)
def test_a_name_that_is_there_is_none(there: str) -> None:
    assert stale(f"It is in `{there}`.") == []


def pictured() -> dict[str, str]:
    """Folders in the picture of docs/architecture.md, with their lines."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    (picture,) = re.findall(r"## The folders\n\n```\n(.*?)```", page, re.DOTALL)
    found: dict[str, str] = {}
    above: list[str] = []
    for indent, name, line in re.findall(r"^( *)(\w+)/ +(.*)$", picture, re.MULTILINE):
        above[len(indent) // 2 :] = [name]
        found["/".join(above)] = line
    return found


def test_the_picture_has_every_folder_of_a_room_and_no_other() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in modules() if path.name == "__init__.py"}
    high = {folder for folder in folders if folder.count("/") < 2 and not folder.startswith("tests")}
    assert high <= set(pictured()) <= folders


def test_the_layers_of_the_page_are_the_contracts() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("## Layers")[2].partition("\n## ")[0]
    told = [one for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for one in QUOTED.findall(row)]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert sorted(told) == sorted(contract["id"] for contract in contracts)
