"""Pieces: a suite as the pieces it is run in: the cells of its matrix, its shards, bundles of its files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import product

from davy.pipeline.config.sections.suite_variables import UNSAFE
from davy.pipeline.config.sections.suites import SuiteConfig
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.plan import environment, sharding
from davy.pipeline.suites.plan.sharding import Guess
from davy.pipeline.suites.ports import SuiteOrder

LONGEST_FOLDER = 60
LONGEST_CELL = 100
"""Letters of a cell's name; it is a folder's, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of the matrix."""

    name: str = ""
    """`chrome-windows`; empty where there is no matrix."""
    values: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    """What only the suite's place understands, of this cell alone."""
    files: tuple[str, ...] | None = None
    """Its own test files; None: the suite's. Empty: what it runs is settled, and it is run once."""
    pass_threshold: int | None = None
    """Of its tries, how many must pass; None: as the suite says."""

    @property
    def settled(self) -> bool:
        """True where shards and files do not concern it."""
        return self.files == ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one runner is given at once."""

    cell: Cell = Cell()
    name: str = ""
    """`chrome-windows/2-of-8`, `chrome-windows/tests/test_cart.py +3`; empty where it is the suite whole."""
    folder: str = ""
    """Of its log and report, in the suite's; unlike any other piece's."""
    shard: tuple[int, int] = (1, 1)
    items: tuple[str, ...] = ()
    expected: float = 0.0
    """Seconds; where no earlier run says anything, each file counts 1 and a suite without files 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSuite:
    """A suite as it is to run."""

    suite: SuiteConfig
    cells: tuple[Cell, ...] = (Cell(),)
    files: tuple[str, ...] = ()
    """What its globs name now."""
    shard: tuple[int, int] | None = None
    """This machine's part of it, where the others run elsewhere: number from 1, and of how many."""
    share: tuple[str, ...] | None = None
    """The files of that part, where they were settled before; else they are worked out, on every machine the same."""

    @property
    def at_once(self) -> int:
        """How many would run at once if the place took them all."""
        return max(1, len(self.cells)) * (1 if self.shard else self.suite.shards)

    def of(self, cell: Cell) -> tuple[str, ...]:
        """The cell's test files."""
        return self.files if cell.files is None else cell.files


Guesses = Mapping[str, Guess]
"""By cell's name."""


def cells(suite: SuiteConfig) -> tuple[Cell, ...]:
    """Each combination of the matrix, the last key changing fastest; one without a name where there is no matrix."""
    if not suite.matrix:
        return (Cell(),)
    keys = tuple(suite.matrix)
    combined = tuple(product(*(suite.matrix[key] for key in keys)))
    names = distinct(["-".join(map(plain, values)) for values in combined])
    return tuple(
        Cell(name=name, values=dict(zip(keys, values, strict=True)))
        for name, values in zip(names, combined, strict=True)
    )


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, with a number behind each that is there already: `cache`, `cache-2`.

    A cell's name is its folder's, and its place in every table and record. Letters' case does not tell two folders
    apart everywhere, so it does not here.
    """
    short = [name[:LONGEST_CELL] for name in names]
    theirs = {name.casefold() for name in short}
    taken: set[str] = set()
    made: list[str] = []
    for name in short:
        own, number = name, 1
        while own.casefold() in taken or (number > 1 and own.casefold() in theirs):
            number += 1
            own = f"{name}-{number}"
        taken.add(own.casefold())
        made.append(own)
    return tuple(made)


def plain(text: str) -> str:
    """Fit for a file's name."""
    return UNSAFE.sub("_", text).strip("._-") or "_"


def queued(ask: PlannedSuite, guesses: Guesses, workers: int) -> tuple[Piece, ...]:
    """For a shared queue, longest expected first. Files are bundled; without files each shard is known by number."""
    if ask.shard is not None or not _has_files(ask):
        return static(ask, guesses, workers)
    whole = sum(guesses[cell.name].total(ask.of(cell)) for cell in ask.cells)
    made: list[Piece] = []
    for cell in ask.cells:
        guess = guesses[cell.name]
        if cell.settled:
            made += _numbered(cell, (1, 1), guess)
            continue
        seconds = {item: guess.seconds[item] for item in ask.of(cell)}
        share = guess.total(seconds) / whole
        planned = sharding.bundles(seconds, workers, start=guess.start, share=share)
        chosen = [part for items in planned for part in _told_in_parts(items)]
        made += [_bundle(cell, number, items, guess) for number, items in enumerate(chosen, start=1)]
    return tuple(sorted(made, key=lambda piece: -piece.expected))


