"""The same few images, written in every layout that the import knows."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.factories import png


@dataclass(frozen=True)
class Picture:
    """An image of the example: its bytes, classes, and train or test."""

    name: str
    content: bytes
    classes: tuple[str, ...]
    part: str


def pictures(n: int = 12) -> list[Picture]:
    """One class each, a third of them in the test part."""
    classes = ("cat", "dog", "horse")
    return [
        Picture(
            f"{i:03d}.png",
            png((20 * i % 256, i, 9)),
            (classes[i % 3],),
            "test" if i % 4 == 0 else "train",
        )
        for i in range(n)
    ]


def with_many(some: Sequence[Picture]) -> list[Picture]:
    """The same with a second class on every other image."""
    return [
        Picture(one.name, one.content, tuple(sorted({*one.classes, "pet"})), one.part)
        if i % 2
        else one
        for i, one in enumerate(some)
    ]


def put(root: Path, name: str, content: bytes | str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def put_images(root: Path, some: Sequence[Picture], folder: str = "images") -> None:
    for one in some:
        put(root, f"{folder}/{one.name}", one.content)


def class_folders(root: Path, some: Sequence[Picture]) -> Path:
    for one in some:
        put(root, f"{one.part}/{one.classes[0]}/{one.name}", one.content)
    return root


def deep_class_folders(root: Path, some: Sequence[Picture]) -> Path:
    """A wrapper, other words for the parts, and folders below the classes."""
    words = {"train": "Training", "test": "Testing"}
    for one in some:
        put(root, f"data/{words[one.part]}/{one.classes[0]}/session 1/{one.name}", one.content)
    return root


def rows(some: Sequence[Picture], mark: str = "|") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file_name": [f"images/{one.name}" for one in some],
            "label": [mark.join(one.classes) for one in some],
            "split": [one.part for one in some],
        }
    )


def csv_table(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    put(root, "labels.csv", rows(some).to_csv(index=False))
    return root


def tsv_table(root: Path, some: Sequence[Picture]) -> Path:
    """With other names, and paths as they were on another machine."""
    put_images(root, some)
    table = rows(some, ";").rename(
        columns={"file_name": "path", "label": "tags", "split": "subset"}
    )
    table["path"] = "C:\\data\\set\\" + table["path"].str.replace("/", "\\")
    put(root, "index.tsv", table.to_csv(index=False, sep="\t"))
    return root


def json_table(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    records = [
        {"image": f"images/{one.name}", "classes": list(one.classes), "split": one.part}
        for one in some
    ]
    put(root, "labels.json", json.dumps(records))
    return root


def parquet_table(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    table = rows(some).assign(label=[list(one.classes) for one in some])
    table.to_parquet(root / "labels.parquet", index=False)
    return root


def parquet_with_images(root: Path, some: Sequence[Picture]) -> Path:
    """As Hugging Face writes it: one file a part, structs of bytes and path, numbered classes."""
    root.mkdir(parents=True, exist_ok=True)
    classes = sorted({name for one in some for name in one.classes})
    numbers = pa.list_(pa.int64()) if any(len(one.classes) != 1 for one in some) else pa.int64()
    label = {"names": classes, "_type": "ClassLabel"}
    features = {"label": {"feature": label} if pa.types.is_list(numbers) else label}
    for part in sorted({one.part for one in some}):
        own = [one for one in some if one.part == part]
        labels = [[classes.index(name) for name in one.classes] for one in own]
        columns = {
            "image": [{"bytes": one.content, "path": one.name} for one in own],
            "label": pa.array(labels if pa.types.is_list(numbers) else [n[0] for n in labels]),
        }
        table = pa.table(columns).replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
        pq.write_table(table, root / f"{part}-00000-of-00001.parquet", row_group_size=4)
    return root


def one_hot_table(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    names = sorted({name for one in some for name in one.classes})
    table = rows(some).drop(columns="label")
    for name in names:
        table[f"y_{name}"] = [int(name in one.classes) for one in some]
    put(root, "labels.csv", table.to_csv(index=False))
    return root


def one_row_a_label(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    lines = [f"images/{one.name},{name},{one.part}" for one in some for name in one.classes]
    put(root, "labels.csv", "\n".join(["path,category,split", *lines]))
    return root


def imagefolder(root: Path, some: Sequence[Picture]) -> Path:
    """metadata.jsonl in each part's folder, as Hugging Face has it."""
    for part in ("train", "test"):
        own = [one for one in some if one.part == part]
        put_images(root, own, part)
        lines = [json.dumps({"file_name": o.name, "labels": list(o.classes)}) for o in own]
        put(root, f"{part}/metadata.jsonl", "\n".join(lines))
    return root


