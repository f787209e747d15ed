"""The driver that builds images: only what is not there, in the graph's order, and every failure told."""

import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from davy.pipeline.builds.builder_choice import chosen
from davy.pipeline.builds.content import base_images, resolve
from davy.pipeline.builds.content.key import blob
from davy.pipeline.builds.content.key import tag as key_tag
from davy.pipeline.builds.ports import BuildOrder, Built
from davy.pipeline.builds.record import KEY, KIND, Remembered, record_of
from davy.pipeline.builds.worker import Approve
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Conflict, Forbidden, Problem, Rejected, Unreachable, Unusable
from davy.pipeline.core.events import (
    BuildFailed,
    BuildStarted,
    Event,
    ImageBuilt,
    LogLine,
    Result,
    StageFinished,
    Warned,
)
from davy.pipeline.core.images.oci import BASE_DIGEST, BASE_NAME
from davy.pipeline.core.ports import Say
from davy.pipeline.registry.ports import Attachment
from davy.pipeline.source.git.work_tree import GitWorkTree
from twins.builds import MemoryBuilder
from twins.registry import MemoryImages
from yard import REVISION, SHOP, Ticking, Yard, another

ALL = {"base", "web", "job", "tool"}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_everything_is_built_once_and_what_others_are_built_from_comes_first(yard: Yard) -> None:
    run = yard.build()
    order = [event.label for event in run.of(ImageBuilt)]
    assert set(order) == ALL
    assert order.index("base") < min(order.index("web"), order.index("job"))
    assert {event.source for event in run.of(LogLine)} == {f"build {name}" for name in ALL}
    (end,) = run.of(StageFinished)
    assert (end.result, end.note) == (Result.PASSED, "4 images: 4 built, 0 reused")
    assert len(run.built) == 4


def test_the_second_time_nothing_is_built(yard: Yard) -> None:
    first, second = yard.build(), yard.build()
    assert (second.made, second.reused) == (set(), ALL)
    assert [one.image for one in second.built] == [one.image for one in first.built]
    assert len(yard.builder.registry) == 4


def test_a_machine_that_knows_nothing_builds_nothing_either(yard: Yard) -> None:
    yard.build()
    yard.elsewhere()
    yard.revision = another(yard.revision)
    assert yard.build().reused == ALL


@pytest.mark.parametrize(
    ("files", "made"),
    [
        ({"web/app.py": "2"}, {"web"}),
        ({"web/other.py": "of no COPY"}, set()),
        ({"tool/Dockerfile": "FROM python:3.12\nRUN x\n"}, {"tool"}),
        ({"base/lib.txt": "2"}, {"base", "web", "job"}),
        ({"README.md": "of no image"}, set()),
        ({"davy-out/report.md": "davy's own", ".davy/builds/x.json": "davy's own"}, set()),
    ],
)
def test_a_change_builds_what_it_must_and_nothing_else(yard: Yard, files: dict[str, str], made: set[str]) -> None:
    yard.build()
    yard.write(files)
    run = yard.build()
    assert (run.made, run.reused) == (made, ALL - made)


