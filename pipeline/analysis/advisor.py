"""Advisor: which method, code length or alternative suits a scenario, from what was measured.

Nothing is guessed about methods that were never run. Quality is taken as measured; memory and
search follow from the number of images; training is scaled by the exponent that the library's own
runs on different numbers of images show, or in proportion where they show none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.wording import plural

_STEEPEST, _FEWEST_SIZES = 3.0, 3  # exponent of training time, numbers of images behind it
_ID_BYTES = 16  # of an image's id, kept beside its code


@dataclass(frozen=True)
class Scenario:
    """Needs of somebody who chooses a method.

    Attributes:
        has_labels: whether there are labels to learn from.
        is_multi_label: whether an image may have several.
        n_now: images to train on and search now.
        n_later: images that will have to be searched.
        latency_ms: most for one search, without the network that makes features.
        memory_mb: most for all codes with their ids.
        training_s: most for training on frozen features.
        speed: how many times faster than the machine of the runs the one that trains is.
    """

    has_labels: bool
    is_multi_label: bool
    n_now: int
    n_later: int
    latency_ms: float
    memory_mb: float
    training_s: float
    speed: float = 1.0


@dataclass(frozen=True)
class Measured:
    """A method at a code length, as it was measured on one data set.

    Attributes:
        method: name.
        title: name for people.
        bits: code length; None for an alternative to hash codes.
        bytes: bytes per image that a search scans.
        map: mAP in [0, 1].
        half: half-width of its interval.
        train_s: seconds of training.
        n_train: images behind `train_s`.
        supervision: supervision of the method's card.
        label_kinds: kinds of the method's card.
        run: id of a run; empty for an alternative.
        search_s: seconds that a search took per image of the database; None: as `search_s` of
            `advise` says.
    """

    method: str
    title: str
    bits: int | None
    bytes: int
    map: float
    half: float
    train_s: float
    n_train: int
    supervision: str
    label_kinds: tuple[str, ...]
    run: str
    search_s: float | None = None

    @property
    def size(self) -> str:
        """Code length in bits, or bytes per image, in words."""
        return plural(self.bytes, "byte") if self.bits is None else f"{self.bits} bits"


@dataclass(frozen=True)
class Advice:
    """One candidate under a scenario.

    Attributes:
        measured: the candidate.
        memory_mb: megabytes of all codes later, with ids.
        search_ms: milliseconds per exact search later.
        training_s: seconds of training on the images of now.
        obstacles: limits that it breaks, in words; empty when it fits.
        reasons: reasons for it, and facts that should be known, in words.
        excess: how many times the limits it comes closest to missing them all, at least 1;
            infinite where no loosened limit helps.
    """

    measured: Measured
    memory_mb: float
    search_ms: float
    training_s: float
    obstacles: tuple[str, ...]
    reasons: tuple[str, ...]
    excess: float = 1.0

    @property
    def fits(self) -> bool:
        """Whether it keeps all limits."""
        return not self.obstacles


def advise(
    scenario: Scenario,
    candidates: Sequence[Measured],
    search_s: Callable[[int, int], float],
    exponents: dict[str, float],
) -> list[Advice]:
    """All candidates: those that fit first, by mAP, then the others, the nearest miss first.

    Candidates whose intervals overlap the best one's count as equally good, and the fewer bytes go
    first among them.

    Args:
        scenario: needs that a candidate must meet.
        candidates: measurements on one data set under one protocol.
        search_s: seconds of a search, from code length and number of codes.
        exponents: exponents of training time by method, see `training_exponents`.

    Raises:
        ValueError: the scenario has no images, or a speed that is not above 0.
    """
    if scenario.speed <= 0:
        raise ValueError(f"the speed must be above 0, got {scenario.speed:g}; 1 is this machine's")
    if min(scenario.n_now, scenario.n_later) < 1:
        raise ValueError("a scenario needs at least one image now and later")
    advices = [_advice(scenario, candidate, search_s, exponents) for candidate in candidates]
    fitting = [advice for advice in advices if advice.fits]
    best = max(fitting, key=lambda advice: advice.measured.map, default=None)

    def key(advice: Advice) -> tuple[bool, float, bool, int, float]:
        measured = advice.measured
        is_level = best is not None and measured.map + measured.half >= best.measured.map
        size = measured.bytes if is_level else 0
        return not advice.fits, advice.excess, not is_level, size, -measured.map

    return sorted(advices, key=key)


def training_exponents(points: Sequence[tuple[str, int, float]]) -> dict[str, float]:
    """How training time grows with images: the slope of log time over log images, by method.

    Args:
        points: method, images, seconds, of runs with the same settings but for the data.

    Returns:
        Exponents from 0 to 3 of the methods that ran on at least three numbers of images: two
        noisy points may say anything.
    """
    exponents = {}
    for method in {name for name, _, _ in points}:
        timings = [(n, s) for name, n, s in points if name == method and n > 0 and s > 0]
        if len({n for n, _ in timings}) < _FEWEST_SIZES:
            continue
        sizes, seconds = np.log(np.array(timings)).T
        centred = sizes - sizes.mean()
        slope = float(centred @ (seconds - seconds.mean()) / (centred @ centred))
        exponents[method] = min(max(slope, 0.0), _STEEPEST)
    return exponents


def _advice(
    scenario: Scenario,
    measured: Measured,
    search_s: Callable[[int, int], float],
    exponents: dict[str, float],
) -> Advice:
    memory = scenario.n_later * (measured.bytes + _ID_BYTES) / 1e6
    if measured.search_s is None:
        search = 1000 * search_s(measured.bits or 8 * measured.bytes, scenario.n_later)
    else:
        search = 1000 * measured.search_s * scenario.n_later
    exponent = exponents.get(measured.method)
    growth = (scenario.n_now / measured.n_train) ** (1.0 if exponent is None else exponent)
    training = measured.train_s * growth / scenario.speed
    how = (
        "training in proportion to the images, since no run shows how it grows"
        if exponent is None
        else f"training grows with the {exponent:.1f}th power of the images, as its runs show"
    )
    reasons = [f"mAP {100 * measured.map:.1f} % measured", how]
    if scenario.speed != 1:
        reasons.append(
            f"training time divided by {scenario.speed:g}, as you set; not measured here"
        )
    return Advice(
        measured,
        memory,
        search,
        training,
        tuple(_obstacles(scenario, measured, memory, search, training)),
        tuple(reasons),
        _excess(scenario, measured, memory, search, training),
    )


def _excess(
    scenario: Scenario, measured: Measured, memory: float, search: float, training: float
) -> float:
    if _label_obstacle(scenario, measured):
        return math.inf
    shares = (
        memory / scenario.memory_mb,
        search / scenario.latency_ms,
        training / scenario.training_s,
    )
    return max(1.0, *shares)


def _obstacles(
    scenario: Scenario, measured: Measured, memory: float, search: float, training: float
) -> list[str]:
    label_obstacle = _label_obstacle(scenario, measured)
    obstacles = [label_obstacle] if label_obstacle else []
    if memory > scenario.memory_mb:
        obstacles.append(f"{memory:,.1f} MB, {scenario.memory_mb:,.6g} allowed")
    if search > scenario.latency_ms:
        obstacles.append(f"{search:,.1f} ms per search, {scenario.latency_ms:,.6g} allowed")
    if training > scenario.training_s:
        obstacles.append(f"{training:,.0f} s of training, {scenario.training_s:,.6g} allowed")
    return obstacles


def _label_obstacle(scenario: Scenario, measured: Measured) -> str:
    """What a method lacks that learns from labels; empty where nothing is missing."""
    if measured.supervision != "supervised":
        return ""
    if not scenario.has_labels:
        return "needs labels"
    if scenario.is_multi_label and "multi" not in measured.label_kinds:
        return "takes one label per image"
    return ""
