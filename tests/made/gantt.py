"""docs/spread.svg: the same test files dealt out in turn, and from davy's queue, as its driver ran them."""

import random
from dataclasses import dataclass, field

from bench.spread import MINUTE, Seconds, SimulatedSuites, drawn, guessed, history, suite
from davy.pipeline.core.ports import Say
from davy.pipeline.suites import queue
from davy.pipeline.suites.attempts import RetryRules
from davy.pipeline.suites.plan import pieces, sharding
from davy.pipeline.suites.plan.pieces import PlannedSuite
from davy.pipeline.suites.ports import SuiteOrder, SuiteRun
from davy.pipeline.suites.queue import SuiteJob
from davy.workflows.render.plots.paper import drawing
from simulated_crew import CrewClock, SimulatedCrew

FILES, WORKERS, SEED, NOISE = 60, 10, 2, 0.3
WIDTH, LEFT, RIGHT = 760, 8, 96
ROW, BAR, HEAD, GAP, FEET = 13, 10, 26, 18, 26
WORDS = (
    "60 test files of log-normal length on 10 runners. Dealt out in turn, one runner is busy long after the others; "
    "from a shared queue, longest expected first, all end together, although each estimate is off by about 30 %."
)

Bar = tuple[int, float, float]
"""Row, and when it began and ended, in seconds."""


@dataclass
class Watched(SimulatedSuites):
    """Remembers what ran when."""

    row: int = 0
    bars: list[Bar] = field(default_factory=list)

    def run(self, order: SuiteOrder, say: Say) -> SuiteRun:
        """Each file of a bundle is a bar of its own."""
        for item in order.items:
            began = self.clock.now().timestamp()
            self.clock.sleep(self.seconds[item])
            self.bars.append((self.row, began, self.clock.now().timestamp()))
        return SuiteRun(exit_code=0, junit=None, log=order.out)

    def stop(self) -> None:
        """Nothing runs."""


def text() -> str:
    """Two charts, one below the other, on one scale."""
    chance = random.Random(SEED)
    true = drawn(FILES, chance)
    guess = guessed(true, NOISE, chance)
    dealt, queued = _dealt(true), _queued(true, guess)
    scale = (WIDTH - LEFT - RIGHT) / _end(dealt)
    ideal = sharding.ideal(true.values(), WORKERS)
    each = HEAD + WORKERS * ROW + GAP
    height = 2 * each + FEET
    body = _chart("In turn: file 1 to runner 1, file 2 to runner 2, …", dealt, scale, 0, 2)
    body += _chart("davy: a shared queue, longest expected first", queued, scale, each, 1)
    body += _ideal(LEFT + ideal * scale, height - FEET, ideal)
    return (
        f'<svg class="figure" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="t d"><title id="t">Dealt out in turn, and from a queue</title><desc id="d">{WORDS}</desc>'
        f'<style>{drawing()}</style><rect width="{WIDTH}" height="{height}" fill="var(--paper)"/>{body}</svg>\n'
    )


def _dealt(true: Seconds) -> list[Bar]:
    items, bars = sorted(true), []
    for row in range(WORKERS):
        at = 0.0
        for item in items[row::WORKERS]:
            bars.append((row, at, at + true[item]))
            at += true[item]
    return bars


def _queued(true: Seconds, guess: Seconds) -> list[Bar]:
    clock = CrewClock()
    began = clock.now().timestamp()
    ask = PlannedSuite(suite=suite(WORKERS), files=tuple(sorted(true)))
    known = {"": sharding.guess(history(guess), "e2e", "", ask.files)}
    runners = [Watched(true, clock, row=row) for row in range(WORKERS)]
    order = SuiteOrder(name="e2e", image=None, run="true")
    job = SuiteJob(
        order=order, pieces=pieces.queued(ask, known, WORKERS), rules=RetryRules(), excused=lambda _, __: False
    )
    for _ in queue.worked(job, runners, SimulatedCrew(clock), clock, str):
        pass
    return [(row, start - began, end - began) for runner in runners for row, start, end in runner.bars]


def _end(bars: list[Bar]) -> float:
    return max(end for _, _, end in bars)


def _chart(title: str, bars: list[Bar], scale: float, top: int, hue: int) -> str:
    lines = [f'<text x="{LEFT}" y="{top + 17}" class="b">{title}</text>']
    for row, began, ended in bars:
        x, width = LEFT + began * scale, max((ended - began) * scale - 1, 0.5)
        y = top + HEAD + row * ROW
        lines.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" class="f{hue}"/>')
    last = max(bars, key=lambda bar: bar[2])
    x, y = LEFT + last[2] * scale + 6, top + HEAD + last[0] * ROW + BAR - 1
    lines.append(f'<text x="{x:.1f}" y="{y}" class="halo">{last[2] / MINUTE:.0f} minutes</text>')
    return "".join(lines)


def _ideal(x: float, bottom: int, ideal: float) -> str:
    line = f'<line x1="{x:.1f}" y1="{HEAD - 4}" x2="{x:.1f}" y2="{bottom}" class="limit"/>'
    words = f"no order can be faster: {ideal / MINUTE:.0f} minutes"
    return f'{line}<text x="{x:.1f}" y="{bottom + 15}" class="mid limitword">{words}</text>'
