"""What every Source must do, the one in memory and the one on git."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from davy.pipeline.adapters.git import GitSource
from davy.pipeline.errors import Unusable
from davy.pipeline.ports import Source
from davy.pipeline.twins import MemorySource


@pytest.fixture(params=["memory", "git"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    if request.param == "memory":
        return MemorySource()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = ["git", "-c", "user.name=h", "-c", "user.email=h@example.com"]
    for words in (["init"], ["commit", "--allow-empty", "-m", "first"]):
        subprocess.run([*own, *words], cwd=tmp_path, check=True, capture_output=True, env=environment)
    return GitSource(tmp_path)


def test_a_revision_is_a_commit_with_an_aware_time(source: Source) -> None:
    revision = source.revision()
    assert len(revision.sha) == 40
    assert revision.committed_at.utcoffset() == timedelta(0)


def test_asked_twice_it_says_the_same(source: Source) -> None:
    assert source.revision() == source.revision()


def test_a_fault_is_raised(tmp_path: Path) -> None:
    for source in (MemorySource(fault=Unusable("no work tree")), GitSource(tmp_path)):
        with pytest.raises(Unusable):
            source.revision()
