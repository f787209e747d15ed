"""The lab's pure parts: what it writes, recognises and takes away."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lab import facts, firewall, packages, services
from lab.cluster_choice import choice
from lab.discovery import Access, target_groups
from lab.files import put
from lab.images import pause_archive
from lab.layout import Layout, layout_from, pinned
from lab.node_settings import corefile, kubelet_settings
from lab.processes import Daemon, await_ready, born_of, end, ensure, living
from lab.talk import LabError

SAVED = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:DOCKER - [0:0]
:CNI-aa - [0:0]
:CNI-bb - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -p tcp --dport 80 -j ACCEPT
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \\"davy-lab\\" id: \\"x\\"" -j CNI-aa
-A POSTROUTING -s 10.22.0.2/32 -m comment --comment "name: \\"other\\" id: \\"y\\"" -j CNI-bb
-A KUBE-SERVICES -j ACCEPT
-A CNI-aa -m comment --comment "name: \\"davy-lab\\" id: \\"x\\"" -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""


def test_only_our_rules_are_taken_away() -> None:
    removal = firewall.removal(SAVED, firewall.KUBERNETES)
    assert removal.splitlines() == [
        "*nat",
        "-F KUBE-SERVICES",
        "-F CNI-aa",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-D POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \\"davy-lab\\" id: \\"x\\"" -j CNI-aa',
        "-X KUBE-SERVICES",
        "-X CNI-aa",
        "COMMIT",
    ]


def test_rules_of_docker_go_only_with_an_engine_of_our_own() -> None:
    assert "DOCKER" not in firewall.removal(SAVED, firewall.KUBERNETES)
    assert "-X DOCKER" in firewall.removal(SAVED, firewall.KUBERNETES + firewall.DOCKER)


def test_nobody_elses_cluster_loses_its_rules_when_the_node_was_not_ours() -> None:
    assert firewall.removal(SAVED, firewall.NOBODY) == ""
    assert "KUBE" not in firewall.removal(SAVED, firewall.DOCKER)
    assert "CNI" not in firewall.removal(SAVED, firewall.DOCKER)


def test_a_machine_without_our_rules_is_left_alone() -> None:
    assert firewall.removal("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", firewall.KUBERNETES) == ""


def test_the_cache_folder_can_be_chosen_and_must_be_short(tmp_path: Path) -> None:
    assert layout_from({"DAVY_LAB_CACHE": "/x"}).cache == Path("/x")
    assert layout_from({"HOME": "/home/me"}).cache == Path("/home/me/.cache/davy-lab")
    with pytest.raises(ValueError, match="shorter"):
        layout_from({"DAVY_LAB_CACHE": "/x" * 50})


def test_versions_come_from_the_go_modules() -> None:
    assert pinned("k8s.io/kubernetes", "kubernetes").startswith("v1.")
    with pytest.raises(LookupError):
        pinned("k8s.io/nothing", "kubernetes")


def test_a_given_cluster_goes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert choice({"DAVY_LAB_KUBECONFIG": "/k"}, None) == "given"
    assert choice({}, "unix:///docker.sock") == "single-node"


def test_facts_of_a_lab_that_is_down_are_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="up"):
        facts.read(Layout(cache=tmp_path))
    (tmp_path / "lab.json").write_text("{}")
    with pytest.raises(LabError, match="again"):
        facts.read(Layout(cache=tmp_path))


def test_facts_are_read_as_they_were_written(tmp_path: Path) -> None:
    layout = Layout(cache=tmp_path)
    words = {name: name for name in facts.Facts.__dataclass_fields__}
    written = facts.Facts(**words | {"versions": {"a": "1"}, "pids": {"b": 2}})  # type: ignore[arg-type]
    facts.write(layout, written)
    assert facts.read(layout) == written


def test_a_file_that_says_so_already_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "settings"
    put(path, "a", mode=0o600)
    os.utime(path, (1, 1))
    put(path, "a")
    assert path.stat().st_mtime == 1
    put(path, "b")
    assert path.read_text() == "b"


def test_a_service_policy_that_is_there_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with packages.services_left_alone(policy):
        assert policy.read_text().endswith("exit 101\n")
        with packages.services_left_alone(policy):
            pass
        assert policy.exists()
    assert not policy.exists()


def test_the_pause_image_is_whole() -> None:
    with tarfile.open(fileobj=io.BytesIO(pause_archive("lab/pause:1", b"program"))) as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames()}
        content = {name: file.read() for name, file in files.items() if file}
    config, manifest = json.loads(content["config.json"]), json.loads(content["manifest.json"])
    assert manifest[0]["RepoTags"] == ["lab/pause:1"]
    layer = hashlib.sha256(content["layer.tar"]).hexdigest()
    assert config["rootfs"]["diff_ids"] == [f"sha256:{layer}"]


def a_pod(**status: str) -> dict[str, object]:
    about = {"namespace": "shop", "name": "a-1", "labels": {"app": "a"}}
    asks = {"annotations": {"prometheus.io/port": "8080"}}
    return {"metadata": about | asks, "spec": {"nodeName": "n"}, "status": status}


def test_a_pod_is_told_to_prometheus_once_it_has_an_address() -> None:
    assert target_groups([a_pod(phase="Pending")]) == []
    (group,) = target_groups([a_pod(phase="Running", podIP="10.0.0.1")])
    assert group["targets"] == ["10.0.0.1"]
    assert group["labels"]["__meta_kubernetes_pod_label_app"] == "a"
    assert group["labels"]["__meta_kubernetes_pod_annotation_prometheus_io_port"] == "8080"


def test_prometheus_scrapes_through_the_api_server_where_pods_are_out_of_reach() -> None:
    scraping = services.through_api_server(Access(server="https://h:1", ca_file="/ca", token="t"))
    settings = services.prometheus_settings(Layout(cache=Path("/x")), scraping)
    text = json.dumps(settings)
    assert '"scheme": "https"' in text
    assert "/proxy/metrics" in text


def test_the_scrape_timeout_is_below_the_interval() -> None:
    assert int(services.SCRAPE_TIMEOUT.removesuffix("ms")) < services.SCRAPE_SECONDS * 1000


def test_dns_forwards_only_where_there_is_someone_to_ask() -> None:
    layout = Layout(cache=Path("/x"))
    assert "forward" in corefile(layout, forward=True)
    assert "forward" not in corefile(layout, forward=False)


def test_the_kubelet_keeps_to_the_labs_own_folder() -> None:
    settings = kubelet_settings(Layout(cache=Path("/x")))
    assert str(settings["podLogsDir"]).startswith("/x/run/")
    assert settings["cgroupRoot"] == "/davy-lab"


def a_daemon(*words: str, settings: str = "") -> Daemon:
    command = (sys.executable, "-c", *words)
    return Daemon(name="d", command=command, settings=settings, is_ready=lambda: False)


def test_a_daemon_is_started_once_and_again_only_for_other_settings(tmp_path: Path) -> None:
    layout = Layout(cache=tmp_path)
    layout.run.mkdir()
    sleeper = "import time; time.sleep(60)"
    assert ensure(layout, a_daemon(sleeper))
    first = living(layout)["d"]
    assert not ensure(layout, a_daemon(sleeper))
    assert ensure(layout, a_daemon(sleeper, settings="other"))
    second = living(layout)["d"]
    assert first != second
    assert born_of(first) == ""
    end(layout, "d")
    assert living(layout) == {}
    assert born_of(second) == ""


def test_a_daemon_that_dies_tells_its_last_words(tmp_path: Path) -> None:
    layout = Layout(cache=tmp_path)
    layout.run.mkdir()
    dying = a_daemon("import sys; sys.exit('no such port')")
    ensure(layout, dying)
    with pytest.raises(LabError, match="no such port"):
        await_ready(layout, dying, seconds=10)


def test_a_process_that_is_not_ours_is_never_ended(tmp_path: Path) -> None:
    layout = Layout(cache=tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        record = layout.run / "pids" / "d.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"pid": other.pid, "born": "1", "print": "x"}))
        end(layout, "d")
        assert other.poll() is None
        other.kill()
