"""Ray's actors as an engine: each loads the run once and encodes shard after shard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.installation import extra
from pipeline.devices import device_of
from pipeline.scaling.encoding import Done, Encoder, Job
from pipeline.scaling.sources import ScaleError, Shard
from pipeline.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


class RayEngine:
    """Encodes on this machine, or on the cluster at an address.

    Args:
        workers: actors; each takes `threads` cores of the settings, and a GPU where one is used.
        address: of a cluster, such as `auto`; empty: processes of this machine.

    Raises:
        ScaleError: ray is not installed.
    """

    is_one_process = False

    def __init__(self, workers: int, address: str = "") -> None:
        self._workers, self._address, self._ray = workers, address, _ray()

    def encode(self, job: Job, shards: list[Shard], settings: Settings) -> Iterator[Done]:
        """See Engine; shards come in the order in which they are done."""
        ray, settings = self._ray, settings.resolved()
        device = device_of(settings)
        started = not ray.is_initialized()
        if started:
            self._start(settings)
        try:
            actor = ray.remote(Encoder).options(
                num_cpus=settings.threads if self._address else 0,
                num_gpus=1 if device.startswith("cuda") else 0,
                max_restarts=2,
                max_task_retries=2,
            )
            actors = [actor.remote(job, settings) for _ in range(min(self._workers, len(shards)))]
            yield from self._shared_out(actors, shards)
        finally:
            if started:
                ray.shutdown()

    def _start(self, settings: Settings) -> None:
        from ray._common.usage.usage_lib import set_usage_stats_enabled_via_env_var

        set_usage_stats_enabled_via_env_var(False)  # Ray reports its use to its makers otherwise
        environment = settings.environment() | {"PYTHONPATH": str(_ROOT)}
        here = {} if self._address else {"num_cpus": self._workers, "include_dashboard": False}
        self._ray.init(
            address=self._address or "local",
            runtime_env={"env_vars": environment},
            log_to_driver=False,
            configure_logging=False,
            **here,
        )

    def _shared_out(self, actors: list[Any], shards: list[Shard]) -> Iterator[Done]:
        waiting, busy = list(reversed(shards)), dict[Any, Any]()
        idle = list(actors)
        while waiting or busy:
            while waiting and idle:
                actor = idle.pop()
                busy[actor.encode.remote(waiting.pop())] = actor
            [ready], _ = self._ray.wait(list(busy), num_returns=1)
            idle.append(busy.pop(ready))
            yield self._ray.get(ready)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ScaleError(f"this needs ray; run: {extra('scale')}") from error
    return ray
