"""FeatureCache: each image once per backbone, whatever happens meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.augment import augmented
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.settings import Settings
from tests.factories import imported, kill, python, wait_for_line, write_images

CHILD = """
import sys, time
from pathlib import Path
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.features import FeatureCache
from pipeline.settings import Settings

def show(done, total):
    print(done, flush=True)
    time.sleep(0.2)

settings = Settings(home=Path(sys.argv[1]))
cache = FeatureCache(load_backbone("tiny"), settings)
features = cache.get(load_dataset("many", settings), show)
print("sum", float(features.sum()), flush=True)
"""
VIEWS_CHILD = CHILD.replace(
    'cache.get(load_dataset("many", settings), show)',
    'cache.augmented_views(load_dataset("many", settings), np.arange(0, 200, 2), 2, show)[0]',
).replace("import sys, time", "import sys, time\nimport numpy as np")


@pytest.fixture(scope="module")
def tiny():
    return load_backbone("tiny")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A library with 200 images, not to be changed, and their features in `clean.npy`."""
    folder = tmp_path_factory.mktemp("many")
    settings = Settings(home=folder / "library")
    imported(write_images(folder / "images", per_class=50), settings, "many")
    clean = FeatureCache(load_backbone("tiny"), settings).get(load_dataset("many", settings))
    np.save(folder / "clean.npy", clean)
    shutil.rmtree(settings.features_path)
    return settings


@pytest.fixture
def fresh(many: Settings, settings: Settings) -> Settings:
    """A copy of the library without features."""
    shutil.copytree(many.home, settings.home)
    return settings


@pytest.fixture(scope="module")
def clean(many: Settings) -> np.ndarray:
    return np.load(many.home.parent / "clean.npy")


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    """Equal but for rounding; features of the tiny backbone are about 1e-8, so none is absolute."""
    return np.allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_rows_are_the_backbones_features_in_manifest_order(shapes, library, tiny) -> None:
    features = FeatureCache(tiny, library).get(shapes)

    assert (features.shape, features.dtype) == ((40, 64), np.float32)
    for row in (0, 17, 39):
        alone = tiny.embed([shapes.load_image(row)]).numpy()[0]
        assert same(features[row], alone)


