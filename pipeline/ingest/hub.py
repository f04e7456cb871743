"""Data sets of the Hugging Face Hub as a folder of files: hf://USER/NAME, also at a revision."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

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
    if find_spec("huggingface_hub") is None:
        raise DatasetError(f"{source} needs huggingface_hub; run: {extra('networks')}")
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    name, revision = address.groups()
    place = downloads / "hf" / name
    place = place.with_name(f"{place.name}@{revision.replace('/', '-')}") if revision else place
    try:
        return Path(
            snapshot_download(name, repo_type="dataset", revision=revision, local_dir=place)
        )
    except (HfHubHTTPError, HFValidationError, httpx.HTTPError, OSError) as error:
        raise DatasetError(
            f"{source} cannot be loaded ({type(error).__name__}: {str(error)[:200]}). Go online, "
            "or load its files elsewhere and import their folder"
        ) from error
