"""Plan: memory, disk, time and price of many images, from costs per image that were measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pipeline.wording import file_size


@dataclass(frozen=True)
class Figure:
    """A cost per image: its value, its unit and how it came about."""

    value: float
    unit: str
    of: str

    def __str__(self) -> str:
        """Put it into words."""
        return f"{self.value:g} {self.unit}: {self.of}"


# Measured on one core of a cloud machine with AVX-512; the Qdrant server on a machine of its own.
FEATURES = Figure(0.03, "s of a core", "image to features, EfficientNet-Lite0 in onnxruntime")
CODE = Figure(1e-5, "s of a core", "features to code, 1,280 features in blocks")
UPLOAD = Figure(1.1e-4, "s of a core", "payload and upload of a point, one process per node")
SCAN = Figure(4e-9, "s of a core", "XOR and popcount of 64 bits, codes shared out evenly")
SERVER_MEMORY = Figure(554, "bytes", "resident in a Qdrant server per point, with its payload")
LONGER = Figure(2, "bytes", "more of its memory for each 8 bits beyond 64; assumed, not measured")
SERVER_DISK = Figure(692, "bytes", "on its disk per point")
SERVER_SEARCH = Figure(2.8e-8, "s of a node", "its exact search of a point of 64 bits")
STORED = Figure(2560, "bytes", "1,280 features in float16")
IMAGE = Figure(100_000, "bytes", "a photograph; assumed, not measured")
FIGURES = (
    *(FEATURES, CODE, UPLOAD, SCAN, SERVER_MEMORY, LONGER, SERVER_DISK, SERVER_SEARCH, STORED),
    IMAGE,
)
_SECONDS_OF_PEOPLE = 0.2  # that an answer may take
_ROOM = 1.3  # memory that is free beside it


@dataclass(frozen=True)
class Machines:
    """What there is.

    Attributes:
        nodes: machines.
        cores: of each.
        gpus: of each.
        gpu_rate: images per second of one GPU; 0: not known, so that GPUs are left out.
        core_price: of an hour of a core.
        gpu_price: of an hour of a GPU.
    """

    nodes: int = 1
    cores: int = 16
    gpus: int = 0
    gpu_rate: float = 0.0
    core_price: float = 0.05
    gpu_price: float = 2.0


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: of the stage.
        memory: bytes on each node.
        disk: bytes on all nodes.
        seconds: that it takes; of one query for a search.
        price: per million images; None for a search.
    """

    name: str
    memory: float
    disk: float
    seconds: float
    price: float | None


@dataclass(frozen=True)
class Plan:
    """What so many images take.

    Attributes:
        stages: encoding, building and ways to search.
        advice: what to use, a sentence or two.
        assumptions: the figures that were used, a line each.
    """

    stages: tuple[Stage, ...]
    advice: str
    assumptions: tuple[str, ...]

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Cells of a table: stage, memory, disk, time and price."""
        return [
            (
                stage.name,
                file_size(round(stage.memory)),
                file_size(round(stage.disk)),
                in_words(stage.seconds),
                "" if stage.price is None else f"{stage.price:.2f}",
            )
            for stage in self.stages
        ]

    def as_dict(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


def plan_for(images: int, bits: int, machines: Machines) -> Plan:
    """Plan so many images on these machines.

    Args:
        images: that are encoded and searched.
        bits: code length.
        machines: where.
    """
    nodes, words, million = machines.nodes, -(-bits // 64), images / 1e6
    cores, codes = nodes * machines.cores, images * -(-bits // 8)
    encoding, encoding_price = _encoding(images, machines)
    resident = images * (SERVER_MEMORY.value + max(bits - 64, 0) / 8 * LONGER.value) / nodes * _ROOM
    upload_s = images * UPLOAD.value / nodes
    stages = (
        Stage(
            "encoding, features kept",
            2e9,
            images * (IMAGE.value + STORED.value) + codes,
            encoding + images * CODE.value / cores,
            encoding_price / million,
        ),
        Stage(
            "building, Qdrant server",
            resident,
            images * SERVER_DISK.value,
            upload_s,
            upload_s / 3600 * nodes * machines.core_price / million,
        ),
        Stage(
            "search, Qdrant, exact",
            resident,
            images * SERVER_DISK.value,
            images * words * SERVER_SEARCH.value / nodes,
            None,
        ),
        Stage(
            "search, codes scanned",
            codes / nodes,
            codes,
            images * words * SCAN.value / cores,
            None,
        ),
    )
    assumptions = tuple(map(str, FIGURES))
    return Plan(stages, _advice(images, machines, stages), assumptions)


def in_words(seconds: float) -> str:
    """A time for people, from milliseconds to years.

    Example:
        >>> [in_words(t) for t in (0.004, 12, 5400, 400_000, 1e8)]
        ['4 ms', '12 s', '1.5 h', '4.6 days', '3.2 years']
    """
    for limit, unit, name in (
        (1, 1e-3, " ms"),
        (120, 1, " s"),
        (3 * 86_400, 3600, " h"),
        (2 * 365 * 86_400, 86_400, " days"),
    ):
        if seconds < limit:
            return (
                f"{seconds / unit:.{0 if seconds / unit >= 10 else 1}f}".removesuffix(".0") + name
            )
    return f"{seconds / (365 * 86_400):.1f} years"


def _encoding(images: int, machines: Machines) -> tuple[float, float]:
    """Seconds, and the price of all."""
    if machines.gpus and machines.gpu_rate:
        gpus = machines.nodes * machines.gpus
        seconds = images / machines.gpu_rate / gpus
        return seconds, seconds / 3600 * gpus * machines.gpu_price
    cores = machines.nodes * machines.cores
    seconds = images * FEATURES.value / cores
    return seconds, seconds / 3600 * cores * machines.core_price


def _advice(images: int, machines: Machines, stages: tuple[Stage, ...]) -> str:
    qdrant, scan = stages[2], stages[3]
    if images <= 1_000_000:
        return "Use the embedded engine on one machine; nothing else is needed."
    if images <= 10_000_000:
        return (
            "Use one Qdrant server (QDRANT_URL), and `scale encode` on all cores; exact search "
            f"takes about {in_words(qdrant.seconds)}."
        )
    if qdrant.seconds <= _SECONDS_OF_PEOPLE:
        return (
            f"Use a Qdrant cluster of {machines.nodes} nodes with as many shards (QDRANT_SHARDS); "
            f"each needs {file_size(round(qdrant.memory))} of memory."
        )
    if scan.seconds <= _SECONDS_OF_PEOPLE:
        return (
            "Scan the packed codes themselves on all cores, with payloads looked up for the hits; "
            f"an exact search by Qdrant would take {in_words(qdrant.seconds)}."
        )
    return (
        f"An exact search takes {in_words(scan.seconds)} even of the codes alone, so use an index "
        "that leaves most of them out (faiss IndexBinaryIVF, or HNSW in Qdrant) and measure what "
        "it misses; none was measured here at this size. Or take more nodes."
    )
