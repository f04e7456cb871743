"""A run as one ONNX file: pixels in, packed codes out, for programs without HashLens.

    pixels    (n, h, w, 3) uint8, RGB, resized and cropped as the metadata say
    features  (n, d) float32 instead, where the run is on vectors without a network
    codes     (n, ceil(K / 8)) uint8, first bit = highest of the first byte; padding is 0
    relaxed   (n, K) float32, whose signs are the bits

The metadata `hashlens` are JSON: how pixels come about, and what the codes are.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from models.backbones.base import Backbone
from models.codes import HashCodes
from models.installation import extra
from models.method import HashMethod
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.coverage import searched_codes
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
from pipeline.wording import COMMAND, sentence

MOST_CHECKED = 1000  # images whose codes are compared
_BATCH = 16
_TOLERANCE = 1e-4  # of a relaxed code's usual size: what the order of sums changes
_CODES = f"export its codes instead: {COMMAND} export codes RUN codes.npy"
_WITHOUT_EFFECT = ("totensor", "piltotensor", "toimage", "todtype", "_convert_to_rgb", "convertrgb")


class ExportError(ValueError):
    """A run cannot be exported; the message says why and what can be done."""


@dataclass(frozen=True)
class Preparation:
    """How an RGB image becomes pixels.

    Attributes:
        resize: length of the short side, or (h, w); 0: as it is.
        crop: (h, w) of the middle that is kept.
        interpolation: of Pillow, such as `bicubic`.
        mean: that the network subtracts from values in [0, 1], for each channel.
        std: that it divides by.
    """

    resize: int | tuple[int, int]
    crop: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        """The image as (h, w, 3), with Pillow alone."""
        if isinstance(self.resize, tuple):
            size = self.resize[1], self.resize[0]
        else:
            short = min(image.size)
            wanted = self.resize or short
            size = int(wanted * image.width / short), int(wanted * image.height / short)
        resized = image.resize(size, Image.Resampling[self.interpolation.upper()])
        left, top = (
            round((has - wants) / 2) for has, wants in zip(size, self.crop[::-1], strict=True)
        )
        height, width = self.crop
        return np.asarray(resized.crop((left, top, left + width, top + height)))


@dataclass(frozen=True)
class Comparison:
    """Codes of an ONNX file beside those that the run stored.

    Attributes:
        n: images compared.
        n_equal: those whose codes are equal bit by bit.
        n_bits: bits that differ.
        margin: largest relaxed value among these, as a share of the mean; 0 where none differs.
    """

    n: int
    n_equal: int
    n_bits: int
    margin: float

    def __str__(self) -> str:
        """Describe the comparison in a sentence."""
        equal = f"{self.n_equal:,} of {self.n:,} codes equal those of the run bit by bit"
        if not self.n_bits:
            return equal
        return f"{equal}; {self.n_bits} bits differ, whose values are within {self.margin:.1e} of 0"


class _Encoder(nn.Module):
    """What is traced: pixels or features to codes."""

    mean: Tensor
    std: Tensor
    place: Tensor

    def __init__(
        self, method: HashMethod, network: nn.Module | None, prepared: Preparation | None
    ) -> None:
        super().__init__()
        self.network = network
        self.relaxation = method.relaxation()
        self.padding = -method.bits % 8
        if prepared is not None:
            self.register_buffer("mean", torch.tensor(prepared.mean).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(prepared.std).view(1, 3, 1, 1))
        self.register_buffer("place", 2.0 ** torch.arange(7, -1, -1))

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and relaxed codes."""
        features = inputs
        if self.network is not None:
            values = inputs.permute(0, 3, 1, 2).float() / 255
            features = self.network((values - self.mean) / self.std).float()
        relaxed = self.relaxation(features)
        ones = nn.functional.pad((relaxed >= 0).float(), (0, self.padding))
        return (ones.reshape(ones.shape[0], -1, 8) @ self.place).to(torch.uint8), relaxed


def write_onnx(run: Run, target: Path) -> None:
    """Write the file.

    Args:
        run: whose backbone and method.
        target: ends in `.onnx`; replaced if it is there.

    Raises:
        ExportError: the packages are missing, the network prepares images in its own way, or
            computes something that ONNX does not have.
        RunError, WeightsError: the model is missing or damaged.
    """
    if target.suffix != ".onnx":
        raise ExportError(f"{target} must end in .onnx")
    _installed("onnx", "onnxscript")
    method, backbone = run.load_method(), run.load_backbone()
    prepared = None if backbone.refusal else preparation(backbone)
    network = None if backbone.refusal else backbone.network.cpu().float()
    try:
        program = traced(method, network, prepared)
    except Exception as error:  # torch raises many kinds
        reason = sentence(error).strip().partition("\n")[0]
        names = f"{backbone.name} with {method.card.name}"
        raise ExportError(f"{names} cannot be written as ONNX ({reason}); {_CODES}") from error
    program.model.metadata_props["hashlens"] = json.dumps(_about(run, method, backbone, prepared))
    partial = target.with_name(f".{target.name}.part")
    program.save(partial)
    partial.replace(target)


