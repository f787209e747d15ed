"""Problems: what is wrong with the checks, found before anything is touched."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from davy.checks.judges.flagger.rules import RangeCheck
from davy.checks.judges.kayenta.config_file import Analysis
from davy.checks.judges.threshold.rules import Check, asked
from davy.checks.ports import Metrics, Series
from davy.checks.preflight import lint
from davy.checks.preflight.remark import RemarkSeverity
from davy.checks.samples import reader
from davy.checks.samples.selectors import Selector, any_of, read_matcher, selector
from davy.pipeline.config.parsing.yaml_tree import shown
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.config.sections.thresholds import ThresholdConfig
from davy.pipeline.core.errors import DavyError, Forbidden, Problem, Unusable

RECENT = timedelta(minutes=5)


def problems(
    config: ChecksConfig,
    metrics: Metrics,
    stable_pods: Collection[str],
    now: datetime,
    analysis: Analysis | None = None,
) -> tuple[Problem, ...]:
    """Everything that would keep the judge from telling canary from stable. Raises Unreachable and Forbidden.

    `stable_pods`: the names of the pods that serve now; `analysis`: Kayenta's canary config, for its judge.
    """
    pods = frozenset(stable_pods)
    of_analysis = _of_analysis(analysis, metrics, pods, now) if analysis else ()
    return (*_of_itself(config), *_of_answers(config, metrics, pods, now), *of_analysis)


def _of_analysis(analysis: Analysis, metrics: Metrics, pods: frozenset[str], now: datetime) -> Iterator[Problem]:
    """Each query is put as for the baseline; that it answers nothing yet is no problem."""
    names = tuple(sorted(pods))
    for metric in analysis.metrics:
        for side, query in (("canary", metric.canary), ("baseline", metric.baseline)):
            wanted = asked(query, names, names)
            try:
                if wanted is not None:
                    metrics.query(wanted, now)
            except Forbidden:
                raise
            except Unusable as error:
                yield Problem(path="checks.kayenta.config", what=f"{metric.name}, asked of the {side}: {error}")


def warnings(config: ChecksConfig, metrics: Metrics, stable_pods: Collection[str], now: datetime) -> tuple[str, ...]:
    """What the query linter advises against, also where only the server can tell, and what the server warned of."""
    pods = any_of(tuple(stable_pods))
    remarks = [one for one in lint.remarks(config) if one.severity is RemarkSeverity.WARNING]
    for question in lint.questions(config, pods, pods):
        with suppress(DavyError):  # What matters is among the problems; advice is not worth a release.
            remark = question.read(metrics.query(question.promql, now))
            remarks += [remark] if remark is not None else []
    return (*(f"{shown(remark.place)}: {remark}" for remark in remarks), *metrics.heard())


def _of_itself(config: ChecksConfig) -> Iterator[Problem]:
    yield from _of_judge(config)
    names = [slo.name for slo in config.slos] + [threshold.name for threshold in config.thresholds]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(path="checks", what=f"the name {name!r} is used more than once; each check needs its own")
    for index, slo in enumerate(config.slos):
        yield from _of_shape(slo, f"checks.slos[{index}]")
    for index, threshold in enumerate(config.thresholds):
        try:
            _check(threshold)
        except ValueError as error:
            yield Problem(path=f"checks.thresholds[{index}]", what=str(error))
    errors = (remark for remark in lint.remarks(config) if remark.severity is RemarkSeverity.ERROR)
    yield from (Problem(path=shown(remark.place), what=str(remark)) for remark in errors)


def _of_judge(config: ChecksConfig) -> Iterator[Problem]:
    used = config.thresholds if config.judge == "threshold" else (*config.slos, *config.thresholds)
    if config.judge == "mannwhitney":
        if config.kayenta is None:
            yield Problem(path="checks.kayenta", what="`judge: mannwhitney` needs a canary config of Kayenta's")
    elif not used:
        what = "no threshold to judge by" if config.judge == "threshold" else "no SLO and no threshold to judge by"
        yield Problem(path="checks", what=f"{what}; a canary without a question is never promoted")
    elif config.judge == "sequential" and not config.slos:
        yield Problem(path="checks.slos", what="the sequential judge needs an SLO; or set `judge: threshold`")


def _of_shape(slo: SloConfig, path: str) -> Iterator[Problem]:
    if slo.histogram is not None:
        if slo.errors is not None or slo.good is not None or slo.total is not None:
            yield Problem(
                path=path, what="either `histogram` with `under`, or `errors` or `good` with `total`, not both"
            )
        if slo.under is None:
            yield Problem(path=f"{path}.under", what="a histogram needs `under`: good events take at most this long")
    elif (slo.errors is None and slo.good is None) or slo.total is None:
        missing = "errors" if slo.errors is None and slo.good is None else "total"
        yield Problem(
            path=f"{path}.{missing}",
            what="needs `errors` and `total`, or `good` and `total`, or `histogram` and `under`",
        )


def _of_answers(config: ChecksConfig, metrics: Metrics, pods: frozenset[str], now: datetime) -> Iterator[Problem]:
    asking = _Asking(metrics, config.pod_label, pods, now)
    if config.judge == "sequential":
        for index, slo in enumerate(config.slos):
            yield from asking.of_slo(slo, f"checks.slos[{index}]")
    for index, threshold in enumerate(config.thresholds):
        try:
            query = _check(threshold).asked(tuple(sorted(pods)), tuple(sorted(pods)))
            if query is not None:
                metrics.query(query, now)
        except Forbidden:
            raise
        except Unusable as error:
            yield Problem(path=f"checks.thresholds[{index}].query", what=str(error))
        except ValueError:
            continue


def _check(config: ThresholdConfig) -> Check | RangeCheck:
    return RangeCheck.of(config) if config.style == "flagger" else Check.of(config)


class _Asking:
    """Puts selectors to the server and names what is wrong with the answer."""

    def __init__(self, metrics: Metrics, label: str, pods: frozenset[str], now: datetime) -> None:
        self._metrics = metrics
        self._label = label
        self._pods = pods
        self._now = now

    def of_slo(self, slo: SloConfig, path: str) -> Iterator[Problem]:
        if slo.histogram is not None:
            yield from self._of_histogram(slo, slo.histogram, f"{path}.histogram")
        if slo.total is not None:
            yield from self._of_counter(slo.total, f"{path}.total")
        if slo.good is not None:
            yield from self._of_counter(slo.good, f"{path}.good")
        if slo.errors is not None:
            yield from self._of_errors(slo.errors, slo.total, f"{path}.errors")

    def _of_counter(self, text: str, path: str) -> Iterator[Problem]:
        found = self._series(text, path)
        if isinstance(found, Problem):
            yield found
        elif not found:
            yield Problem(path=path, what=self._nothing(selector(text)))
        else:
            yield from self._of_labels(found, text, path)

    def _of_errors(self, text: str, total: str | None, path: str) -> Iterator[Problem]:
        """No error yet is no fault: its series appear with the first one. But the metric itself should be there."""
        found = self._series(text, path)
        if isinstance(found, Problem):
            yield found
        elif found:
            yield from self._of_labels(found, text, path)
        elif not self._known(selector(text), total):
            hint = "an error counter that appears with its first error looks like a typo: let it begin at 0"
            yield Problem(path=path, what=f"{self._nothing(selector(text))} ({hint})")

    def _known(self, wanted: Selector, total: str | None) -> bool:
        """True where the name is that of the total, or series of that name are there with other labels."""
        try:
            if total is not None and wanted.name and selector(total).name == wanted.name:
                return self._misspelled(wanted) is None
        except ValueError:
            return True
        return bool(wanted.name) and self._any(Selector(name=wanted.name))

    def _misspelled(self, wanted: Selector) -> str | None:
        """A label that no series of this name has: no error will ever match it."""
        series = self._metrics.samples(wanted.name, self._now - RECENT, self._now)
        have = {label for one in series for label in one.labels}
        for matcher in wanted.matchers:
            label, operator, _ = read_matcher(matcher)
            if series and label not in have and operator in ("=", "=~"):
                return label
        return None

    def _of_histogram(self, slo: SloConfig, text: str, path: str) -> Iterator[Problem]:
        found = self._series(text, path)
        if isinstance(found, Problem):
            yield found
            return
        if not found:
            yield Problem(path=path, what=self._nothing(selector(text)))
            return
        yield from self._of_labels(found, text, path)
        if slo.under is None:
            return
        found, _ = reader.classic(slo, found)
        if not any("le" in one.labels for one in found):
            what = f"{text} has no label `le`: it is neither a classic histogram's `_bucket` series nor a native one"
            yield Problem(path=path, what=what)
            return
        try:
            reader.raw_of(slo, found)
        except Unusable as error:
            key = ".bounds" if slo.bounds else ".under"
            yield Problem(path=path.replace(".histogram", key), what=str(error))
            return
        if not self._metrics.samples(str(reader.needed_buckets(slo)), self._now - RECENT, self._now):
            yield Problem(path=path, what=f"{text} has bucket bounds in a spelling that cannot be selected")

    def _series(self, text: str, path: str) -> tuple[Series, ...] | Problem:
        try:
            selector(text)
            return self._metrics.samples(text, self._now - RECENT, self._now)
        except ValueError as error:
            return Problem(path=path, what=str(error))
        except Forbidden:
            raise
        except Unusable as error:
            return Problem(path=path, what=str(error))

    def _of_labels(self, found: tuple[Series, ...], text: str, path: str) -> Iterator[Problem]:
        label = self._label
        named = {one.labels.get(label, "") for one in found}
        if named == {""}:
            have = ", ".join(sorted({name for one in found for name in one.labels if name != "__name__"})) or "none"
            what = f"cannot tell canary from stable: the series of {text} have no label `{label}` (they have: {have})"
            yield Problem(path=path, what=f"{what}; set checks.pod_label or drop the aggregation")
        elif self._pods and not named & self._pods:
            seen, pod = _some(named - {""}), _some(self._pods)
            what = f"cannot tell canary from stable: `{label}` of {text} is never the name of a pod of the Deployment"
            yield Problem(path=path, what=f"{what} (it is {seen}; the pods are {pod})")

    def _nothing(self, wanted: Selector) -> str:
        """Says which part to drop: one matcher alone, or all of them."""
        what = f"{wanted} has had no series in the last five minutes"
        for index, matcher in enumerate(wanted.matchers):
            less = wanted.without(index)
            if (less.name or less.matchers) and self._any(less):
                return f"{what}; without {matcher} it has: {self._values(less, matcher)}"
        if wanted.name and wanted.matchers and self._any(Selector(name=wanted.name)):
            return f"{what}; {wanted.name} itself has, so its labels are others than these"
        return f"{what}; is the name right, and are the pods scraped?"

    def _values(self, less: Selector, matcher: str) -> str:
        label = matcher.split("=", maxsplit=1)[0].rstrip("!").strip().strip("\"'")
        series = self._metrics.samples(str(less), self._now - RECENT, self._now)
        values = {one.labels[label] for one in series if label in one.labels}
        return f"there `{label}` is {_some(values)}" if values else f"there is no label `{label}`"

    def _any(self, wanted: Selector) -> bool:
        return bool(self._metrics.samples(str(wanted), self._now - RECENT, self._now))


def _some(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (", …" if len(shown) > 3 else "")
