"""Patience with a server that goes away in the middle of work, as one that restarts does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from pipeline.index.store.base import (
    CodeStore,
    CollectionExists,
    CollectionMissing,
    StoreRefused,
    StoreUnavailable,
)
from pipeline.progress import ignore_progress

_PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # the last one again and again
_log = logging.getLogger(__name__)


def patient(
    store: CodeStore, wait_s: float, on_wait: Callable[[str], None] = ignore_progress
) -> CodeStore:
    """A store whose calls wait for its server, once it has answered, and then go on.

    A server that never answers is told at once: it is more likely not there than restarting.

    Args:
        store: of a server; an embedded one has nothing to wait for, and is given back.
        wait_s: how long each call waits; what it then raises names QDRANT_WAIT_S.
        on_wait: is told, as a sentence, when waiting begins and when it ends.
    """
    if store.is_embedded or not wait_s:
        return store
    return cast(CodeStore, _PatientStore(store, wait_s, on_wait))


class _PatientStore:
    def __init__(self, store: CodeStore, wait_s: float, on_wait: Callable[[str], None]) -> None:
        self._store, self._wait_s, self._on_wait = store, wait_s, on_wait
        self._has_answered = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        return partial(self._call, name) if callable(value) and name != "close" else value

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        try:
            result = getattr(self._store, name)(*args, **options)
        except StoreRefused:
            raise
        except StoreUnavailable as error:
            if not self._has_answered:
                raise
            return self._again(error, name, *args, **options)
        self._has_answered = True
        return result

    def _again(self, error: StoreUnavailable, name: str, *args: Any, **options: Any) -> Any:
        """Repeat a call that got no answer; it may have been carried out all the same."""
        began, n_tries = time.monotonic(), 0
        self._say(f"{error}; waiting up to {self._wait_s:g} s for it")
        while (left_s := began + self._wait_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _PAUSES_S[min(n_tries, len(_PAUSES_S) - 1)]))
            n_tries += 1
            try:
                result = self._repeat(name, *args, **options)
            except StoreRefused:
                raise
            except StoreUnavailable as now:
                error = now
            else:
                waited_s = time.monotonic() - began
                self._say(f"the Qdrant server answers again after {waited_s:.0f} s")
                return result
        raise StoreUnavailable(
            f"{error}; waited {self._wait_s:g} s for it (QDRANT_WAIT_S)", error.summary
        ) from error

    def _repeat(self, name: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._store, name)(*args, **options)
        except CollectionMissing:
            if name != "drop":
                raise
            return None  # the call that got no answer did it
        except CollectionExists:
            if name != "create" or not self._is_made_by(*args):
                raise
            self._store.drop(args[0])  # it may lack an index
            return self._store.create(*args, **options)

    def _is_made_by(
        self, collection: str, _: int, metadata: Mapping[str, object], *__: Any
    ) -> bool:
        """Whether a collection is what `create` was asked for; `created` tells it from others."""
        return self._store.metadata(collection).items() >= metadata.items()

    def _say(self, text: str) -> None:
        _log.warning("%s", text)
        self._on_wait(text)