def hashing_lists(root: Path, some: Sequence[Picture]) -> Path:
    put_images(root, some)
    names = sorted({name for one in some for name in one.classes})
    put(root, "classes.txt", "\n".join(names))
    for part, file in (("test", "test.txt"), ("train", "train.txt"), ("train", "database.txt")):
        lines = [
            f"./data/set/images/{one.name} " + " ".join(str(int(n in one.classes)) for n in names)
            for one in some
            if one.part == part
        ]
        put(root, file, "\n".join(lines) + "\n")
    return root


def coco(root: Path, some: Sequence[Picture]) -> Path:
    """Ids have gaps, images lie in folders, and a crowd does not count."""
    names = sorted({name for one in some for name in one.classes})
    ids = {name: 7 + 10 * number for number, name in enumerate(names)}
    for part in ("train", "test"):
        own = [(100 + 3 * i, one) for i, one in enumerate(some) if one.part == part]
        put_images(root, [one for _, one in own], f"{part}2017")
        found = [
            {"image_id": i, "category_id": ids[name], "iscrowd": 0}
            for i, one in own
            for name in one.classes
        ]
        crowd = {"image_id": own[0][0], "category_id": ids[names[-1]], "iscrowd": 1}
        document = {
            "images": [{"id": i, "file_name": one.name} for i, one in own],
            "annotations": [*found, crowd],
            "categories": [{"id": ids[name], "name": name} for name in names],
        }
        put(root, f"annotations/instances_{part}2017.json", json.dumps(document))
    return root


def voc(root: Path, some: Sequence[Picture]) -> Path:
    """A difficult object does not count."""
    base = "VOCdevkit/VOC2007"
    put_images(root, some, f"{base}/JPEGImages")
    for one in some:
        things = [(name, 0) for name in one.classes] + [("ghost", 1)]
        body = "".join(
            f"<object><name>{name}</name><difficult>{hard}</difficult></object>"
            for name, hard in things
        )
        text = f"<annotation><filename>{one.name}</filename>{body}</annotation>"
        put(root, f"{base}/Annotations/{one.name[:-4]}.xml", text)
    for part, file in (("train", "trainval"), ("test", "test")):
        stems = [one.name[:-4] for one in some if one.part == part]
        put(root, f"{base}/ImageSets/Main/{file}.txt", "\n".join(stems))
    return root


def fiftyone(root: Path, some: Sequence[Picture]) -> Path:
    """An image classification export for each part: labels.json beside data/."""
    names = sorted({name for one in some for name in one.classes})
    is_single = all(len(one.classes) == 1 for one in some)
    for part in ("train", "test"):
        own = [one for one in some if one.part == part]
        put_images(root, own, f"{part}/data")
        numbers = {one.name[:-4]: [names.index(name) for name in one.classes] for one in own}
        labels = {stem: of[0] if is_single else of for stem, of in numbers.items()}
        document = {"classes": names, "labels": labels}
        put(root, f"{part}/labels.json", json.dumps(document))
    return root


def fiftyone_samples(root: Path, some: Sequence[Picture]) -> Path:
    """A whole data set: samples with fields and tags, paths from another machine."""
    put_images(root, some, "data")
    is_single = all(len(one.classes) == 1 for one in some)
    samples = []
    for one in some:
        labels = [{"_cls": "Classification", "label": name} for name in one.classes]
        field = labels[0] if is_single else {"_cls": "Classifications", "classifications": labels}
        sample = {"filepath": f"/home/me/set/data/{one.name}", "tags": [one.part], "truth": field}
        samples.append({**sample, "metadata": {"width": 8}})
    put(root, "samples.json", json.dumps({"samples": samples}))
    return root


