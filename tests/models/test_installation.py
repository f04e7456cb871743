"""Commands that install something suit how HashLens was installed."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from models import installation
from models.installation import extra


def test_a_checkout_has_files_of_requirements() -> None:
    root = Path(installation.__file__).parents[1]

    assert extra("export") == "pip install -r requirements-export.txt"
    assert (root / "requirements-export.txt").is_file()


def test_an_installation_has_extras(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "hashlens-0.1.0.dist-info").mkdir()
    copy = shutil.copy(installation.__file__, tmp_path / "models")

    names = runpy.run_path(copy)

    assert names["IS_INSTALLED"]
    assert names["extra"]("export") == 'pipx install --force "CHECKOUT_OR_WHEEL[export]"'
