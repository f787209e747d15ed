"""Placed images: every image by the name it is built under, and whether it is one that is deployed."""

from pathlib import Path

from davy.pipeline.builds.content import graph
from davy.pipeline.builds.dockerfile import parser
from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images import matrix
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.config.sections.images.matrix import Recipe
from davy.pipeline.core.errors import Missing, Unusable
from davy.pipeline.source.ports import WorkTree
from davy.workflows.wiring.builds import work_tree


def placed(config: DeliveryConfig, folder: Path) -> tuple[ImageConfig, ...]:
    """Every image by the name it is built under, with `deploy` said for each: what the file leaves open is decided.

    A Dockerfile that is not there or cannot be read tells nothing: a job that only deploys has no need of it.
    """
    made = matrix.expanded(config.images)
    tree = work_tree()
    references = {one.id: _references(one, folder, tree) for one in made} if len(made) > 1 else {}
    said = {one.id: image.deploy for image in config.images for one in matrix.cells_of(image)}
    runs = graph.deployed(made, graph.linked(made, references).parents, said)
    return tuple(
        image.copied(name=one.name, matrix={}, deploy=one.id in runs)
        for image in config.images
        for one in matrix.cells_of(image)
    )


def _references(recipe: Recipe, folder: Path, tree: WorkTree) -> tuple[str, ...]:
    try:
        text = tree.own_text(folder / recipe.context / recipe.dockerfile, folder)
    except (Unusable, Missing):
        return ()
    read = parser.parsed(
        text or "", args=recipe.args, target=recipe.target, contexts=recipe.contexts, stand_ins=recipe.stand_ins
    )
    return read.bases