def test_what_davy_writes_into_a_context_changes_no_key(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/all", "context": ".", "dockerfile": "tool/Dockerfile"},)
    before = yard.shop().images[0].key
    yard.write({"davy-out/build/all.log": "x", ".davy/builds/all.json": "x"})
    assert yard.shop().images[0].key == before


def test_why_is_told_with_the_file(yard: Yard) -> None:
    yard.build()
    yard.write({"web/app.py": "2"})
    assert [(one.label, one.because) for one in yard.build().of(BuildStarted)] == [("web", "web/app.py changed")]


def test_a_dockerfile_that_changed_is_told_of_once(yard: Yard) -> None:
    yard.build()
    yard.write({"web/Dockerfile": "FROM r.test/shop/base\nCOPY app.py /app/\n"})
    assert [one.because for one in yard.build().of(BuildStarted)] == ["the Dockerfile changed"]


def test_why_is_known_from_the_registry_where_this_machine_knows_nothing(yard: Yard) -> None:
    yard.build()
    yard.elsewhere()
    yard.write({"base/lib.txt": "2"})
    told = {one.label: one.because for one in yard.build().of(BuildStarted)}
    assert told == {
        "base": "base/lib.txt changed",
        "web": "its parent base changed",
        "job": "its parent base changed",
    }


def test_a_branch_of_its_own_is_explained_by_the_last_build_of_any(yard: Yard) -> None:
    yard.build()
    yard.elsewhere()
    yard.revision = replace(yard.revision, branch="feature/x")
    yard.write({"web/app.py": "2"})
    assert [one.because for one in yard.build().of(BuildStarted)] == ["web/app.py changed"]


def test_children_are_built_from_their_parent_by_digest_and_bases_by_theirs(yard: Yard) -> None:
    run = yard.build()
    base = next(event.image for event in run.of(ImageBuilt) if event.label == "base")
    web = next(order for order in yard.builder.registry.values() if order.name.endswith("web"))
    own = next(order for order in yard.builder.registry.values() if order.name.endswith("base"))
    assert web.dockerfile_text == f"FROM {base.reference}\nCOPY app.py /\n"
    python = yard.store.tags["docker.io/library/python:3.12"]
    assert own.dockerfile_text == f"FROM python:3.12@{python}\nCOPY lib.txt /\n"


def test_a_base_that_moves_is_built_again_unless_the_lock_holds_it(yard: Yard) -> None:
    yard.build()
    locked = yard.store.tags["docker.io/library/python:3.12"]
    yard.store.put("docker.io/library/python", "3.12", {"release": "2"})
    yard.lock = {"python:3.12": locked}
    assert yard.build().reused == ALL
    yard.lock = {}
    run = yard.build()
    assert run.made == ALL
    assert "moved from sha256:" in run.of(BuildStarted)[0].because
    assert any("python:3.12 is not locked" in warned.what for warned in run.of(Warned))


def test_an_image_is_found_by_its_key_its_commit_its_branch_and_the_tags_that_were_wished(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/tool", "context": "tool", "tags": ["{branch}", "{version}", "{revision}"]},)
    (built,) = yard.build().built
    key = yard.shop().images[0].key
    for tag in (key_tag(key), "1234567890ab", "davy-main", "davy-last", "main", "v1"):
        assert yard.tag("tool", tag) == built.image.digest
    (evidence,) = yard.store.attached(built.image, KIND)
    record = record_of(evidence.body.decode())
    assert isinstance(record, Remembered)
    assert (record.build.commit, record.build.builder, record.build.runner) == (yard.revision.sha, "memory", "me")
    assert record.inputs == yard.shop().images[0].inputs


def test_the_tags_of_a_reused_image_are_put_to_it_again(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/tool", "context": "tool", "tags": ["{version}"]},)
    (built,) = yard.build().built
    yard.revision = replace(another(yard.revision), version="v2", branch="release")
    assert yard.build().reused == {"tool"}
    assert {yard.tag("tool", tag) for tag in ("v1", "v2", "davy-release")} == {built.image.digest}


def test_a_tag_without_a_branch_to_fill_it_is_left_out(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/tool", "context": "tool", "tags": ["{branch}", "{version}"]},)
    yard.revision = replace(yard.revision, branch="")
    yard.build()
    assert not any("{" in tag for tag in yard.store.tags)
    assert yard.tag("tool", "v1")


def test_a_tag_that_was_moved_is_said_and_the_image_is_built_again(yard: Yard) -> None:
    first = yard.build()
    web = next(event.image for event in first.of(ImageBuilt) if event.label == "web")
    key = next(one.key for one in yard.shop().images if one.label == "web")
    strange = yard.store.put(web.name, key_tag(key), {KEY: "0" * 64})
    again = yard.build()
    assert (again.made, again.reused) == ({"web"}, ALL - {"web"})
    assert any("was moved" in warned.what for warned in again.of(Warned))
    assert yard.tag("web", key_tag(key)) not in ("", strange.digest)


def test_an_image_whose_manifest_says_no_key_is_known_by_its_record(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/tool", "context": "tool"},)

    class Plain(MemoryBuilder):
        def build(self, order: BuildOrder, say: Say) -> Built:
            return MemoryBuilder.build(self, replace(order, annotations={}), say)

    yard.builder = Plain(push=yard.store.put)
    yard.build()
    assert yard.build().reused == {"tool"}


def test_a_failed_build_stops_what_is_built_from_it_and_the_others_go_on(yard: Yard) -> None:
    yard.builder.faults["r.test/shop/base"] = Rejected("no\nlib", remedy="mend it")
    run = yard.build()
    assert run.made == {"tool"}
    assert {one.label: one.why for one in run.of(BuildFailed)} == {
        "base": "no",
        "web": "base, which it is built from, was not built",
        "job": "base, which it is built from, was not built",
    }
    assert isinstance(run.error, Rejected)
    assert run.error.what == "no\nlib\nNot built, for what they are built from was not: web, job."
    assert run.error.remedy == "mend it"
    (end,) = run.of(StageFinished)
    assert (end.result, end.note) == (Result.FAILED, "no")


def test_the_line_of_a_failed_build_says_its_name_once(yard: Yard) -> None:
    yard.builder.faults["r.test/shop/tool"] = Rejected("r.test/shop/tool was not built: no such base", remedy="x")
    (failed,) = yard.build("tool").of(BuildFailed)
    assert (failed.label, failed.why) == ("tool", "no such base")


def test_every_failure_is_told_and_what_a_person_can_mend_decides_the_ending(yard: Yard) -> None:
    yard.builder.faults |= {"r.test/shop/base": Unreachable("away"), "r.test/shop/tool": Rejected("no")}
    run = yard.build()
    assert isinstance(run.error, Rejected)
    assert {"away", "no"} <= set(run.error.what.splitlines())


def test_what_a_failed_build_printed_can_not_command_the_ci(yard: Yard) -> None:
    yard.builder.faults["r.test/shop/tool"] = Rejected("no\n  ::error::owned", remedy="mend")
    run = yard.build("tool")
    assert isinstance(run.error, Rejected)
    assert run.error.what == "no\n  \\::error\\::owned"


def test_each_log_is_kept_apart_and_washed(yard: Yard) -> None:
    class Loud(MemoryBuilder):
        def build(self, order: BuildOrder, say: Say) -> Built:
            say(f"::set-output of {order.name}")
            return MemoryBuilder.build(self, order, say)

    yard.builder = Loud(push=yard.store.put)
    yard.build()
    for name in ALL:
        text = (yard.folder / "davy-out" / "build" / f"{name}.log").read_text()
        assert text == f"\\::set-output of r.test/shop/{name}\nStep 1/1 : Dockerfile\n"


def test_a_registry_that_does_not_answer_is_no_reason_to_build(yard: Yard) -> None:
    yard.lock = {"python:3.12": "sha256:" + "0" * 64}
    yard.store.fault = Unreachable("r.test did not answer")
    run = yard.build()
    assert isinstance(run.error, Unreachable)
    assert "--force" in run.error.remedy
    assert not yard.builder.registry
    (end,) = run.of(StageFinished)
    assert end.result is Result.FAILED


def test_a_registry_that_refuses_is_told_and_nothing_is_built(yard: Yard) -> None:
    yard.lock = {"python:3.12": "sha256:" + "0" * 64}
    yard.store.fault = Forbidden("r.test refused", remedy="log in")
    run = yard.build()
    assert isinstance(run.error, Forbidden)
    assert not yard.builder.registry


def test_every_base_that_is_not_there_is_told_with_the_line_that_names_it(yard: Yard) -> None:
    yard.write({"tool/Dockerfile": "\nFROM gone:1\n", "base/Dockerfile": "FROM python:3.12\nCOPY --from=lost /a /\n"})
    run = yard.build()
    assert isinstance(run.error, Unusable)
    assert {str(problem) for problem in run.error.problems} == {
        "tool/Dockerfile:2: the base gone:1 is not in its registry",
        "base/Dockerfile:2: the base lost is not in its registry",
    }
    assert not yard.builder.registry


def test_every_dockerfile_that_does_not_parse_is_told_at_once(yard: Yard) -> None:
    yard.write({"tool/Dockerfile": "FROM a\nRUNN x\n", "web/Dockerfile": "COPY a b\n"})
    run = yard.build()
    assert isinstance(run.error, Unusable)
    assert {(one.file, one.line) for one in run.error.problems} >= {("tool/Dockerfile", 2), ("web/Dockerfile", 1)}


def test_images_that_go_in_a_circle_are_told_by_name(yard: Yard) -> None:
    yard.write({"base/Dockerfile": "FROM r.test/shop/web\n"})
    run = yard.build()
    assert isinstance(run.error, Unusable)
    assert "web → base → web" in run.error.problems[0].what or "base → web → base" in run.error.problems[0].what


def test_what_nobody_can_build_is_told_for_every_image_before_anything_is_built(yard: Yard) -> None:
    def choose(order: BuildOrder) -> tuple[str, MemoryBuilder]:
        if order.name.endswith(("web", "job")):
            raise Unusable("no", problems=(Problem(what=f"cannot make {order.name}"),))
        return "memory", yard.builder

    yard.chosen = choose
    run = yard.build()
    assert isinstance(run.error, Unusable)
    assert {one.what for one in run.error.problems} == {"cannot make r.test/shop/web", "cannot make r.test/shop/job"}
    assert not yard.builder.registry


def test_what_is_in_the_registry_needs_no_builder(yard: Yard) -> None:
    yard.build()

    def nobody(order: BuildOrder) -> tuple[str, MemoryBuilder]:
        raise Unusable("no builder")

    yard.chosen = nobody
    assert yard.build().reused == ALL


def test_by_force_everything_is_built_and_nobody_is_asked_what_is_there(yard: Yard) -> None:
    yard.build()
    assert yard.build(force=True).made == ALL


def test_of_one_image_only_what_it_needs_is_built_and_only_it_is_the_result(yard: Yard) -> None:
    run = yard.build("web")
    assert run.made == {"base", "web"}
    assert [one.image.name for one in run.built] == ["r.test/shop/web"]
    yard.write({"web/app.py": "2"})
    again = yard.build("web")
    assert (again.made, again.reused) == ({"web"}, {"base"})
    third = yard.build("web")
    assert (third.made, third.reused) == (set(), {"web"})


def test_a_parent_that_is_gone_from_the_registry_matters_only_to_what_is_built_from_it(yard: Yard) -> None:
    yard.build()
    key = next(one.key for one in yard.shop().images if one.label == "base")
    del yard.store.tags[f"r.test/shop/base:{key_tag(key)}"]
    assert yard.build("web").made == set()
    assert yard.build().made == {"base"}


def test_matrix_cells_in_one_repository_do_not_take_each_other_s_tags(yard: Yard) -> None:
    yard.said = ({"name": "r.test/shop/tool", "context": "tool", "matrix": {"P": ["1", "2"]}, "tags": ["{branch}"]},)
    one, two = yard.build().built
    assert one.image != two.image
    for tag in ("1234567890ab", "davy-main", "main"):
        assert (yard.tag("tool", f"{tag}-1"), yard.tag("tool", f"{tag}-2")) == (one.image.digest, two.image.digest)


def test_so_many_are_built_at_once_and_no_more(yard: Yard) -> None:
    yard.said = tuple({"name": f"r.test/shop/i{number}", "context": "tool"} for number in range(6))
    guard, meeting = threading.Lock(), threading.Barrier(2, timeout=20)
    inside: list[int] = [0, 0]

    class Slow(MemoryBuilder):
        def build(self, order: BuildOrder, say: Say) -> Built:
            with guard:
                inside[0] += 1
                inside[1] = max(inside)
            meeting.wait()  # Comes back only where another one builds at the same time.
            with guard:
                inside[0] -= 1
                return MemoryBuilder.build(self, order, say)

    yard.builder = Slow(push=yard.store.put)
    assert len(yard.build().made) == 6
    assert inside[1] == 2


def test_after_an_interruption_nothing_more_is_begun(yard: Yard) -> None:
    began: list[str] = []

    class Stopped(MemoryBuilder):
        def build(self, order: BuildOrder, say: Say) -> Built:
            began.append(order.name)
            raise KeyboardInterrupt

    yard.builder = Stopped(push=yard.store.put)
    run = yard.build()
    assert isinstance(run.error, KeyboardInterrupt)
    assert len(began) <= 2
    (end,) = run.of(StageFinished)
    assert (end.result, end.note) == (Result.FAILED, "interrupted")


def test_interrupted_before_the_first_nothing_is_begun(yard: Yard) -> None:
    yard.clock = Ticking(interrupted=lambda: True)
    run = yard.build()
    assert isinstance(run.error, KeyboardInterrupt)
    assert not yard.builder.registry


def refusing(*names: str) -> Approve:
    def approve(made: Sequence[Image]) -> Generator[Event, None, None]:
        bad = [one.name for one in made if one.name.endswith(names)]
        yield LogLine(at=REVISION.committed_at, source="scan", line=f"{len(made)} looked at")
        if names and bad:
            raise Rejected(f"The scan refuses {', '.join(bad)}.")

    return approve


def test_no_tag_moves_to_an_image_that_is_refused_and_it_is_asked_about_until_it_is_not(yard: Yard) -> None:
    yard.said = tuple({**one, "tags": ["{branch}"]} for one in yard.said)
    yard.build()
    before = dict(yard.store.tags)
    yard.write({"web/app.py": "2"})
    yard.revision, yard.approve = another(yard.revision), refusing("web")
    for made in ({"web"}, set()):
        run = yard.build()
        assert (run.made, isinstance(run.error, Rejected)) == (made, True)
        (end,) = run.of(StageFinished)
        assert (end.result, end.note) == (Result.FAILED, "The scan refuses r.test/shop/web.")
        new = yard.store.tags.items() - before.items()
        assert [name.rpartition(":")[2][:2] for name, _ in new] == ["k-"]
    yard.approve = refusing()
    web = next(one for one in yard.build().built if one.image.name.endswith("web"))
    for tag in ("main", "davy-main", "davy-last", "f" * 12):
        assert yard.tag("web", tag) == web.image.digest != before.get(f"r.test/shop/web:{tag}")


def test_where_a_build_fails_no_tag_moves_and_the_next_run_puts_them(yard: Yard) -> None:
    yard.builder.faults["r.test/shop/base"] = Rejected("no")
    yard.build()
    assert {name.partition(":")[2][:2] for name in yard.store.tags if "shop/tool" in name} == {"k-"}
    yard.builder.faults.clear()
    run = yard.build()
    assert run.reused == {"tool"}
    assert all(yard.tag("tool", tag) for tag in ("davy-main", "davy-last", "1234567890ab"))


def test_interrupted_while_images_are_approved_no_tag_moves(yard: Yard) -> None:
    def stopped(made: Sequence[Image]) -> Generator[Event, None, None]:
        yield LogLine(at=REVISION.committed_at, source="scan", line=str(len(made)))
        yard.clock.interrupted = lambda: True

    yard.approve = stopped
    assert isinstance(yard.build().error, KeyboardInterrupt)
    assert not yard.tag("web", "davy-main")


def test_only_what_counts_for_the_key_reaches_the_builder(yard: Yard) -> None:
    yard.said = (
        {
            "name": "r.test/shop/all",
            "context": ".",
            "dockerfile": "all.Dockerfile",
            "contexts": {"more": ".", "no": "."},
        },
    )
    yard.write({"davy-out/report.md": "x", ".davy/builds/x.json": "x", "more:word": "of the context"})
    yard.write({"all.Dockerfile": "FROM scratch\nCOPY . /\nCOPY --from=more . /more/\n"})
    (built,) = yard.build().built
    order = yard.order_of(built.image)
    everything = {*SHOP, "more:word", "all.Dockerfile"}
    assert order.files is not None
    assert set(order.files) == everything
    assert order.files["more:word"] == ("100644", blob("of the context"))
    assert {name: set(files) for name, files in order.context_files.items()} == {"more": everything}
    assert set(order.contexts) == {"more"}


class WithoutProvenance(MemoryBuilder):
    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        return ("it makes no provenance",) if order.provenance != "off" else ()


def test_a_builder_that_makes_no_provenance_is_not_asked_for_any_where_davy_attaches_its_own(yard: Yard) -> None:
    yard.builder = WithoutProvenance(push=yard.store.put)
    yard.chosen = lambda order: chosen(order, {"plain": yard.builder})
    yard.build_said = {"provenance": "max"}
    (built,) = yard.build("tool").built
    assert yard.order_of(built.image).provenance == "off"


def test_a_builder_that_makes_provenance_comes_before_one_that_does_not(yard: Yard) -> None:
    able = MemoryBuilder(push=yard.store.put)
    yard.builder = WithoutProvenance(push=yard.store.put)
    yard.chosen = lambda order: chosen(order, {"plain": yard.builder, "able": able})
    yard.build_said = {"provenance": "min"}
    yard.build("tool")
    assert [order.provenance for order in able.registry.values()] == ["min"]
    assert not yard.builder.registry


def test_where_nothing_may_be_attached_a_builder_without_provenance_is_refused_before_it_starts(yard: Yard) -> None:
    yard.builder = WithoutProvenance(push=yard.store.put)
    yard.chosen = lambda order: chosen(order, {"plain": yard.builder})
    yard.build_said = {"provenance": "min", "evidence": False}
    run = yard.build()
    assert isinstance(run.error, Unusable)
    assert "it makes no provenance" in run.error.problems[0].what
    assert not yard.builder.registry


def test_an_image_says_what_it_is_made_on_where_that_is_known(yard: Yard) -> None:
    run = yard.build()
    said = {one.image.name.rsplit("/", 1)[-1]: yard.order_of(one.image).annotations for one in run.built}
    python = yard.store.tags["docker.io/library/python:3.12"]
    base = next(one.image for one in run.built if one.image.name.endswith("base"))
    assert (said["tool"][BASE_NAME], said["tool"][BASE_DIGEST]) == ("docker.io/library/python:3.12", python)
    assert (said["web"][BASE_NAME], said["web"][BASE_DIGEST]) == ("r.test/shop/base", base.digest)
    assert BASE_NAME not in said["job"]


def test_a_record_that_the_registry_does_not_take_is_worth_a_word_and_no_failure(yard: Yard) -> None:
    class Full(MemoryImages):
        def attach(self, subject: Image, evidence: Attachment) -> str:
            raise Unreachable("no room for artifacts")

    run = Yard(yard.folder, store=Full()).build("tool")
    assert run.error is None
    assert any("no room for artifacts" in warned.what for warned in run.of(Warned))


def test_a_tag_that_another_runner_moves_at_the_same_moment_is_his(yard: Yard) -> None:
    class Contested(MemoryImages):
        def tag(self, image: Image, tags: Sequence[str]) -> None:
            if "davy-main" in tags:
                raise Conflict("davy-main was moved meanwhile")
            MemoryImages.tag(self, image, tags)

    yard = Yard(yard.folder, store=Contested())
    run = yard.build("tool")
    assert run.error is None
    assert yard.tag("tool", "davy-last")
    assert any("moved meanwhile" in warned.what for warned in run.of(Warned))


def test_the_shop_that_tests_build_is_whole() -> None:
    assert {name.split("/")[0] for name in SHOP} == ALL


ROOT = (
    {"name": "r.test/shop/one", "context": ".", "dockerfile": "one/Dockerfile"},
    {"name": "r.test/shop/two", "context": ".", "dockerfile": "two/Dockerfile"},
)
AT_ROOT = {
    "one/Dockerfile": "FROM scratch AS unused\nCOPY none /\nFROM scratch\nARG HTTP_X\nCOPY one/app /\n",
    "one/app": "1",
    "two/Dockerfile": "FROM scratch\nCOPY two/app shared /\n",
    "two/app": "2",
    "shared/x": "x",
    "README.md": "hello",
    "davy.yaml": "service: shop",
    "davy.lock": "version: 1",
}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("README.md", set()),
        ("davy.yaml", set()),
        ("davy.lock", set()),
        ("base/lib.txt", set()),
        ("one/app", {"one"}),
        ("shared/x", {"two"}),
        ("new", set()),
        ("shared/new", {"two"}),
    ],
)
def test_a_commit_of_what_no_image_takes_builds_nothing_though_the_context_is_the_root(
    yard: Yard, name: str, made: set[str]
) -> None:
    yard.said = ROOT
    yard.write(AT_ROOT)
    first = yard.build()
    assert first.made == {"one", "two"}
    yard.write({name: "changed"})
    yard.revision = another(yard.revision)
    second = yard.build()
    assert (second.made, second.reused) == (made, {"one", "two"} - made)
    told = [one.because for one in second.of(BuildStarted)]
    assert told == ([f"{name} {'is new' if 'new' in name else 'changed'}"] if made else [])
    others = {one.image.name for one in second.built if one.image not in [each.image for each in first.built]}
    assert others == {f"r.test/shop/{name}" for name in made}


def test_a_builder_is_given_the_files_the_stages_and_the_arguments_that_count(yard: Yard) -> None:
    args = {"HTTP_X": "1", "UNUSED": "1", "https_proxy": "p"}
    yard.said = ({**ROOT[0], "args": args},)
    yard.write(AT_ROOT)
    (built,) = yard.build().built
    order = yard.order_of(built.image)
    assert order.files is not None
    assert set(order.files) == {"one/app"}
    assert order.args == {"HTTP_X": "1", "https_proxy": "p"}
    assert order.dockerfile_text == "\n\nFROM scratch\nARG HTTP_X\nCOPY one/app /\n"


@pytest.mark.parametrize(
    ("dockerfile", "whole"),
    [
        ("FROM r.test/shop/parent\nCOPY one/app /\n", True),
        ("FROM scratch AS a\nCOPY --from=r.test/shop/parent / /\nCOPY one/app /\n", False),
        ("FROM node:22-onbuild\nCOPY one/app /\n", True),
        ("FROM onbuilder\nCOPY one/app /\n", False),
    ],
)
def test_what_its_base_holds_back_may_take_any_file(yard: Yard, dockerfile: str, whole: bool) -> None:
    yard.said = (ROOT[0], {"name": "r.test/shop/parent", "context": "two"})
    yard.write({**AT_ROOT, "one/Dockerfile": dockerfile})
    yard.write({"two/Dockerfile": "FROM scratch\nONBUILD COPY README.md /\n"})
    yard.lock = dict.fromkeys(("node:22-onbuild", "onbuilder"), "sha256:" + "1" * 64)
    one = next(image for image in yard.shop().images if image.label == "one")
    assert (set(one.files) >= AT_ROOT.keys()) is whole
    assert whole or set(one.files) == {"one/app"}


HELD = {"one/Dockerfile": "FROM base:1\nCOPY one/app /\n"}


def held_back(yard: Yard, *lines: str) -> str:
    image = yard.store.put("docker.io/library/base", "1")
    yard.store.triggers[image.reference] = lines
    yard.said = (ROOT[0],)
    yard.write({**AT_ROOT, **HELD})
    return image.digest


def test_a_base_that_holds_back_what_the_build_would_lack_is_refused_before_it_starts(yard: Yard) -> None:
    yard.lock = {"base:1": held_back(yard, "ENV A=1", "COPY . /app")}
    run = yard.build()
    assert isinstance(run.error, Rejected)
    assert "its base base:1 holds back 'COPY . /app' by ONBUILD" in run.error.what
    assert "davy build lock --update base:1" in run.error.remedy
    assert not yard.builder.registry


@pytest.mark.parametrize("lines", [(), ("ENV A=1", "USER 1", "WORKDIR /x")])
def test_a_base_that_takes_nothing_of_a_build_is_built_on(yard: Yard, lines: tuple[str, ...]) -> None:
    yard.lock = {"base:1": held_back(yard, *lines)}
    run = yard.build()
    assert run.made == {"one"}
    assert not run.of(Warned)


def test_a_base_that_the_lock_notes_makes_everything_count(yard: Yard) -> None:
    yard.lock = {"base:1": held_back(yard, "COPY . /app")}
    config, tree = yard.config, GitWorkTree({})
    shop = resolve.workshop(
        config, tree, yard.folder, lock=yard.lock, resolve=lambda wanted: {}, holding=frozenset({"base:1"})
    )
    assert set(shop.images[0].files) >= {*AT_ROOT, *SHOP}
    assert base_images.overlooked(shop.images[0], yard.store) == ()
    assert base_images.holding(yard.lock, yard.store) == {"base:1"}
