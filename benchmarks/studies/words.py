"""How well words find images: the class names of a run's labels as queries.

python -m benchmarks.studies.words RUN

P@10 in percent, means over classes: by codes, averaged over ties; by the cosine of the features;
and what random order gives. The run's backbone has to have a text tower, with weights at hand.
"""

from __future__ import annotations

import argparse

import numpy as np

from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metrics import precision_at
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.index.cosine import cosine_of
from pipeline.index.text_search import encode_text
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

_TOP = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run on a backbone clip:NAME, or part of its id")
    settings = Settings.from_environment()
    run = RunRegistry(settings).open(parser.parse_args().run)
    dataset = load_dataset(run.spec.dataset, settings)
    backbone, method = run.load_backbone(), run.load_method()
    codes, rows = run.load_codes("database")
    label_set = dataset.label_set(run.spec.label_set)
    labels = dataset.labels(label_set)[rows]
    cosine = cosine_of(run, dataset, settings, lambda: backbone)
    by_codes, by_cosine = [], []
    for column, name in enumerate(label_set.classes):
        words = name.replace("_", " ")
        query = encode_text(words, run, dataset, backbone, method, settings)
        relevant = np.zeros((1, len(label_set.classes)), bool)
        relevant[0, column] = True
        counts = hamming_histograms(query.code, codes, relevant, labels)
        by_codes.append(precision_at(counts, [_TOP])[0, 0])
        nearest = np.argsort(cosine.values(query.features)(rows), kind="stable")[:_TOP]
        by_cosine.append(labels[nearest, column].mean())
    print("| run | classes | codes P@10 % | cosine P@10 % | random P@10 % |")
    print("| --- | --- | --- | --- | --- |")
    figures = (100 * np.mean(values) for values in (by_codes, by_cosine, labels.mean(axis=0)))
    print(f"| {run.id} | {len(label_set.classes)} | {' | '.join(f'{v:.1f}' for v in figures)} |")


if __name__ == "__main__":
    main()
