"""Data sets of the Hugging Face Hub as a folder of files: hf://USER/NAME, also at a revision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.installation import extra
from pipeline.datasets.dataset import DatasetError

HUB = "hf://"
_ADDRESS = re.compile(r"hf://(?:datasets/)?([\w.-]+/[\w.-]+)(?:@([\w./-]+))?/?")


def is_on_hub(source: str) -> bool:
    """Whether a source is an address of the hub."""
    return source.startswith(HUB)


def downloaded(source: str, downloads: Path) -> Path:
    """The folder of a data set's files; what is there already is not loaded again.

    Args:
        source: such as `hf://user/pets` or `hf://user/pets@v2`.
        downloads: folder where downloads are kept.

    Raises:
        DatasetError: it is no such address, the package is missing, or the hub does not give it.
    """
    if (address := _ADDRESS.fullmatch(source)) is None:
        raise DatasetError(f"{source} is no address of a data set; write hf://USER/NAME[@REVISION]")
    name, revision = address.groups()
    place = downloads / "hf" / name
    place = place.with_name(f"{place.name}@{revision.replace('/', '-')}") if revision else place
    remedy = "go online, or load its files elsewhere and import their folder"
    with hub_client(source, DatasetError, remedy) as hub:
        return Path(
            hub.snapshot_download(name, repo_type="dataset", revision=revision, local_dir=place)
        )


@contextmanager
def hub_client(address: str, error: type[Exception], remedy: str) -> Iterator[Any]:
    """The package of the hub, for calls whose failures get a name and a remedy.

    Args:
        address: what the block reaches.
        error: class of what is raised.
        remedy: what to do offline or without access; small letters, no full stop.

    Raises:
        error: the package is missing, or anything goes wrong in the block.
    """
    if find_spec("huggingface_hub") is None:
        raise error(f"{address} needs huggingface_hub; run: {extra('networks')}")
    import huggingface_hub

    try:
        yield huggingface_hub
    except Exception as wrong:  # its own, its transport's, the disk's
        reason = str(wrong).strip().partition("\n")[0].rstrip(".")
        what = f"{type(wrong).__name__}: {reason}" if reason else type(wrong).__name__
        raise error(f"{address} cannot be reached ({what}); {remedy}") from wrong
