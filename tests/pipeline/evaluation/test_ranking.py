import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.codes import HashCodes
from pipeline.evaluation.ranking import (
    cosine_histograms,
    hamming_histograms,
    inner_products,
    max_shared,
    ranked,
    similarity_histograms,
)


def random_set(rng, n, bits, classes, share=0.3):
    codes = HashCodes.from_relaxed(rng.choice([-1.0, 1.0], (n, bits)))
    return codes, rng.random((n, classes)) < share


def naive_histograms(query_codes, database_codes, query_labels, database_labels):
    """The definition, one pair at a time."""
    levels, width = query_codes.bits + 1, max_shared(query_labels, database_labels) + 1
    counts = np.zeros((len(query_codes), levels, width), int)
    for q, (code, labels) in enumerate(zip(query_codes.signs(), query_labels, strict=True)):
        for other, theirs in zip(database_codes.signs(), database_labels, strict=True):
            counts[q, sum(code != other), sum(labels & theirs)] += 1
    return counts


@pytest.mark.parametrize("bits", [1, 7, 12, 33, 64, 70, 130, 300])
@pytest.mark.parametrize("classes", [1, 9, 70])
def test_counts_are_those_of_a_loop_over_all_pairs(bits, classes):
    rng = np.random.default_rng(bits * classes)
    query_codes, query_labels = random_set(rng, 3, bits, classes)
    database_codes, database_labels = random_set(rng, 17, bits, classes)

    counts = hamming_histograms(query_codes, database_codes, query_labels, database_labels)

    expected = naive_histograms(query_codes, database_codes, query_labels, database_labels)
    assert np.array_equal(counts, expected)


def test_opposite_codes_lie_at_distance_k_even_when_it_does_not_fit_a_byte():
    ones, minus_ones = (HashCodes.from_relaxed(np.full((1, 300), s)) for s in (1.0, -1.0))
    labels = np.ones((1, 1), bool)

    counts = hamming_histograms(ones, minus_ones, labels, labels)
    _, distances = ranked(ones, minus_ones, 1)

    assert counts[0, 300, 1] == 1
    assert counts.sum() == 1
    assert distances.tolist() == [[300]]


@pytest.mark.parametrize("n_labels", [2, 3, 120, 250])  # cells in 8, 16 and 32 bits
def test_counts_are_right_up_to_the_last_cell(n_labels):
    codes, opposite = (HashCodes.from_relaxed(np.full((1, 200), s)) for s in (1.0, -1.0))
    labels = np.ones((1, n_labels), bool)

    counts = hamming_histograms(codes, opposite, labels, labels)

    assert counts.shape == (1, 201, n_labels + 1)
    assert counts[0, 200, n_labels] == 1
    assert counts.sum() == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 3))
def test_neither_block_size_nor_threads_nor_database_order_matter(seed, block, threads):
    rng = np.random.default_rng(seed)
    query_codes, query_labels = random_set(rng, 5, 12, 4)
    database_codes, database_labels = random_set(rng, 37, 12, 4)
    shuffle = rng.permutation(37)

    whole = hamming_histograms(query_codes, database_codes, query_labels, database_labels)
    again = hamming_histograms(
        query_codes,
        database_codes[shuffle],
        query_labels,
        database_labels[shuffle],
        block=block,
        threads=threads,
    )

    assert np.array_equal(whole, again)
    assert (whole.sum(axis=(1, 2)) == 37).all()


def test_sets_without_any_label_have_no_relevant_pair():
    rng = np.random.default_rng(0)
    codes, labels = random_set(rng, 6, 8, 3, share=0)

    counts = hamming_histograms(codes, codes, labels, labels)

    assert counts.shape == (6, 9, 2)
    assert counts[:, :, 1].sum() == 0


def test_progress_ends_with_all_queries():
    rng = np.random.default_rng(0)
    codes, labels = random_set(rng, 150, 8, 3)
    seen = []

    hamming_histograms(
        codes, codes, labels, labels, on_progress=lambda done, total: seen.append((done, total))
    )

    assert seen == [(64, 150), (128, 150), (150, 150)]


def test_codes_of_different_lengths_are_refused():
    rng = np.random.default_rng(0)
    (short, labels), (long, _) = random_set(rng, 2, 8, 3), random_set(rng, 2, 16, 3)

    with pytest.raises(ValueError, match="8 bits but database codes have 16"):
        hamming_histograms(short, long, labels, labels)
    with pytest.raises(ValueError, match="8 bits but database codes have 16"):
        ranked(short, long, 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([2, 8, 70]))
def test_the_nearest_items_are_those_of_a_stable_sort(seed, k, bits):
    rng = np.random.default_rng(seed)
    query_codes, _ = random_set(rng, 4, bits, 1)
    database_codes, _ = random_set(rng, 40, bits, 1)

    indices, distances = ranked(query_codes, database_codes, k)

    hamming = query_codes.hamming(database_codes)
    expected = np.argsort(hamming, axis=1, kind="stable")[:, :k]
    assert np.array_equal(indices, expected)
    assert np.array_equal(distances, np.take_along_axis(hamming, expected, axis=1))


