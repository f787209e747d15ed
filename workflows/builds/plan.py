"""Plan: what `davy build --plan` says. It is quick, so it knows nothing of canaries, checks and builders."""

from davy.pipeline.builds.plan import outlook
from davy.pipeline.core.endings import Ending
from davy.workflows.builds import buildtable
from davy.workflows.builds import images as works
from davy.workflows.builds.options import BuildOptions
from davy.workflows.story.task import Task


def plan(task: Task, options: BuildOptions) -> Ending:
    """What a build would do; nothing is touched, and unless `--ask` says so, nobody is asked."""
    only = works.meant(task.config, options.images)
    with works.seen(task, ask=options.ask) as (shop, memory):
        images = outlook(shop, memory, only=only, force=options.force or options.no_cache)
    buildtable.shown(images, shop.warnings, options.view.output)
    return Ending.DONE