def test_features_are_mapped_and_cannot_be_written(shapes, library, tiny) -> None:
    features = FeatureCache(tiny, library).get(shapes)

    assert isinstance(features, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        features[0] = 0


def test_what_is_there_is_not_computed_again(shapes, library, tiny) -> None:
    calls: list[tuple[int, int]] = []

    FeatureCache(tiny, library).get(shapes, lambda *step: calls.append(step))

    assert calls == []


def test_an_extraction_killed_in_the_middle_goes_on_to_the_same_rows(
    fresh: Settings, tiny, clean: np.ndarray
) -> None:
    child = python(CHILD, fresh.home)
    wait_for_line(child, "64")
    kill(child)
    cache, dataset = FeatureCache(tiny, fresh), load_dataset("many", fresh)
    n_done = (cache.folder / "keys.bin").stat().st_size // 32
    assert 64 <= n_done < 200

    seen: list[int] = []
    features = cache.get(dataset, lambda done, _total: seen.append(done))

    assert seen[0] > n_done
    assert same(features, clean)
    assert (cache.folder / "rows.f32").stat().st_size == clean.nbytes


@pytest.mark.parametrize(
    ("rows_cut", "keys_cut"), [(0, 0), (7, 0), (0, 5), (260, 0), (0, 100), (300, 77), (10**9, 0)]
)
def test_torn_files_are_cut_to_what_is_whole(
    own_library: Settings, tiny, rows_cut: int, keys_cut: int
) -> None:
    dataset, cache = load_dataset("shapes", own_library), FeatureCache(tiny, own_library)
    expected = np.array(cache.get(dataset))
    for name, cut in (("rows.f32", rows_cut), ("keys.bin", keys_cut)):
        content = (cache.folder / name).read_bytes()
        (cache.folder / name).write_bytes(content[: max(len(content) - cut, 0)])

    features = FeatureCache(tiny, own_library).get(dataset)

    assert same(features, expected)
    assert (cache.folder / "keys.bin").stat().st_size == 40 * 32


def test_two_processes_fill_the_cache_once(fresh: Settings, tiny, clean: np.ndarray) -> None:
    """The second one waits for the first, and finds nothing left to do."""
    child = python(CHILD, fresh.home)
    wait_for_line(child, "32")
    calls: list[int] = []

    cache = FeatureCache(tiny, fresh)
    features = cache.get(load_dataset("many", fresh), lambda done, _: calls.append(done))

    output, errors = child.communicate(timeout=60)
    assert "sum" in output, errors
    assert calls == []
    assert same(features, clean)
    assert (cache.folder / "keys.bin").stat().st_size == 200 * 32


def test_images_shared_by_two_data_sets_are_computed_once(
    own_library: Settings, tiny, tmp_path: Path, image_folder: Path
) -> None:
    """The second set: all images of one class, in front of 3 of its own."""
    folder = write_images(tmp_path / "own", per_class=3, seed=5)
    for name in ("cross", "dots", "stripes"):
        shutil.rmtree(folder / name)
    shutil.copytree(image_folder / "stripes", folder / "stripes")
    calls: list[tuple[int, int]] = []
    dataset = imported(folder, own_library, "mixed")

    features = FeatureCache(tiny, own_library).get(dataset, lambda *step: calls.append(step))

    assert calls == [(13, 13)]
    assert (FeatureCache(tiny, own_library).folder / "keys.bin").stat().st_size == 43 * 32
    assert same(features, embedded(tiny, dataset))
    assert not features.flags.writeable


def embedded(backbone, dataset: RetrievalDataset) -> np.ndarray:
    return backbone.embed([dataset.load_image(row) for row in range(len(dataset))]).numpy()


def test_backbones_do_not_share_a_folder(settings: Settings, tiny) -> None:
    other = type(tiny)(tiny.name, tiny.dim, "other weights", tiny.preprocess, tiny.network)

    assert FeatureCache(other, settings).folder != FeatureCache(tiny, settings).folder


def test_a_damaged_image_is_named_and_the_rows_before_it_are_kept(fresh: Settings, tiny) -> None:
    dataset = load_dataset("many", fresh)
    dataset.image_path(100).write_bytes(b"broken")

    with pytest.raises(ImageError, match="has changed since it was imported"):
        FeatureCache(tiny, fresh).get(dataset)

    n_done = (FeatureCache(tiny, fresh).folder / "keys.bin").stat().st_size // 32
    assert n_done == 96  # three batches of 32


def embedded_views(backbone, dataset: RetrievalDataset, rows: list[int], view: int) -> np.ndarray:
    digests = dataset.manifest["sha256"]
    images = [augmented(dataset.load_image(row), digests.iloc[row], view) for row in rows]
    return backbone.embed(images).numpy()


def test_views_are_the_features_of_augmented_images(shapes, own_library: Settings, tiny) -> None:
    rows = np.array([3, 4, 30])

    views = FeatureCache(tiny, own_library).augmented_views(shapes, rows, 2)

    plain = FeatureCache(tiny, own_library).get(shapes)[rows]
    assert [view.shape for view in views] == [(3, 64)] * 2
    for number, view in enumerate(views, start=1):
        expected = embedded_views(tiny, shapes, rows.tolist(), number)
        assert same(view, expected)
        assert not same(view, plain)
    assert not same(*views)


def test_views_are_computed_once_and_only_for_the_images_asked_for(
    shapes, own_library: Settings, tiny
) -> None:
    rows, calls = np.arange(5, 15), []
    cache = FeatureCache(tiny, own_library)

    first = cache.augmented_views(shapes, rows, 2, lambda *step: calls.append(step))
    again = cache.augmented_views(shapes, rows, 2, lambda *step: calls.append(step))

    assert calls == [(10, 20), (20, 20)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for number in (1, 2):
        folder = FeatureCache(tiny, own_library, number).folder
        assert (folder / "keys.bin").stat().st_size == 10 * 32
    assert (cache.folder / "keys.bin").stat().st_size == 40 * 32


def test_no_views_are_no_work(shapes, library, tiny) -> None:
    assert FeatureCache(tiny, library).augmented_views(shapes, np.arange(5), 0) == ()


def test_views_do_not_share_a_folder(settings: Settings, tiny) -> None:
    folders = {FeatureCache(tiny, settings, view).folder for view in range(5)}

    assert len(folders) == 5


def test_views_killed_in_the_middle_go_on_to_the_same_rows(fresh: Settings, tiny) -> None:
    rows = np.arange(0, 200, 2)
    child = python(VIEWS_CHILD, fresh.home)
    wait_for_line(child, "132")  # in the second of two views of 100 images
    kill(child)
    dataset, second = load_dataset("many", fresh), FeatureCache(tiny, fresh, 2)
    n_done = (second.folder / "keys.bin").stat().st_size // 32
    assert 32 <= n_done < 100

    seen: list[int] = []
    views = FeatureCache(tiny, fresh).augmented_views(
        dataset, rows, 2, lambda done, _total: seen.append(done)
    )

    assert seen[0] > 100 + n_done
    for number, view in enumerate(views, start=1):
        expected = embedded_views(tiny, dataset, rows.tolist(), number)
        assert same(view, expected)