def test_a_ranking_needs_at_least_one_place():
    codes, _ = random_set(np.random.default_rng(0), 2, 8, 1)

    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        ranked(codes, codes, 0)


def cosine_counts(*arguments, **options):
    return list(cosine_histograms(*arguments, **options))


def test_cosine_levels_are_those_of_a_loop_over_sorted_similarities():
    rng = np.random.default_rng(3)
    queries, database = rng.standard_normal((3, 5)), rng.standard_normal((11, 5))
    query_labels, database_labels = rng.random((3, 4)) < 0.5, rng.random((11, 4)) < 0.5

    (counts,) = cosine_counts(queries, database, query_labels, database_labels)

    assert (counts.sum(axis=2) == 1).all()  # no ties
    for q in range(3):
        cosine = database @ queries[q] / np.linalg.norm(database, axis=1)
        shared = [int((query_labels[q] & database_labels[i]).sum()) for i in np.argsort(-cosine)]
        assert counts[q].argmax(axis=1).tolist() == shared


def test_equal_features_share_a_level_and_length_does_not_matter():
    """Cosines to (1, 0): 1 for the first two, 0 for the zero vector and (0, 1), -1 for the last."""
    database = np.array([[1, 0], [3, 0], [0, 0], [0, 1], [-2, 0]])
    labels = np.array([[1], [0], [1], [1], [0]], bool)

    (counts,) = cosine_counts(np.array([[5.0, 0.0]]), database, np.ones((1, 1), bool), labels)

    assert counts.tolist() == [[[1, 1], [0, 2], [1, 0]]]


def test_cosine_blocks_do_not_change_the_counts():
    rng = np.random.default_rng(4)
    features, labels = rng.standard_normal((9, 5)), rng.random((9, 3)) < 0.5

    (whole,) = cosine_counts(features, features, labels, labels)
    rows = cosine_counts(features, features, labels, labels, cells=1)

    assert len(rows) == 9
    for row, expected in zip(rows, whole, strict=True):
        assert np.array_equal(row[0], expected[: row.shape[1]])


def test_only_blocks_of_the_database_are_read():
    """Features of a large data set do not fit into memory beside their centred copy."""
    rng = np.random.default_rng(5)
    features, labels = rng.standard_normal((20_000, 3)), rng.random((20_000, 2)) < 0.5

    class Rows:
        shape = features.shape
        most = 0

        def __getitem__(self, rows: slice) -> np.ndarray:
            self.most = max(self.most, len(features[rows]))
            return features[rows]

    rows, query = Rows(), (features[:5], labels[:5])
    (whole,) = cosine_counts(query[0], features, query[1], labels)
    (found,) = cosine_counts(query[0], rows, query[1], labels)

    assert np.array_equal(found, whole)
    assert 0 < rows.most < 10_000


def test_features_with_nan_are_refused():
    labels = np.ones((1, 1), bool)

    with pytest.raises(ValueError, match="NaN"):
        cosine_counts(np.array([[np.nan, 1.0]]), np.array([[1.0, 1.0]]), labels, labels)


def test_neighbours_are_counted_at_the_levels_of_the_same_items():
    similarities = [np.array([[0.1, 0.9, 0.9], [3.0, -2.0, 0.5]])]
    query_labels, labels = np.array([[True], [True]]), np.array([[True], [False], [True]])
    nearest = np.array([[1, 2], [1, 2]])

    [(counts, neighbours)] = similarity_histograms(
        similarities, query_labels, labels, nearest=nearest
    )

    assert counts.tolist() == [[[1, 1], [0, 1], [0, 0]], [[0, 1], [0, 1], [1, 0]]]
    assert neighbours.tolist() == [[[0, 2], [1, 0], [0, 0]], [[1, 0], [0, 1], [0, 1]]]


def test_blocks_of_similarities_do_not_change_the_counts():
    rng = np.random.default_rng(6)
    similarities, labels = rng.standard_normal((9, 12)), rng.random((12, 3)) < 0.5
    nearest = rng.permuted(np.tile(np.arange(12), (9, 1)), axis=1)[:, :4]
    arguments = labels[:9], labels

    [whole] = similarity_histograms([similarities], *arguments, nearest=nearest)
    rows = similarity_histograms(
        np.array_split(similarities, 4), *arguments, nearest=nearest, cells=1
    )

    for row, expected in zip(rows, zip(*whole, strict=True), strict=True):
        for part, of_all in zip(row, expected, strict=True):
            assert np.array_equal(part[0], of_all[: part.shape[1]])


def test_inner_products_weigh_lengths():
    [products] = inner_products(np.array([[1.0, 0.0]]), np.array([[3.0, 1.0], [1.0, 0.0]]))

    assert products.tolist() == [[3.0, 1.0]]


def test_a_similarity_that_is_no_number_is_refused():
    labels = np.ones((1, 1), bool)

    with pytest.raises(ValueError, match="similarities contain NaN"):
        list(similarity_histograms([np.array([[np.nan]])], labels, labels))
