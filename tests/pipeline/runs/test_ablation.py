"""The ablation study: which specs it asks for, and what its table says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.runs.ablation import COLUMNS, FULL, studies, table, variants
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import spec

SMALL = {"min_images": 0, "rounds": 15, "epochs": 4, "eigenvectors": 8, "learning_rate": 0.01}


def test_every_variant_is_the_full_method_with_only_its_own_changes():
    base = spec(method="ud2h", bits=8, config=SMALL)

    study = {variant.name: variant.specs for variant in variants(base, seeds=2)}

    assert [one.seed for one in study[FULL]] == [0, 1]
    assert study[FULL][0].config == base.config
    off = study["globality off"][0].config
    assert {key for key in off if off[key] != base.config[key]} == {"globality"}


def test_a_method_without_named_parts_is_refused():
    with pytest.raises(ValueError, match="ITQ names no parts"):
        variants(spec(method="itq", bits=8), seeds=1)


def test_the_study_runs_once_and_its_table_holds_paired_differences(own_library: Settings):
    study = variants(spec(method="ud2h", bits=8, config=SMALL), seeds=2)
    study = [one for one in study if one.name in (FULL, "globality off")]

    specs = [one for variant in study for one in variant.specs]
    outcomes = run_missing(plan(specs, own_library), own_library)
    again = run_missing(plan(specs, own_library), own_library)
    result = table(study, {one.run.spec.digest: one.run for one in outcomes})

    assert [one.state for one in again] == ["done before"] * 4
    assert tuple(result.columns) == COLUMNS
    full, off = result.iloc[0], result.iloc[1]
    assert np.isnan(full["difference"])
    assert off["difference"] != 0
    assert off["difference"] == pytest.approx(off["map"] - full["map"])
    assert off["difference_low"] <= off["difference"] <= off["difference_high"]


def test_variants_without_a_run_are_left_out(own_library: Settings):
    study = variants(spec(method="ud2h", bits=8, config=SMALL), seeds=1)

    assert table(study, {}).empty


def test_finished_runs_make_up_studies_and_variants_of_one_do_not(own_library: Settings):
    registry = RunRegistry(own_library)
    base = spec(method="ud2h", bits=8, config=SMALL)
    study = {variant.name: variant.specs[0] for variant in variants(base, seeds=1)}
    made = {}
    for name in (FULL, "globality off", "locality off"):
        made[study[name].digest] = registry.create(study[name])
    only_full = {base.digest: made[base.digest]}
    lsh = spec(method="lsh", bits=8)

    (found,) = studies(made | {lsh.digest: registry.create(lsh)})

    assert [variant.name for variant in found] == [FULL, "globality off", "locality off"]
    assert studies(only_full) == []


def test_the_largest_study_comes_first_and_takes_its_variants_out(own_library: Settings):
    """Refreshing in the output space is also a variant of refreshing in the mixed space."""
    registry = RunRegistry(own_library)
    study = {
        variant.name: variant.specs[0]
        for variant in variants(spec(method="ud2h", bits=8, config=SMALL), seeds=1)
    }
    names = (
        "target refreshed in the mixed space",
        "target refreshed in the output space",
        FULL,
        "globality off",
    )

    (found,) = studies({study[name].digest: registry.create(study[name]) for name in names})

    assert next(variant.name for variant in found) == FULL
    assert {variant.name for variant in found} == set(names)
