"""Short names of build caches, written out for one image."""

import pytest

from davy.pipeline.builds.order import Way, in_full

NAME = "registry.test/shop/app"


@pytest.mark.parametrize(
    ("said", "way", "full"),
    [
        ("registry", "from", f"type=registry,ref={NAME}:buildcache"),
        ("registry", "to", f"type=registry,ref={NAME}:buildcache,mode=max,ignore-error=true"),
        ("gha", "from", "type=gha,scope=shop-app"),
        ("gha", "to", "type=gha,scope=shop-app,mode=max,ignore-error=true"),
        ("inline", "from", f"type=registry,ref={NAME}:buildcache"),
        ("inline", "to", f"type=inline,ref={NAME}:buildcache"),
        ("/var/cache", "from", "type=local,src=/var/cache/shop-app"),
        ("/var/cache", "to", "type=local,dest=/var/cache/shop-app,mode=max"),
        ("type=s3,bucket=b", "to", "type=s3,bucket=b"),
    ],
)
def test_each_short_name_is_written_out(said: str, way: Way, full: str) -> None:
    assert in_full([said], NAME, "shop/app", way) == (full,)


def test_the_cells_of_a_matrix_do_not_overwrite_each_others_cache() -> None:
    cells = ("shop/app[PYTHON=3.12]", "shop/app[PYTHON=3.13]")
    for said in ("registry", "gha", "inline", "cache"):
        assert len({in_full([said], NAME, cell, "to") for cell in cells}) == 2


def test_a_cell_cannot_break_out_of_its_attribute() -> None:
    (full,) = in_full(["gha"], NAME, "shop/app[A=1,B=x,mode=min]", "to")
    assert full == "type=gha,scope=shop-app-A-1-B-x-mode-min,mode=max,ignore-error=true"
