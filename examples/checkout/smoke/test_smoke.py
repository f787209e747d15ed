"""Smoke: what the new version needs from its surroundings, asked from inside the cluster before it gets traffic."""

import json
import os
import urllib.request

STABLE = os.environ.get("STABLE", "http://checkout")


def test_the_cluster_finds_the_shop_by_its_name():
    with urllib.request.urlopen(f"{STABLE}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_the_catalogue_that_serves_now_can_be_read():
    with urllib.request.urlopen(f"{STABLE}/products", timeout=5) as answer:
        assert json.load(answer)
