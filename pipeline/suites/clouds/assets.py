"""Assets: the videos, logs and screenshots that a cloud keeps of a session, by name and address."""

import re
from typing import assert_never

from davy.pipeline.suites.clouds.vendors import Call, Cloud, Vendor, inner

SAFE = re.compile(r"[^A-Za-z0-9._-]+")
BROWSERSTACK = {"video.mp4": "video_url", "session.log": "logs", "console.log": "browser_console_logs_url"} | {
    "network.har": "har_logs_url"
}
LAMBDATEST = {"video.mp4": "video_url", "console.log": "console_logs_url", "commands.log": "command_logs_url"} | {
    "network.log": "network_logs_url"
}


def asked(cloud: Cloud, session: str, *, real: bool = False) -> Call | None:
    """How the cloud is asked what it keeps; None where it keeps nothing."""
    match cloud.vendor:
        case Vendor.SAUCE:
            jobs = f"{cloud.at.api}/v1/rdc/jobs" if real else f"{cloud.at.api}/rest/v1/{cloud.user}/jobs"
            return Call(method="GET", url=f"{jobs}/{session}" + ("" if real else "/assets"))
        case Vendor.BROWSERSTACK:
            return Call(method="GET", url=f"{cloud.at.api}/automate/sessions/{session}.json")
        case Vendor.LAMBDATEST:
            return Call(method="GET", url=f"{cloud.at.api}/automation/api/v1/sessions/{session}")
        case Vendor.GRID:
            return None
        case _:
            assert_never(cloud.vendor)


def named(cloud: Cloud, session: str, answer: object, *, real: bool = False) -> tuple[tuple[str, str], ...]:
    """Names that are fit for files, and addresses."""
    match cloud.vendor:
        case Vendor.SAUCE:
            return _real(cloud, session, answer) if real else _virtual(cloud, session, answer)
        case Vendor.BROWSERSTACK:
            return _urls(inner(answer, "automation_session"), BROWSERSTACK)
        case Vendor.LAMBDATEST:
            return _urls(inner(answer, "data"), LAMBDATEST)
        case Vendor.GRID:
            return ()
        case _:
            assert_never(cloud.vendor)


def safe(name: str) -> str:
    """The name as a file may have it: what a cloud says leads to no other folder."""
    return SAFE.sub("-", name).strip(".-")[:100] or "asset"


def _virtual(cloud: Cloud, session: str, answer: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(answer, dict):
        return ()
    base = f"{cloud.at.api}/rest/v1/{cloud.user}/jobs/{session}/assets"
    # `video` names the same file as `video.mp4`; screenshots come in one archive.
    names = {str(name) for key, name in answer.items() if isinstance(name, str) and name and key != "video"}
    names |= {"screenshots.zip"} if answer.get("screenshots") else set()
    return tuple((safe(name), f"{base}/{name}") for name in sorted(names) if "/" not in name)


def _real(cloud: Cloud, session: str, answer: object) -> tuple[tuple[str, str], ...]:
    base = f"{cloud.at.api}/v1/rdc/jobs/{session}"
    native = str(inner(answer, "automation_backend")) in ("espresso", "xcuitest")
    there = {
        "device.log": (inner(answer, "device_log_url"), "deviceLogs"),
        "video.mp4": (inner(answer, "video_url"), "video.mp4"),
        "screenshots.zip": (inner(answer, "screenshots"), "screenshots.zip"),
        "junit.xml": (native, "junit.xml"),
    }
    return tuple((name, f"{base}/{path}") for name, (has, path) in there.items() if has)


def _urls(tree: object, wanted: dict[str, str]) -> tuple[tuple[str, str], ...]:
    found = ((name, inner(tree, key)) for name, key in wanted.items())
    return tuple((name, url) for name, url in found if isinstance(url, str) and url.startswith("https://"))
