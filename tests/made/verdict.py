"""docs/verdict.svg: the evidence on a bad canary and on a good one, judged by the code and drawn by it."""

from dataclasses import replace

from davy.checks.traces.result import TraceResult
from davy.workflows.render.plots import axes, curves, figures
from davy.workflows.render.plots.paper import drawing
from davy.workflows.render.plots.shapes import CANARY, OWN, Curve, Limit
from judged import AVAILABILITY, judged, traced

RIGHT = 98
"""Room for the lines' names."""
WORDS = (
    "Two canaries at 100 requests a second, of which stable fails one in 1,000. The one that fails five times as often "
    "is rolled back; the one that fails as often as stable is promoted. Shares: 5, 20 and 50 % of requests."
)


def text() -> str:
    """Two figures side by side."""
    bad, good = traced([AVAILABILITY], errors=5.0, seed=3), traced([AVAILABILITY], seed=3)
    findings = {"bad canary": judged(bad), "good canary": judged(good)}
    against = {name: curves.against(one, bad)[0] for name, one in findings.items()}
    promoting = {name: curves.promoting(one)[0] for name, one in findings.items()}
    first = next(iter(findings.values()))
    drawn = [
        _figure("Evidence against it", against, findings, _limit(first.roll_back_at, "rolled back")),
        _figure("Evidence for it", promoting, findings, _limit(first.promote_at, "promoted")),
    ]
    width, height = 2 * figures.WIDTH, figures.HEAD + figures.PLOT + figures.FEET + 24
    inner = "".join(
        f'<g transform="translate({place * figures.WIDTH} 0)"><text x="2" y="16" class="b">{title}</text>'
        f'<g transform="translate(0 22)">{body}</g></g>'
        for place, (title, body) in enumerate(drawn)
    )
    return (
        f'<svg class="figure" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="t d"><title id="t">A bad canary and a good one</title><desc id="d">{WORDS}</desc>'
        f'<style>{drawing()}</style><rect width="{width}" height="{height}" fill="var(--paper)"/>{inner}</svg>\n'
    )


def _limit(log: float | None, words: str) -> Limit:
    assert log is not None
    return Limit(at=curves.common(log), words=words)


def _figure(title: str, lines: dict[str, Curve], findings: dict[str, TraceResult], limit: Limit) -> tuple[str, str]:
    hues = dict(zip(lines, (CANARY, OWN[0]), strict=True))
    series = [replace(line, hue=hues[name], tag=name) for name, line in lines.items()]
    y = axes.evidence((v for line in series for _, v in line.points), limit.at, "evidence (1: none either way)", 9)
    x = axes.time([look.t for one in findings.values() for look in one.looks], "time since the rollout began", 7)
    return title, "".join(figures.plotted(x, y, series, limits=(Limit(at=0.0), limit), right=RIGHT))
