"""A search that opens from disk: codes, pictures and the search itself in one page, or a folder.

    out.html            everything in one file, where that is small enough for a mail
    out/index.html      else the page with the codes,
    out/sheets/0.webp   and pictures in sheets, which the page loads as it shows them

The page asks nobody for anything: a policy allows the script and style that it was written with,
pictures that it holds, and no more. Names and labels come as data, never as markup.

Equally near images are sorted by their features in the app. Features do not go with the page; the
first results of each image, as the app shows them, do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.files import check_room, write_atomic
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import PARTS, item_id, splits_of_rows
from pipeline.index.publish import searched_images
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.sharing.findings import Findings
from pipeline.sharing.nearest import LISTED, first_results
from pipeline.sharing.pictures import ACROSS, mean_size, pictures, sheets
from pipeline.wording import file_size

PIXELS, LEAST_PIXELS, MOST_PIXELS = 128, 48, 512  # longest side of a picture
MOST_BYTES = 20_000_000  # of one file: what mail servers take
MOST_IMAGES = 60_000
_HERE = Path(__file__).parent
_BASE64 = 4 / 3  # characters per byte


class ShareError(ValueError):
    """A search cannot be shared so; the message says why and what can be done."""


@dataclass(frozen=True)
class Shared:
    """What a shared search holds.

    Attributes:
        dataset: whose images.
        runs: one, or two that are shown side by side.
        rows: manifest rows (n,) of the images, by their ids in an index: the order of equally near
            images there.
        codes: of these images (n), of each run.
        findings: that stand above.
        pixels: longest side of a picture.
    """

    dataset: RetrievalDataset
    runs: tuple[Run, ...]
    rows: NDArray[np.int64]
    codes: tuple[HashCodes, ...]
    findings: Findings
    pixels: int

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        """Bytes of the page without pictures, and about those of the pictures."""
        n_pictures = mean_size(self.dataset, self.rows, self.pixels) * len(self.rows)
        n_listed = _BASE64 * 2 * min(LISTED, len(self.rows) - 1) * len(self.rows) * len(self.runs)
        return len(_page(self, [], listed=False)) + int(n_listed), int(n_pictures)

    @property
    def is_folder(self) -> bool:
        """Whether it is too large for one file."""
        page, pictures = self._sizes
        return page + _BASE64 * pictures > MOST_BYTES

    @property
    def n_bytes(self) -> int:
        """About how large it will be; exact but for the pictures, of which 32 are tried."""
        page, pictures = self._sizes
        return page + int(pictures * (1 if self.is_folder else _BASE64))

    @property
    def summary(self) -> str:
        """Its size and shape in words, before it is written."""
        size = f"{len(self.rows):,} images, about {file_size(self.n_bytes)}"
        if not self.is_folder:
            return f"{size}: one file"
        return f"{size}: a folder, since one file may have {file_size(MOST_BYTES)} at most"


def open_shared(
    runs: Sequence[Run],
    dataset: RetrievalDataset,
    findings: Findings | None = None,
    pixels: int = PIXELS,
) -> Shared:
    """Gather what a search of one run, or of two side by side, needs.

    Args:
        runs: one, or two on the same data set; of two, the images that both have codes of.
        dataset: of the runs.
        findings: to stand above; None: nothing.
        pixels: longest side of a picture, 48 to 512.

    Raises:
        ShareError: there are too many images or runs, none in common, or no such pictures.
        RunError: codes are missing or damaged, or of other content.
    """
    if not LEAST_PIXELS <= pixels <= MOST_PIXELS:
        raise ShareError(f"pictures have {LEAST_PIXELS} to {MOST_PIXELS} pixels, got {pixels}")
    _check_runs(runs, dataset)
    parts = [searched_codes(run, searched_images(run)) for run in runs]
    rows = reduce(np.intersect1d, [rows for _, rows in parts])
    if not len(rows):
        raise ShareError("the runs have codes of no image in common")
    if len(rows) > MOST_IMAGES:
        raise ShareError(
            f"{len(rows):,} images are more than the {MOST_IMAGES:,} that a page can search; "
            "import fewer of them as a data set of their own"
        )
    ids = [item_id(dataset.info.name, str(dataset.manifest["sha256"].iloc[row])) for row in rows]
    rows = rows[np.argsort(np.array(ids))]
    codes = tuple(_of_rows(codes, stored, rows) for codes, stored in parts)
    return Shared(dataset, tuple(runs), rows, codes, findings or Findings(), pixels)


def write_shared(
    shared: Shared, target: Path, on_progress: Progress = ignore_progress, *, force: bool = False
) -> Path:
    """Write the page, or the folder with it, whole or not at all.

    Args:
        shared: what it holds.
        target: ends in `.html`; a folder has the same name without that.
        on_progress: called with pictures done and pictures in all.
        force: take the place of what is there.

    Returns:
        The page to open.

    Raises:
        ShareError: the target is there already, or is no name for a page.
        OSError: the disk has no room.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise ShareError(f"{target} must end in .html")
    place = target.with_suffix("") if shared.is_folder else target
    if place.exists() and not force:
        raise ShareError(f"{place} is there already; choose another name, or give --force")
    if not place.parent.is_dir():
        raise ShareError(f"there is no folder {place.parent}")
    check_room(place.parent, shared.n_bytes)
    if shared.is_folder:
        return _write_folder(shared, place, on_progress)
    write_atomic(place, shared_page(shared, on_progress), is_noted=False)
    return place


