"""Plan: what `davy build --plan` says. It is quick, so it knows nothing of canaries, checks and builders."""

from collections.abc import Mapping
from typing import Any

from davy.pipeline.builds import plan
from davy.pipeline.core.endings import Ending
from davy.workflows.builds import buildtable
from davy.workflows.builds import images as works
from davy.workflows.story.task import Errand


def planned(task: Errand, said: Mapping[str, Any]) -> Ending:
    """What a build would do; nothing is touched, and unless `--ask` says so, nobody is asked."""
    only = works.meant(task.config, said["images"])
    with works.seen(task, ask=said["ask"]) as (shop, memory):
        images = plan.outlook(shop, memory, only=only, force=said["force"] or said["no_cache"])
    buildtable.shown(images, shop.warnings, said)
    return Ending.DONE