def label_studio(root: Path, some: Sequence[Picture]) -> Path:
    """Tasks with choices; what was cancelled or only predicted does not count."""
    for part in ("train", "test"):
        put_images(root, [one for one in some if one.part == part], part)
    tasks = []
    for one in some:
        given = [{"type": "choices", "value": {"choices": list(one.classes)}}]
        ghost = [{"type": "choices", "value": {"choices": ["ghost"]}}]
        done = [{"result": given}, {"result": ghost, "was_cancelled": True}]
        data = {"image": f"/data/local-files/?d=set/{one.part}/{one.name}"}
        tasks.append({"data": data, "annotations": done, "predictions": [{"result": ghost}]})
    put(root, "project-1.json", json.dumps(tasks))
    return root


def cvat(root: Path, some: Sequence[Picture]) -> Path:
    """Tags and boxes, with the part as the subset."""
    put_images(root, some)
    body = "".join(
        f'<image id="{i}" name="{one.name}" subset="{one.part.title()}" width="8" height="8">'
        + f'<tag label="{one.classes[0]}"/>'
        + "".join(f'<box label="{name}" xtl="0" ytl="0"/>' for name in one.classes)
        + "</image>"
        for i, one in enumerate(some)
    )
    text = f'<?xml version="1.0"?><annotations><version>1.1</version>{body}</annotations>'
    put(root, "annotations.xml", text)
    return root


def yolo(root: Path, some: Sequence[Picture]) -> Path:
    """Boxes in labels/ beside images/, names in data.yaml."""
    names = sorted({name for one in some for name in one.classes})
    for one in some:
        put(root, f"images/{one.part}/{one.name}", one.content)
        lines = [f"{names.index(name)} 0.5 0.5 0.25 1" for name in (*one.classes, one.classes[0])]
        put(root, f"labels/{one.part}/{one.name[:-4]}.txt", "\n".join(lines))
    listed = "\n".join(f"  {number}: {name}" for number, name in enumerate(names))
    put(root, "data.yaml", f"train: images/train\nval: images/test\nnames:\n{listed}\n")
    return root


def labelme(root: Path, some: Sequence[Picture]) -> Path:
    """A JSON file beside each image."""
    for one in some:
        shapes = [{"label": name, "points": [[0, 0], [1, 1]]} for name in one.classes]
        document = {"version": "5", "flags": {}, "shapes": shapes, "imagePath": one.name}
        put(root, f"{one.part}/{one.name}", one.content)
        put(root, f"{one.part}/{one.name[:-4]}.json", json.dumps(document))
    return root


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{folder.name}/{path.relative_to(folder)}")
    return target


def tarred(folder: Path, target: Path) -> Path:
    suffix = target.suffix.lstrip(".").replace("tgz", "gz")
    with tarfile.open(target, "w" if suffix == "tar" else f"w:{suffix}") as archive:
        archive.add(folder, folder.name)
    return target


Writer = Callable[[Path, Sequence[Picture]], Path]
SINGLE: dict[str, tuple[str, Writer]] = {
    "class folders": ("class_folders", class_folders),
    "deep class folders": ("class_folders", deep_class_folders),
}
ANY: dict[str, tuple[str, Writer]] = {
    "csv": ("table", csv_table),
    "tsv": ("table", tsv_table),
    "json": ("table", json_table),
    "parquet": ("table", parquet_table),
    "parquet with images": ("image_rows", parquet_with_images),
    "one-hot": ("table", one_hot_table),
    "a row a label": ("table", one_row_a_label),
    "imagefolder": ("imagefolder", imagefolder),
    "hashing lists": ("hashing_lists", hashing_lists),
    "coco": ("coco", coco),
    "voc": ("voc", voc),
    "fiftyone": ("fiftyone", fiftyone),
    "fiftyone samples": ("fiftyone", fiftyone_samples),
    "label studio": ("label_studio", label_studio),
    "cvat": ("cvat", cvat),
    "yolo": ("yolo", yolo),
    "labelme": ("labelme", labelme),
}
BOXES = ("coco", "voc", "cvat", "yolo", "labelme")  # an image may always have several