def static(ask: PlannedSuite, guesses: Guesses, slots: int) -> tuple[Piece, ...]:
    """For a place with a queue of its own, and for separate machines: shards that are settled before they begin."""
    each = max(1, min(ask.suite.shards, slots // max(1, len(ask.cells))))
    if ask.shard is not None:
        found = [piece for cell in ask.cells for piece in _of_machine(ask, ask.shard, cell, guesses)]
    else:
        found = [piece for cell in ask.cells for piece in _of_cell(ask, cell, guesses[cell.name], each)]
    return tuple(sorted(found, key=lambda piece: -piece.expected))


def settled(ask: PlannedSuite, guesses: Guesses, count: int) -> tuple[tuple[str, ...], ...]:
    """The files of each of so many machines. Every cell has the same ones, by what all of them take together."""
    seconds: dict[str, float] = {}
    for cell in ask.cells:
        for item in ask.of(cell):
            seconds[item] = seconds.get(item, 0.0) + guesses[cell.name].seconds[item]
    return sharding.shards(seconds, count)


def ordered(order: SuiteOrder, piece: Piece) -> SuiteOrder:
    """The suite's order for one piece of it: its part of the environment and a folder of its own."""
    from dataclasses import replace  # noqa: PLC0415 - 10 ms that a plan need not pay

    made = replace(
        order,
        part=piece.name,
        items=piece.items,
        shard=piece.shard,
        cell=piece.cell.values,
        settings={**order.settings, **piece.cell.settings},
        out=order.out / piece.folder if piece.folder else order.out,
    )
    return replace(made, env=environment.variables(made))


def _told_in_parts(items: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A bundle as one or several, each of which $DAVY_TESTS holds."""
    left = tuple(items)
    while left:
        part = environment.fitting(left) or left[:1]
        yield part
        left = left[len(part) :]


def _has_files(ask: PlannedSuite) -> bool:
    return any(ask.of(cell) for cell in ask.cells)


def _of_machine(ask: PlannedSuite, shard: tuple[int, int], cell: Cell, guesses: Guesses) -> list[Piece]:
    number, of = shard
    guess, files = guesses[cell.name], ask.of(cell)
    if files:
        share = settled(ask, guesses, of)[number - 1] if ask.share is None else ask.share
        return _piece(cell, shard, tuple(item for item in share if item in set(files)), guess)
    if cell.settled:
        return _numbered(cell, (1, 1), guess) if ask.cells.index(cell) % of == number - 1 else []
    if ask.suite.shards > 1:
        return [*_numbered(cell, shard, guess)]
    # It does not split itself: one machine runs it, and the others do not.
    return _numbered(cell, (1, 1), guess) if number == 1 else []


def _of_cell(ask: PlannedSuite, cell: Cell, guess: Guess, each: int) -> list[Piece]:
    files, of = ask.of(cell), ask.suite.shards
    if cell.settled:
        return _numbered(cell, (1, 1), guess)
    if not files:
        return [piece for own in range(1, of + 1) for piece in _numbered(cell, (own, of), guess)]
    shares = sharding.shards({item: guess.seconds[item] for item in files}, each)
    return [piece for own, items in enumerate(shares, start=1) for piece in _piece(cell, (own, each), items, guess)]


def _numbered(cell: Cell, shard: tuple[int, int], guess: Guess) -> list[Piece]:
    """Without files the command splits itself, by $DAVY_SHARD and $DAVY_SHARDS."""
    name = _name(cell, shard)
    expected = guess.seconds[shard_key(*shard)] if guess.known else 0.0
    return [Piece(cell=cell, name=name, folder=name, shard=shard, expected=expected)]


def _piece(cell: Cell, shard: tuple[int, int], items: tuple[str, ...], guess: Guess) -> list[Piece]:
    """None where there are fewer files than shards."""
    name, expected = _name(cell, shard), guess.total(items)
    return [Piece(cell=cell, name=name, folder=name, shard=shard, items=items, expected=expected)] if items else []


def _name(cell: Cell, shard: tuple[int, int]) -> str:
    number = f"{shard[0]}-of-{shard[1]}" if shard[1] > 1 else ""
    return "/".join(part for part in (cell.name, number) if part)


def shard_key(number: int, of: int) -> str:
    """A numbered shard's name in records; empty for the suite as a whole."""
    return "" if of == 1 else f"{number}/{of}"


def expected_items(ask: PlannedSuite, cell: Cell) -> tuple[str, ...]:
    """What the records are asked about: its files, or its shards by number."""
    if cell.settled:
        return ("",)
    if files := ask.of(cell):
        return files
    of = ask.shard[1] if ask.shard and ask.suite.shards > 1 else ask.suite.shards
    return tuple(shard_key(number, of) for number in range(1, of + 1))


def _bundle(cell: Cell, number: int, items: Sequence[str], guess: Guess) -> Piece:
    more = f" +{len(items) - 1}" if len(items) > 1 else ""
    return Piece(
        cell=cell,
        name="/".join(part for part in (cell.name, f"{items[0]}{more}") if part),
        folder="/".join(part for part in (cell.name, f"{number:03}-{plain(items[0])[-LONGEST_FOLDER:]}") if part),
        items=tuple(items),
        expected=guess.total(items),
    )
