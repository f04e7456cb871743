"""Images through a backbone: decoded and preprocessed by threads while the network computes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.backbones.base import Backbone
from models.errors import WeightsError
from models.onnx_runtime import accelerated
from pipeline.devices import is_out_of_memory

_log = logging.getLogger(__name__)
BATCH = 32  # images that pass the network together, the first time at least
_MOST = 512
_MANY = 500  # images for which it pays to export the network
_SHARE = 0.5  # of a GPU's free memory for one batch
_AHEAD = 2  # batches that are prepared meanwhile
_ENOUGH = 4  # threads that prepare, for each thread of torch on a GPU


def embedded(
    backbone: Backbone, load: Callable[[int], Image.Image], rows: list[int]
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Batches of rows with their features (b, d) float32, in order.

    Args:
        backbone: that computes them.
        load: an RGB image by its row; called from several threads.
        rows: of the images.

    Raises:
        WeightsError: the backbone can encode no image.
        torch.OutOfMemoryError: memory does not suffice for a single image.
    """
    if backbone.refusal:
        raise WeightsError(backbone.refusal)
    if len(rows) >= _MANY:
        backbone = accelerated(backbone)
    sizes = _Sizes(backbone.device)
    with _prepared(backbone, load, rows, sizes) as images:
        remaining = iter(rows)
        while batch := list(islice(remaining, sizes.batch)):
            yield batch, forward(backbone, torch.stack(list(islice(images, len(batch)))), sizes)


def forward(backbone: Backbone, images: Tensor, sizes: _Sizes | None = None) -> NDArray[np.float32]:
    """Features (n, d) of preprocessed images (n, 3, h, w), in parts where memory runs out.

    Raises:
        torch.OutOfMemoryError: it does not suffice for a single image.
    """
    sizes = sizes or _Sizes(backbone.device)
    while True:
        try:
            with sizes.measured(len(images)):
                parts = [backbone.forward(part) for part in torch.split(images, sizes.batch)]
            return torch.cat(parts).numpy()
        except RuntimeError as error:  # as torch.OutOfMemoryError is
            if not is_out_of_memory(error) or sizes.batch == 1:
                raise
        sizes.halve()


def batch_for(free: int, per_image: int) -> int:
    """Images for which memory suffices, a power of two from 1 to 512.

    Args:
        free: bytes of memory.
        per_image: bytes that one image took at the most.

    Example:
        >>> batch_for(8 * 2**30, 20 * 2**20)
        128
    """
    fits = int(free * _SHARE / max(per_image, 1))
    return min(_MOST, 1 << max(fits, 1).bit_length() - 1)


class _Sizes:
    """How many images pass the network together.

    On a GPU what the first batch took decides, on the CPU, where larger ones gain nothing, none
    does. Once memory has run out it is half as many.
    """

    def __init__(self, device: str) -> None:
        self.batch = BATCH
        self._device = torch.device(device)
        self._is_known = self._device.type != "cuda"

    def halve(self) -> None:
        """Take half as many from here on."""
        self.batch = max(self.batch // 2, 1)
        self._is_known = True
        _log.warning("memory ran out; %d images at a time from here on", self.batch)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    @contextmanager
    def measured(self, n_images: int) -> Iterator[None]:
        """Choose by what a batch takes, once."""
        if self._is_known:
            yield
            return
        before = torch.cuda.memory_allocated(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        yield
        peak = torch.cuda.max_memory_allocated(self._device) - before
        free = torch.cuda.mem_get_info(self._device)[0] + peak
        self.batch, self._is_known = batch_for(free, -(-peak // n_images)), True


@contextmanager
def _prepared(
    backbone: Backbone, load: Callable[[int], Image.Image], rows: list[int], sizes: _Sizes
) -> Iterator[Iterator[Tensor]]:
    """Preprocessed images in order, a few batches ahead of who takes them."""
    own = torch.get_num_threads()
    threads = own if backbone.device == "cpu" else own * _ENOUGH
    # Each thread computes alone: many threads that share out small images hinder each other.
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        waiting: deque[Future[Tensor]] = deque()
        coming = iter(rows)

        def prepare(row: int) -> Tensor:
            return backbone.preprocess(load(row))

        def taken() -> Iterator[Tensor]:
            while True:
                for row in islice(coming, max(_AHEAD * sizes.batch - len(waiting), 0)):
                    waiting.append(pool.submit(prepare, row))
                if not waiting:
                    return
                yield waiting.popleft().result()

        try:
            yield taken()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(own)  # new threads take over what was set last
