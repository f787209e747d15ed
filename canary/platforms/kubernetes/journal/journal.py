"""Journal: the rollout's memory in a ConfigMap beside the Deployment.

Every write replaces the whole object by its resourceVersion, so it happens whole or not at all, and never over
another's. Which write was the last one stands on the object (`davy.dev/written`: fence, writer, number), so a write
whose answer was lost can be told from one that never arrived, and is not made twice. A runner whose fence is older
than the object's is refused.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from davy.canary.platforms.held_update import PREFIX
from davy.canary.platforms.kubernetes.annotations import FENCE, MANAGED_BY, fence_from, object_name
from davy.canary.platforms.kubernetes.documents import annotations
from davy.canary.platforms.kubernetes.journal.text import (
    Ledger,
    asked_of,
    data_of,
    events_of,
    history_of,
    is_begun,
    ledger_from,
    with_word,
    written,
)
from davy.canary.platforms.kubernetes.lease import current_fence
from davy.canary.platforms.kubernetes.watches.mirror import Listening, Mirror
from davy.canary.ports.journal import Past
from davy.pipeline.clients.kubernetes.answers import understood
from davy.pipeline.clients.kubernetes.api import METADATA, KubeApi
from davy.pipeline.core.errors import Conflict, Missing, Unreachable
from davy.pipeline.core.events import Asked, CanaryStarted, Event
from davy.pipeline.core.workload import Workload

Doc = dict[str, Any]

WRITTEN = PREFIX + "written"


@understood
class KubernetesJournal:
    """`canary.ports.Journal` on a ConfigMap."""

    def __init__(
        self,
        api: KubeApi,
        workload: Workload,
        *,
        fence: Callable[[], int],
        listening: Listening = Listening(),  # noqa: B008 - frozen
    ) -> None:
        """`fence`: of the lock held now (`KubernetesLock.fence`); 0 where none is, and then only words are left.

        `listening`: how it hears that people left words; without it that is asked each time.
        """
        self._api, self._workload, self._fence = api, workload, fence
        self._folder = f"/api/v1/namespaces/{workload.namespace}/configmaps"
        name = object_name(workload)
        self._path = f"{self._folder}/{name}"
        self._marks = Mirror(
            api,
            listening,
            lambda: api.metadata(self._path),
            folder=self._folder,
            query={"fieldSelector": f"metadata.name={name}"},
            accept=METADATA,
        )
        """Its metadata: whether it changed."""
        self._last: Doc | None = None
        self._words: tuple[str, tuple[Asked, ...]] = ("", ())
        """People's words, with the resourceVersion that they were read at."""
        self._writer, self._number = os.urandom(4).hex(), 0
        self._doubtful: tuple[str, tuple[Event, ...]] | None = None
        """Mark and events of a write whose answer never came."""

    def write(self, events: Sequence[Event]) -> None:
        """See the port. Raises Conflict where the fence is stale, Unreachable where it may or may not be written."""
        fence = self._fence()
        if not fence:
            raise Conflict(f"The journal of {self._workload} is written only under the lock, which is not held.")
        mark, batch = self._mark(fence, tuple(events)), tuple(events)
        self._doubtful = (mark, batch)
        try:
            self._written(mark, fence, batch)
        except Exception:  # Whatever it was, it may have been written all the same.
            self._last = None
            raise
        self._doubtful = None

    def read(self) -> tuple[Event, ...]:
        """See the port."""
        return events_of(self._ledger())

    def ask(self, asked: Asked) -> None:
        """See the port. Needs no lock: a person's word is for whoever holds it."""
        for _ in range(10):
            document = self._read()
            ledger = with_word(ledger_from(document.get("data") or {}), asked)
            try:
                self._put(self._with(document, ledger))
            except Conflict:
                if asked in asked_of(self._ledger()):
                    return
                continue
            return
        raise Unreachable(f"The journal of {self._workload} changes faster than a word can be left in it.")

    def asked(self) -> tuple[Asked, ...]:
        """See the port. Cheap to call often: what is in it is asked for only when it changed."""
        try:
            found = self._marks.documents()
        except Missing:
            found = []
        if not found:
            return ()
        version = self._version(found[0])
        if version != self._words[0]:
            known = self._last if self._last and self._version(self._last) == version else self._read()
            self._words = self._version(known), asked_of(ledger_from(known.get("data") or {}))
        return self._words[1]

    def history(self) -> tuple[Past, ...]:
        """See the port."""
        return history_of(self._ledger())

    def _mark(self, fence: int, events: tuple[Event, ...]) -> str:
        """The same for the same events after a lost answer, else a new one."""
        if self._doubtful is not None and self._doubtful[1] == events and self._doubtful[0].startswith(f"{fence}:"):
            return self._doubtful[0]
        self._number += 1
        return f"{fence}:{self._writer}:{self._number}"

    def _written(self, mark: str, fence: int, events: tuple[Event, ...]) -> None:
        for _ in range(10):
            document = self._last or self._read()
            notes = annotations(document)
            found = fence_from(notes.get(FENCE, ""))
            # Fences come from the Lease alone: where it says ours, a higher one here is none of davy's.
            if found > fence and current_fence(self._api, self._workload) != fence:
                raise Conflict(
                    f"The journal of {self._workload} is another runner's (fence {found}, ours is {fence}).",
                    remedy="`davy canary status` shows who has it.",
                )
            if notes.get(WRITTEN) == mark:
                return
            before = ledger_from(document.get("data") or {})
            if events and not (is_begun(before) or isinstance(events[0], CanaryStarted)):
                raise self._gone()
            try:
                self._put(self._with(document, written(before, events), {FENCE: str(fence), WRITTEN: mark}))
            except Conflict:
                self._last = None
                continue
            except Missing as error:
                self._last = None
                raise self._gone() from error
            return
        raise Unreachable(f"The journal of {self._workload} changes faster than it can be written.")

    def _gone(self) -> Missing:
        return Missing(f"The journal of {self._workload} is gone, or its beginning is: someone deleted or changed it.")

    @staticmethod
    def _version(document: Doc) -> str:
        return str(document["metadata"].get("resourceVersion", ""))

    def _ledger(self) -> Ledger:
        return ledger_from(self._read().get("data") or {})

    def _read(self) -> Doc:
        """The ConfigMap, or one that is not there yet: without a resourceVersion."""
        try:
            self._last = self._api.get(self._path)
        except Missing:
            return {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": object_name(self._workload), "labels": MANAGED_BY},
            }
        return self._last

    def _put(self, document: Doc) -> None:
        if "resourceVersion" in document["metadata"]:
            # What is in it is known; its new resourceVersion is not.
            written = self._api.replace(self._path, document, METADATA)
            self._last = {**document, "metadata": written["metadata"]}
        else:
            self._last = self._api.create(self._folder, document, repeatable=True)
        self._marks.learn(self._last)

    def _with(self, document: Doc, ledger: Ledger, notes: dict[str, str] | None = None) -> Doc:
        meta = {**document["metadata"], "annotations": {**annotations(document), **(notes or {})}}
        return {**document, "metadata": meta, "data": data_of(ledger)}
