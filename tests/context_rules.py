"""Rules of a context that tests write as two functions, asked name by name."""

from collections.abc import Callable, Sequence


def every(_: str) -> bool:
    """Nothing is left out."""
    return True


class Asked:
    """Rules as the work tree wants them."""

    def __init__(self, keeps: Callable[[str], bool] = every, enters: Callable[[str], bool] = every) -> None:
        self._keeps, self._enters = keeps, enters

    def kept(self, files: Sequence[str]) -> Sequence[str]:
        return [one for one in files if self._keeps(one)]

    def entered(self, folders: Sequence[str]) -> Sequence[str]:
        return [one for one in folders if self._enters(one)]