def traced(
    method: HashMethod, network: nn.Module | None, prepared: Preparation | None
) -> torch.onnx.ONNXProgram:
    """What the file holds, for any number of inputs at once.

    Args:
        method: fitted.
        network: of the backbone; None: features come in.
        prepared: how its images become pixels; None without a network.
    """
    example = (
        torch.rand(2, method.in_features)
        if prepared is None
        else torch.randint(0, 256, (2, *prepared.crop, 3), dtype=torch.uint8)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            _Encoder(method, network, prepared).eval(),
            (example,),
            input_names=["features" if prepared is None else "pixels"],
            output_names=["codes", "relaxed"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )
    assert program is not None
    return program


def compare_onnx(
    path: Path,
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    on_progress: Progress = ignore_progress,
) -> Comparison:
    """Encode up to 1,000 images by the file, and compare with the codes that the run stored.

    Raises:
        ExportError: onnxruntime is missing, the bits differ by more than rounding, or the vectors
            of the run are not here.
    """
    _installed("onnxruntime")
    import onnxruntime

    codes, rows = searched_codes(run)
    chosen = np.linspace(0, len(rows) - 1, min(MOST_CHECKED, len(rows))).astype(int)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["hashlens"])
    inputs_of = _inputs(about, dataset, run, settings)
    packed, relaxed = [], []
    for start in range(0, len(chosen), _BATCH):
        batch = inputs_of(rows[chosen[start : start + _BATCH]])
        found = session.run(None, {session.get_inputs()[0].name: batch})
        packed.append(found[0])
        relaxed.append(found[1])
        on_progress(min(start + _BATCH, len(chosen)), len(chosen))
    mine = HashCodes(np.concatenate(packed), run.spec.bits)
    compared = _compared(mine, codes[chosen], np.concatenate(relaxed))
    if compared.margin > _TOLERANCE:
        raise ExportError(f"{path} is not usable: {compared}")
    return compared


def preparation(backbone: Backbone) -> Preparation:
    """How a backbone prepares images.

    Raises:
        ExportError: in steps other than resize, crop and normalise.
    """
    source: Any = backbone.preprocess
    if hasattr(source, "resize_size"):  # torchvision's own presets
        found = {"resize": source.resize_size, "crop": source.crop_size}
        found |= {"mean": source.mean, "std": source.std, "interpolation": source.interpolation}
    else:
        found = _of_steps(backbone.name, getattr(source, "transforms", [source]))
    try:
        crop = _numbers(found.get("crop", found["resize"]))
        return Preparation(
            resize=_short_side(found.get("resize", 0)),
            crop=(crop[0], crop[-1]),
            interpolation=str(getattr(found["interpolation"], "value", found["interpolation"])),
            mean=tuple(map(float, found["mean"])),
            std=tuple(map(float, found["std"])),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ExportError(
            f"the backbone {backbone.name} prepares images without resize, crop and normalise; "
            f"{_CODES}"
        ) from error


def _of_steps(name: str, steps: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for step in steps:
        kind = getattr(step, "__name__", type(step).__name__).lower().removeprefix("maybe")
        if kind == "resize":
            found |= {"resize": step.size, "interpolation": step.interpolation}
        elif kind == "centercrop":
            found["crop"] = step.size
        elif kind == "normalize":
            found |= {"mean": step.mean, "std": step.std}
        elif kind not in _WITHOUT_EFFECT:
            raise ExportError(
                f"the backbone {name} prepares images by a step that is not exported, {step}; "
                f"{_CODES}"
            )
    return found


def _numbers(size: Any) -> tuple[int, ...]:
    return (int(size),) if isinstance(size, int) else tuple(map(int, size))


def _short_side(size: Any) -> int | tuple[int, int]:
    numbers = _numbers(size)
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def _about(
    run: Run, method: HashMethod, backbone: Backbone, prepared: Preparation | None
) -> dict[str, object]:
    """The metadata of the file."""
    return {
        "run": run.id,
        "method": method.card.name,
        "bits": method.bits,
        "backbone": backbone.name,
        "dataset": run.spec.dataset,
        **(asdict(prepared) if prepared else {}),
    }


def _inputs(
    about: dict[str, Any], dataset: RetrievalDataset, run: Run, settings: Settings
) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
    """What the file takes, of manifest rows."""
    if "crop" in about:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about.items()
            if name in Preparation.__dataclass_fields__
        }
        prepared = Preparation(**fields)
        return lambda rows: np.stack(
            [prepared.pixels(dataset.load_image(int(row))) for row in rows]
        )
    stored = find_stored(run.spec.backbone, settings)
    if stored is None:
        raise ExportError(f"the vectors {run.spec.backbone} are not here, so nothing was compared")
    return lambda rows: stored.read(dataset, rows)


def _compared(mine: HashCodes, stored: HashCodes, relaxed: NDArray[np.float32]) -> Comparison:
    differs = mine.signs() != stored.signs()
    size = float(np.abs(relaxed).mean()) or 1.0
    margin = float(np.abs(relaxed[differs]).max()) / size if differs.any() else 0.0
    return Comparison(len(mine), int((~differs.any(1)).sum()), int(differs.sum()), margin)


def _installed(*packages: str) -> None:
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise ExportError(f"{package} is not installed; {extra('export')}")
