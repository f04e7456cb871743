"""Reordering, places, comparing, changed codes and links, against counting by hand."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard import cached
from dashboard.services import permalink
from dashboard.services.comparing import differing_most, next_row, rank_biased_overlap, why_not
from dashboard.services.queries import Upload, random_query
from dashboard.services.results_table import results_table, to_csv
from dashboard.services.run_choices import IndexState
from dashboard.services.search import Backend, QueryImage, Request, TieGroup, answer, passes
from models.codes import HashCodes
from pipeline.analysis import single_bits
from pipeline.analysis.aligned_bits import align
from pipeline.analysis.explain import Place, least_sure_first, place, unsure_bits, unsure_words
from pipeline.analysis.opened_run import OpenRun, open_run, short_labels
from pipeline.analysis.perturbations import probes
from pipeline.analysis.relaxed import relaxed_values
from pipeline.edits import EDITS
from pipeline.index.ordering import Ordering
from pipeline.index.publish import IndexRecord, index_alias, read_index, write_index
from pipeline.index.search import exact_store, stored_query
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import StoredSpec
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing
from tests.factories import png


@pytest.fixture(scope="module")
def both(shared_home) -> tuple[OpenRun, OpenRun]:
    settings = Settings(home=shared_home, threads=1)
    found = {run.spec.method: run for run in RunRegistry(settings).all()}
    return open_run(found["itq"].id, settings), open_run(found["lsh"].id, settings)


@pytest.fixture(scope="module")
def opened(both) -> OpenRun:
    return both[0]


@pytest.fixture(scope="module")
def backend(opened) -> Backend:
    return Backend(*exact_store(opened.run, opened.dataset, "database"), IndexState("missing"))


def asked(opened: OpenRun, row: int) -> QueryImage:
    return QueryImage(stored_query(opened.run, row), "query", row)


@pytest.mark.parametrize(
    "filters",
    [
        {"text": "Stripes"},
        {"text": "stripes 03"},
        {"split": "train"},
        {"split": "database"},
        {"max_distance": 3},
        {"labels": ("squares",), "max_distance": 5, "split": "train"},
        {"text": "no such word"},
    ],
)
def test_the_store_filters_as_the_page_counts(opened, backend, filters):
    row = int(opened.query_rows[0])
    request = Request(limit=200, **filters)

    found = answer(opened, asked(opened, row), request, backend, None)

    distances = opened.query_codes[[0]].hamming(opened.database_codes)[0]
    passing = passes(opened, request) & (distances <= filters.get("max_distance", opened.bits))
    assert {one.row for one in found.results} == {int(r) for r in opened.database_rows[passing]}
    assert sum(group.total for group in found.groups) == passing.sum()


def test_another_order_moves_ranks_and_has_its_own_precision(opened, backend):
    row = int(opened.query_rows[0])
    relevant = opened.labels[:, opened.labels[row]].any(axis=1)
    order = Ordering(lambda rows: relevant[rows] * -1.0, is_within_distance=False)

    found = answer(opened, asked(opened, row), Request(limit=20), backend, None, order)

    assert [one.relevant for one in found.results[:16]] == [True] * 16
    assert found.precision_10 == 1.0
    plain = answer(opened, asked(opened, row), Request(limit=200), backend, None).results
    ranks = {one.row: one.rank for one in plain}
    assert all(one.moved == ranks[one.row] - one.rank for one in found.results)
    assert [group.distance for group in found.groups] == [None]


def test_equally_near_images_are_sorted_and_none_is_missed(opened, backend):
    """All images of the last distance are compared, whatever the store would have given first."""
    row = int(opened.query_rows[0])
    order = Ordering(lambda rows: -rows.astype(np.float32))  # the largest row is the best

    found = answer(opened, asked(opened, row), Request(limit=9), backend, None, order)

    distances = opened.query_codes[[0]].hamming(opened.database_codes)[0]
    expected = sorted(zip(distances, -opened.database_rows, strict=True))[:9]
    assert [(one.distance, -one.row) for one in found.results] == expected
    assert all(one.moved == 0 for one in found.results)
    assert [group.distance for group in found.groups] == sorted({d for d, _ in expected})


def test_features_that_turn_out_missing_leave_the_order_to_the_codes(opened, backend):
    def missing(rows):
        raise FeaturesMissing("3 of 9 images have no stored features")

    row, plain = int(opened.query_rows[0]), Request(limit=9)

    found = answer(opened, asked(opened, row), plain, backend, None, Ordering(missing))

    assert found.order.problem.startswith("3 of 9")
    assert found.results == answer(opened, asked(opened, row), plain, backend, None).results


def test_an_image_that_the_run_does_not_know_yet_is_left_out(opened, backend):
    """A refresh fills the index before it says so."""
    row, newest = int(opened.query_rows[0]), int(opened.database_rows[-1])
    older = replace(
        opened,
        database_codes=opened.database_codes[:-1],
        database_rows=opened.database_rows[:-1],
    )
    values = relaxed_values(np.ones(opened.bits, np.float32), older)

    for order in (None, Ordering(values), Ordering(values, is_within_distance=False)):
        found = answer(older, asked(opened, row), Request(limit=200), backend, None, order)

        assert newest not in {one.row for one in found.results}
        assert len(found.results) == found.n_within == len(older.database_rows)


def test_asymmetric_values_weigh_sure_bits_more(opened):
    rows = opened.database_rows[:5]
    relaxed = np.zeros(opened.bits, np.float32)
    relaxed[0] = 2.0

    values = relaxed_values(relaxed, opened)(rows)

    assert values.tolist() == (-2 * opened.database_codes[:5].signs()[:, 0]).tolist()


def test_a_place_is_the_range_of_ranks_in_its_tie(opened):
    query, row = asked(opened, int(opened.query_rows[0])).encoded, int(opened.database_rows[7])
    distances = query.code.hamming(opened.database_codes)[0]

    found = place(opened, query, row, None)

    assert found.distance == distances[7]
    assert found.first == (distances < distances[7]).sum() + 1
    assert found.last == (distances <= distances[7]).sum()
    assert place(opened, query, int(opened.query_rows[1]), None) is None


def test_the_relaxed_code_ranks_by_its_size_where_bits_differ(opened):
    """Cost: |relaxed| summed over the bits that differ; the inner product is a line of that."""
    query = asked(opened, int(opened.query_rows[0]))
    signs = query.encoded.code.signs()[0]
    relaxed = (signs * np.linspace(0.1, 1.2, opened.bits)).astype(np.float32)
    cost = ((opened.database_codes.signs() != signs) * np.abs(relaxed)).sum(axis=1)
    others = opened.database_rows != query.row

    for own in range(0, len(opened.database_rows), 7):
        row = int(opened.database_rows[own])
        found = place(opened, query.encoded, row, query.row, relaxed)
        assert found.first == 1 + (cost[others] < cost[own] - 1e-5).sum()
        assert found.last == (cost[others] < cost[own] + 1e-5).sum()
        assert found.distance == place(opened, query.encoded, row, query.row).distance


def test_differing_bits_stand_with_the_least_sure_first_and_say_where_the_image_moves():
    relaxed = np.array([0.9, -0.1, 1, -0.05, 0.8], np.float32)
    assert least_sure_first("11110", relaxed) == [4, 2, 1, 3]
    unsure, by_distance, by_relaxed = unsure_bits(relaxed), Place(3, 5, 41, 45), Place(3, 5, 9, 9)

    assert unsure_words("11110", unsure, by_distance, by_relaxed) == (
        "2 of the 4 differing bits were near the threshold in the query; with its relaxed code "
        "this image moves from rank 41–45 to 9."
    )
    assert unsure_words("10100", unsure, by_relaxed, by_relaxed) == (
        "None of the 2 differing bits was near the threshold in the query; with its relaxed code "
        "this image stays at rank 9."
    )
    assert unsure_words("10000", unsure, None, None) == (
        "The differing bit was not near the threshold in the query."
    )
    assert unsure_words("01000", unsure, None, None) == (
        "The differing bit was near the threshold in the query."
    )


def test_unsure_bits_are_those_near_the_threshold():
    assert unsure_bits(np.array([4.0, -0.1, -4.0, 0.5, 4.0], np.float32)) == "01010"


def test_runs_of_one_split_compare_and_a_run_with_itself_does_not(both):
    a, b = (opened.run for opened in both)
    assert why_not(a, b, both[0].dataset.info) == ""
    assert "same run" in why_not(a, a, both[0].dataset.info)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"split_seed": 7}, "split seed 7, not 0"),
        ({"protocol": "given"}, "protocol given, not holdout"),
        ({"label_set": "tags"}, "relevant by tags, not class"),
        ({"label_set": "class"}, ""),  # the first labels by their name
    ],
)
def test_what_keeps_two_runs_apart_is_named(both, changes: dict[str, object], reason: str):
    a, b = (opened.run for opened in both)
    other = replace(b, stored=StoredSpec.model_validate(b.stored.model_dump() | changes))

    assert why_not(a, other, both[0].dataset.info) == reason


def test_runs_of_another_version_or_of_other_images_are_kept_apart(both, own_home: Path):
    runs = {run.id: run for run in RunRegistry(Settings(home=own_home)).all()}
    a, b = (runs[opened.id] for opened in both)
    info = both[0].dataset.info

    codes, rows = b.load_codes("query")
    b.save_codes("added", codes, rows)
    assert "searches other images (60 in its database, 48 in that of A)" in why_not(a, b, info)
    (b.folder / "codes" / "database.npz").write_bytes(b"")
    assert "its codes cannot be read" in why_not(a, b, info)
    assert "another version of the data set" in why_not(
        a, b, info.model_copy(update={"fingerprint": "0"})
    )


def test_queries_are_ordered_by_the_size_of_their_difference(both):
    table = differing_most(*both)

    assert len(table) == len(both[0].query_rows)
    assert table["delta"].abs().is_monotonic_decreasing
    assert np.allclose(table["delta"], table["b"] - table["a"])
    first, second = table["row"].iloc[:2]
    assert next_row(table, first, 1) == second
    assert next_row(table, second, -1) == first
    assert next_row(table, first, -1) == table["row"].iloc[-1]
    assert next_row(table, -5, 1) == first


def test_rank_biased_overlap_weighs_early_ranks_more():
    """Lists 1,2 and 1,3: agreement 1 and 1/2, weights 1 and 0.9, so (1 + 0.45) / 1.9."""
    assert rank_biased_overlap([1, 2], [1, 2]) == pytest.approx(1)
    assert rank_biased_overlap([1, 2], [3, 4]) == 0
    assert rank_biased_overlap([1, 2], [1, 3]) == pytest.approx(1.45 / 1.9)
    assert rank_biased_overlap([], [1]) == 0


def test_flipping_and_muting_bits_changes_distances_bit_by_bit(opened):
    code, row = opened.query_codes[[0]], int(opened.query_rows[0])
    n = len(opened.database_rows)

    flipped = single_bits.changed(opened, code, row, flipped=[1, 3], k=n)
    muted = single_bits.changed(opened, code, row, muted=range(2, opened.bits + 1), k=n)

    assert (flipped.code.signs()[0] != code.signs()[0]).nonzero()[0].tolist() == [0, 2]
    expected = np.sort(flipped.code.hamming(opened.database_codes)[0])
    assert flipped.distances.tolist() == expected.tolist()
    first_bit = opened.database_codes.signs()[:, 0] != code.signs()[0, 0]
    assert muted.distances.sum() == first_bit.sum()
    assert single_bits.changed(opened, code, row, k=10).overlap == 10


def test_the_table_of_bits_agrees_with_the_codes(opened):
    table, signs = single_bits.bit_table(opened), opened.database_codes.signs()

    assert np.allclose(table["ones"], (signs > 0).mean(axis=0))
    place_ = int(table["most_similar"].iloc[0]) - 1
    expected = abs(np.corrcoef(signs[:, 0], signs[:, place_])[0, 1])
    assert table["correlation"].iloc[0] == pytest.approx(expected, abs=1e-5)
    assert (table["most_similar"] != table["bit"]).all()


def test_bits_are_aligned_on_the_images_of_both_databases(opened):
    """The same codes in another order, some of them inverted, without five of the images."""
    order = np.random.default_rng(3).permutation(opened.bits)
    signs = opened.database_codes.signs()[:, order].astype(np.float32)
    signs[:, 4] *= -1
    places = np.random.default_rng(4).permutation(len(signs))[5:]
    other = replace(
        opened,
        database_codes=HashCodes.from_relaxed(signs[places]),
        database_rows=opened.database_rows[places],
    )

    found = align(opened, other)

    assert found.n_images == len(signs) - 5
    table = found.table.set_index("bit").sort_index()
    assert (table["strength"] > 0.99).all()
    assert table.loc[order[4] + 1, "sense"] == "inverted"
    assert (table["sense"] == "inverted").sum() == 1
    assert found.finding.startswith("12 of 12 bits have a counterpart in ITQ · 12 bits")
    assert "1 of them inverted: 100 % of the code is stable" in found.finding
    with pytest.raises(ValueError, match="got 0 and 0"):
        align(opened, replace(other, database_rows=other.database_rows + 1000))


def test_labels_of_runs_side_by_side_differ(both):
    itq, lsh = both
    assert short_labels([itq.run, lsh.run]) == ["ITQ · 12 bits", "LSH · 8 bits"]
    stored = StoredSpec.model_validate(itq.run.stored.model_dump() | {"seed": 3})
    seeded = replace(itq, run=replace(itq.run, stored=stored))
    names = short_labels([itq.run, seeded.run])
    assert names == ["ITQ · 12 bits · seed 0", "ITQ · 12 bits · seed 3"]
    assert short_labels([itq.run, itq.run])[0].startswith("ITQ · 12 bits · 20")


def test_what_is_kept_of_a_run_follows_a_refresh(own_home, monkeypatch):
    monkeypatch.setenv("HASHLENS_HOME", str(own_home))
    run = next(r for r in RunRegistry(Settings(home=own_home)).all() if read_index(r))
    kept = (cached.search.bit_table, cached.search.code_map, cached.networks.relaxed_sample)
    was = {"images": "database", "count": 48, "parts": {}}  # as earlier versions published
    write_index(run, read_index(run).model_copy(update=was))
    before = [one(cached.search.opened(run.id)) for one in kept]
    assert cached.search.fall_back(run.id, "").store.count(index_alias(run)) == 48

    codes, rows = run.load_codes("query")
    run.save_codes("added", codes[:5], rows[:5])
    write_index(run, read_index(run).model_copy(update={"count": 53}))

    opened = cached.search.opened(run.id)
    table, code_map, (sampled, _) = (one(opened) for one in kept)
    assert not table["ones"].equals(before[0]["ones"])
    assert code_map.n_images == 53 > before[1].n_images
    assert len(sampled) == 53
    backend = cached.search.fall_back(run.id, "")
    assert backend.store.count(index_alias(run)) == 53


def test_the_strongest_images_of_a_bit_are_its_extremes():
    rows, relaxed = np.array([5, 6, 7]), np.array([[0.1], [-3.0], [2.0]], np.float32)

    assert single_bits.strongest(rows, relaxed, 1, 2) == ([7, 5], [6, 5])


def test_a_probe_counts_the_bits_that_a_changed_image_flips(opened):
    row = int(opened.query_rows[0])
    code, image = opened.query_codes[[0]], opened.dataset.load_image(row)
    signs = code.signs().astype(np.float32)
    signs[0, 1] *= -1

    found = probes(
        opened, image, code, row, lambda images: HashCodes.from_relaxed(signs[[0] * len(images)]), 1
    )

    assert [probe.flipped for probe in found] == [(2,)] * len(EDITS)
    assert all(probe.preview.startswith("data:image/webp;base64,") for probe in found)


def test_a_hard_query_is_answered_badly_but_not_hopelessly(opened, settings):
    ap = opened.run.curves().per_query_ap
    drawn = {random_query(opened, settings, is_hard=True) for _ in range(20)}
    worst = np.sort(ap[ap > 0])[: max(1, int((ap > 0).sum()) // 4)]

    assert drawn <= {int(r) for r in opened.query_rows[(ap > 0) & (ap <= worst[-1])]}


@pytest.mark.parametrize("is_hard", [False, True])
def test_the_query_on_screen_is_not_drawn_again_while_there_are_others(opened, settings, is_hard):
    draws = {random_query(opened, settings, is_hard=is_hard) for _ in range(60)}
    assert len(draws) > 1
    current = draws.pop()
    again = {random_query(opened, settings, is_hard=is_hard, current=current) for _ in range(60)}
    assert again
    assert current not in again
    alone = replace(opened, query_rows=np.array([current]))
    assert random_query(alone, settings, current=current) == current


def test_a_link_names_everything_and_says_what_has_changed(both, tmp_path):
    published, unpublished = both[0].run, both[1].run
    version = replace(published, folder=tmp_path)
    (tmp_path / "spec.json").write_bytes((published.folder / "spec.json").read_bytes())
    write_index(version, IndexRecord(alias="a", collection="a__v2", count=10, created=""))
    searched = permalink.fingerprint(("f" * 64, version))
    trained = ".".join(searched.split(".")[3:])

    link = permalink.link("http://h/", {"q": "ds:1", "label": ["a b", "c"], "max": None}, searched)

    assert link == f"http://h/?q=ds%3A1&label=a+b&label=c&ix=ffffffff.v2.10.{trained}&v=1"
    assert permalink.what_changed(searched, searched) == permalink.what_changed("", searched) == ""
    sentence = permalink.what_changed("ffffffff.v1.7", searched)
    assert "built again (v1 then, v2 now) and it holds 3 more images" in sentence
    assert "content of the data set has changed" in permalink.what_changed(
        "00000000.v2.10", searched
    )
    assert "published or unpublished" in permalink.what_changed("ffffffff.file.0", searched)
    assert "another version" in permalink.what_changed("<b>", searched)
    assert "another version" in permalink.what_changed("ffffffff.v2", searched)
    assert permalink.what_changed("ffffffff.v2.10", searched) == ""  # an older link
    assert permalink.what_changed("ffffffff", searched) == ""  # of a report: the data alone
    assert "content of the data set has changed" in permalink.what_changed("00000000", searched)
    again = f"ffffffff.v2.10.{version.spec.digest[:6]}.000000"
    assert permalink.what_changed(again, searched) == (
        "Since this link was made, the run was trained again; results may differ."
    )
    assert permalink.version_then(f"ffffffff.v1.7.{trained}", searched) == "v1"
    silent = (searched, "", "ffffffff", "ffffffff.v1.7", f"ffffffff.file.0.{trained}", "<b>")
    for link in (*silent, again.replace("v2", "v1"), f"{searched}_{searched}"):
        assert permalink.version_then(link, searched) == ""
    two = permalink.fingerprint(("f" * 64, version), ("f" * 64, unpublished))
    assert two.startswith(f"{searched}_ffffffff.file.0.")
    assert "published or unpublished" in permalink.what_changed(two.replace("file", "v1"), two)
    assert "another version" in permalink.what_changed(searched, two)


def test_a_link_of_another_run_says_nothing_about_this_one(both):
    first, second = (permalink.fingerprint(("f" * 64, one.run)) for one in both)

    assert permalink.what_changed(first, second) == ""
    assert permalink.what_changed(f"{first}_{second}", f"{second}_{first}") == ""


def test_a_stored_query_comes_back_by_its_short_name_unless_damaged(tmp_path):
    settings, upload = Settings(home=tmp_path), Upload("mine.png", png())
    assert permalink.stored_query(upload.ref, settings) is None

    path = permalink.store_query(upload, settings)

    assert permalink.stored_query(upload.ref, settings) == upload
    assert permalink.stored_query("up:../../etc", settings) is None
    path.write_bytes(b"other")
    assert permalink.stored_query(upload.ref, settings) is None


def test_saved_queries_are_listed_newest_first_and_removed(tmp_path):
    settings = Settings(home=tmp_path)
    first, second = Upload("a.png", png()), Upload("../b <i>.png", png((1, 2, 3)))
    assert permalink.saved_queries(settings) == []
    for number, upload in enumerate((first, second)):
        os.utime(permalink.store_query(upload, settings), (number, number))
    (tmp_path / "queries" / "other.txt").write_text("not a query")

    found = permalink.saved_queries(settings)

    assert [(one.ref, one.name) for one in found] == [
        (upload.ref, upload.name) for upload in (second, first)
    ]
    permalink.remove_query(first.ref, settings)
    permalink.remove_query("up:*", settings)
    assert [one.ref for one in permalink.saved_queries(settings)] == [second.ref]
    assert permalink.stored_query(first.ref, settings) is None


def test_results_leave_as_a_table_that_no_spreadsheet_runs(opened, backend):
    found = answer(
        opened, asked(opened, int(opened.query_rows[0])), Request(limit=5), backend, None
    )
    hostile = replace(found.results[0], text="=cmd()", labels=("+a", "b"))
    found = replace(found, groups=(TieGroup(0, (hostile,), 1),))

    lines = to_csv(results_table(found, opened)).decode().splitlines()

    assert lines[0].startswith("rank,distance,bits,relevance,labels,caption,image,sha256,query,run")
    assert f"1,{hostile.distance},12," in lines[1]
    assert "'+a|b,'=cmd()," in lines[1]
    assert len(lines) == 2