def shared_page(shared: Shared, on_progress: Progress = ignore_progress) -> bytes:
    """One file with everything in it."""
    made = pictures(shared.dataset, shared.rows, shared.pixels, _threads(shared))
    counted = _counted(made, len(shared.rows), on_progress)
    return _page(shared, [base64.b64encode(content).decode() for content in counted])


def _write_folder(shared: Shared, place: Path, on_progress: Progress) -> Path:
    partial = place.with_name(f".{place.name}.part")
    shutil.rmtree(partial, ignore_errors=True)  # left by one that was interrupted
    try:
        (partial / "sheets").mkdir(parents=True)
        made = sheets(shared.dataset, shared.rows, shared.pixels, _threads(shared))
        counted = _counted(made, -(-len(shared.rows) // ACROSS**2), on_progress)
        for number, content in enumerate(counted):
            (partial / "sheets" / f"{number}.webp").write_bytes(content)
        (partial / "index.html").write_bytes(_page(shared, None))
        if place.is_dir():
            shutil.rmtree(place)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place / "index.html"


def _page(shared: Shared, content: list[str] | None, *, listed: bool = True) -> bytes:
    """The page with pictures in base64; None: with sheets beside it.

    `listed` is whether it has the first results of each image.
    """
    style, script = ((_HERE / f"search_file.{kind}").read_text("utf-8") for kind in ("css", "js"))
    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string((_HERE / "search_file.html.j2").read_text("utf-8"))
    picture_sources = "'self' file:" if content is None else "data:"
    return page.render(
        policy=f"default-src 'none'; img-src {picture_sources}; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        data=_embedded(_data(shared, content, listed)),
        shared=shared,
        info=shared.dataset.info,
        facts=_facts(shared),
    ).encode()


def _data(shared: Shared, content: list[str] | None, listed: bool) -> dict[str, object]:
    """All that the script reads."""
    dataset, rows = shared.dataset, shared.rows
    label_set = relevance_labels(dataset, shared.runs[0].spec)
    place = {} if label_set is None else {c: i for i, c in enumerate(label_set.classes)}
    names = [()] * len(dataset) if label_set is None else dataset.label_names(label_set)
    parts = splits_of_rows(shared.runs[0], dataset, rows)
    chosen = dataset.manifest.iloc[rows]
    return {
        "runs": [
            {
                "label": run.spec.label,
                "bits": codes.bits,
                "codes": base64.b64encode(codes.packed.tobytes()).decode(),
                "nearest": _first_results(shared, run, codes) if listed else "",
            }
            for run, codes in zip(shared.runs, shared.codes, strict=True)
        ],
        "ids": [str(name) for name in chosen["image_id"]],
        "texts": [str(text) for text in chosen["text"]],
        "classes": list(place),
        "labels": [[place[name] for name in names[row]] for row in rows],
        "parts": list(PARTS),
        "part": [PARTS.index(str(part)) for part in parts],
        "pixels": shared.pixels,
        "across": ACROSS,
        "pictures": content,
    }


def _first_results(shared: Shared, run: Run, codes: HashCodes) -> str:
    """Places of the first results in two bytes each; empty where the codes alone decide."""
    found = first_results(run, shared.dataset, codes, shared.rows)
    return "" if found is None else base64.b64encode(found.astype("<u2").tobytes()).decode()


def _facts(shared: Shared) -> dict[str, str]:
    """What stands below: data, licence, and how the codes came about."""
    info = shared.dataset.info
    facts = {
        "Images": info.title,
        "Licence": info.licence or "not known",
        "Attribution": info.attribution,
        "Split": info.split_summary,
    }
    for run in shared.runs:
        facts[f"{run.spec.label}"] = f"{run.spec.backbone}, run {run.id}{_measured(run)}"
    return {name: text for name, text in facts.items() if text}


def _measured(run: Run) -> str:
    """The measured mAP with its protocol; empty where the run was not measured."""
    try:
        report = run.report()
    except RunError:
        return ""
    return f", mAP {100 * report.map:.1f} %. {report.protocol.summary}"


def _check_runs(runs: Sequence[Run], dataset: RetrievalDataset) -> None:
    if not 1 <= len(runs) <= 2:
        raise ShareError(f"a page shows one run or two side by side, got {len(runs)}")
    for run in runs:
        if run.spec.dataset != dataset.info.name:
            raise ShareError(
                f"run {run.id} is on {run.spec.dataset!r}, not on {dataset.info.name!r}; "
                "two runs need the same data set"
            )
        run.check_dataset(*dataset.info.fingerprints)


def _of_rows(codes: HashCodes, stored: NDArray[np.int64], rows: NDArray[np.int64]) -> HashCodes:
    """The codes of `rows`, which are among those stored."""
    order = np.argsort(stored)
    return codes[order[np.searchsorted(stored, rows, sorter=order)]]


def _counted(made: Iterator[bytes], total: int, on_progress: Progress) -> Iterator[bytes]:
    for number, content in enumerate(made, 1):
        on_progress(number, total)
        yield content


def _threads(shared: Shared) -> int:
    return shared.runs[0].library.threads


def _embedded(value: object) -> str:
    """JSON that ends no script, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
