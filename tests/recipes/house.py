"""House: a copy of the rooms, where a recipe is carried out. What it makes lies in `beacon`, by the paths it gets."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "canary", "checks", "workflows")
BEACON = Path(__file__).parent / "beacon"


def copied(folder: Path) -> Path:
    """The rooms under their import name, in a folder of their own."""
    (folder / "davy").mkdir()
    (folder / "davy" / "__init__.py").touch()  # A package proper hides the installed namespace of the same name.
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / "davy" / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class House:
    """A copy of the rooms, in which files are made and lines put in; it knows which files were touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        copied(folder)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def new(self, path: str) -> None:
        """The file of that path which lies in `beacon`."""
        place = self._place(path)
        assert not place.exists(), f"{path} is there already"
        place.parent.mkdir(exist_ok=True)
        shutil.copy(BEACON / path, place)

    def put(self, path: str, old: str, new: str) -> None:
        """`new` in the one place where `old` is."""
        place = self._place(path)
        text = place.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        place.write_text(text.replace(old, new))

    def after(self, path: str, line: str, more: str) -> None:
        self.put(path, line, line + more)

    def python(self, code: str) -> str:
        return self._run(sys.executable, "-c", code)

    def lint_imports(self) -> str:
        return " ".join(self._run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache").split())

    def _run(self, *command: str) -> str:
        here = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400", "PATH": ""}
        run = subprocess.run(
            command, cwd=self.folder, env=here, capture_output=True, text=True, check=False, timeout=60
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def _place(self, path: str) -> Path:
        self.touched.add(path)
        return self.folder / path if path == "pyproject.toml" else self.folder / "davy" / path
