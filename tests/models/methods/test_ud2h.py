"""UD2H: the spectral target, the parts that can be switched off, hard inputs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.alternating import build_target, unit_components
from models.kinds_and_things import FACTORS, FINDS
from models.method import TrainingSet
from models.methods.itq import ITQ
from models.methods.ud2h import UD2H
from models.neighbourhood import Neighbourhood
from models.ud2h_config import UD2HConfig

FAST = UD2HConfig(rounds=3, epochs=1, eigenvectors=16, pca_dims=8, min_images=0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_target_is_the_dense_formula(beta):
    """scale (beta cos(z_i, z_j) + (1 - beta) e_i . e_j), from a full eigendecomposition.

    Edges weigh the share of neighbours (each point among its own) that both ends have.
    """
    config = UD2HConfig(neighbours=4, eigenvectors=6, power=3, beta=beta, scale=2, pca_dims=10)
    features = torch.randn(80, 10, generator=generator())
    features -= features.mean(0)

    target, _ = build_target(F.normalize(features), config, seed=0)

    unit = F.normalize(features).double().numpy()
    cosine = unit @ unit.T
    nearest = np.argsort(-(cosine - 9 * np.eye(80)), axis=1)[:, :4]
    near = np.zeros((80, 80), bool)
    np.put_along_axis(near, nearest, True, axis=1)
    hood = (near | np.eye(80, dtype=bool)).astype(float)
    shared = hood @ hood.T
    graph = (near | near.T) * shared / (2 * 5 - shared)
    degree = np.sqrt(graph.sum(axis=1))
    values, vectors = np.linalg.eigh(graph / np.outer(degree, degree))
    rows = vectors[:, -6:] * values[-6:] ** 3
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = 2 * (beta * cosine + (1 - beta) * rows @ rows.T)
    assert target.rows(torch.arange(80), torch.arange(80)).numpy() == pytest.approx(
        expected, abs=1e-4
    )


def test_an_image_is_as_similar_to_itself_as_the_scale_says():
    config = UD2HConfig(neighbours=10, scale=3, eigenvectors=8, pca_dims=8)
    features = torch.randn(60, 8, generator=generator())

    target, _ = build_target(F.normalize(features), config, seed=0)

    own = target.rows(torch.arange(60), torch.arange(60)).diagonal()
    assert own.numpy() == pytest.approx(np.full(60, 3), abs=1e-4)


@pytest.mark.parametrize(
    "changes", list(UD2H.card.ablations.values()), ids=list(UD2H.card.ablations)
)
def test_every_part_can_be_switched_off_and_matters(changes):
    """On grouped data every variant still trains, to other weights than the full method."""
    features = torch.randn(10, 16, generator=generator())[torch.arange(150) % 10]
    features = features + 0.7 * torch.randn(150, 16, generator=generator(1))
    config = {"rounds": 8, "eigenvectors": 16, "pca_dims": 16, "lambda_c": 0.1, "gamma": 0.05}
    config["min_images"] = 0

    full, part = (
        UD2H(16, UD2HConfig(**chosen)).fit(TrainingSet((features,))).state["projection"]
        for chosen in (config, config | changes)
    )

    assert torch.isfinite(part).all()
    assert not torch.allclose(full, part, atol=1e-4)


def codes_of(features, bits=8, config=FAST, seed=0):
    return UD2H(bits, config, seed=seed).fit(TrainingSet((features,))).encode(features)


def test_the_same_seed_gives_bit_identical_weights():
    features = torch.randn(120, 16, generator=generator())

    first, second = (UD2H(8, FAST, seed=3).fit(TrainingSet((features,))).state for _ in range(2))

    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_few_images_give_codes_though_eigenvectors_and_sample_ask_for_more():
    """4 images have 3 principal axes: at most 3 bits, 3 neighbours, 3 eigenvectors."""
    features = torch.randn(4, 16, generator=generator())

    codes = codes_of(features, bits=3, config=UD2HConfig(rounds=2, min_images=0))

    assert (len(codes), codes.bits) == (4, 3)
    with pytest.raises(ValueError, match="use at most 3 bits"):
        codes_of(features, bits=4)
    with pytest.raises(ValueError, match="at least 4 images"):
        codes_of(features[:3])


@pytest.mark.parametrize("copies", [2, 30])
def test_duplicates_get_the_same_code_and_the_same_codes_every_time(copies):
    features = torch.randn(60 // copies + 8, 12, generator=generator()).repeat(copies, 1)

    first, second = codes_of(features), codes_of(features)

    assert np.array_equal(first.packed, second.packed)
    n = len(features) // copies
    assert np.array_equal(first.packed[:n], first.packed[-n:])


def test_a_constant_feature_changes_next_to_nothing():
    features = torch.randn(100, 12, generator=generator())
    constant = torch.cat([features, torch.full((100, 1), 7.0)], dim=1)

    difference = np.diagonal(codes_of(features).hamming(codes_of(constant)))

    assert difference.mean() <= 0.4  # rounding may flip a bit near zero


def test_features_without_any_difference_are_refused():
    with pytest.raises(ValueError, match="20 training images have the same features"):
        codes_of(torch.full((20, 12), 3.0))


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_the_scale_of_the_features_does_not_matter(factor):
    features = torch.randn(100, 12, generator=generator())

    difference = np.diagonal(codes_of(features).hamming(codes_of(features * factor)))

    assert difference.mean() <= 0.4


def test_neighbours_end_up_closer_than_with_the_start_alone():
    """Images in 12 tight groups: training must draw a group's codes together."""
    member = torch.arange(240) % 12
    features = torch.randn(12, 24, generator=generator())[member]
    features = features + 0.9 * torch.randn(240, 24, generator=generator(1))
    same = (member[:, None] == member).numpy() & ~np.eye(240, dtype=bool)

    def contrast(config):
        codes = codes_of(features, bits=16, config=config)
        distances = codes.hamming(codes)
        return distances[~same].mean() - distances[same].mean()

    start = UD2HConfig(rounds=1, epochs=1, learning_rate=1e-9, min_images=0)
    trained = UD2HConfig(rounds=15, eigenvectors=12, min_images=0)
    assert contrast(trained) > contrast(start) + 0.5


@pytest.mark.parametrize("copies", [1, 12])
def test_too_few_different_images_get_the_codes_of_itq_and_the_log_says_so(copies, caplog):
    features = clusters_of_features().repeat(copies, 1)

    codes = UD2H(8, seed=3).fit(TrainingSet((features,))).encode(features)

    expected = ITQ(8, seed=3).fit(TrainingSet((features,))).encode(features)
    assert np.array_equal(codes.packed, expected.packed)
    assert "59 different images are too few for a graph of at least 500" in caplog.text


@pytest.mark.parametrize("find", FINDS)
def test_the_nearer_to_things_the_sharper_and_heavier_the_loss(find):
    features = torch.randn(120, 20, generator=generator())

    def weights(**settings):
        config = FAST.model_copy(update=settings)
        return UD2H(8, config).fit(TrainingSet((features,))).state["projection"]

    sharpness, weight = FACTORS[find]
    expected = weights(sharpness=5.0 * sharpness, lambda_n=0.1 * weight)
    assert torch.equal(weights(find=find, sharpness=5.0), expected)


def test_what_to_find_without_the_loss_changes_nothing_and_the_log_says_so(caplog):
    features = TrainingSet((torch.randn(60, 20, generator=generator()),))
    config = FAST.model_copy(update={"lambda_n": 0.0})

    alone = UD2H(8, config).fit(features).state["projection"]
    asked = UD2H(8, config.model_copy(update={"find": "both"})).fit(features)

    assert torch.equal(asked.state["projection"], alone)
    assert "'both' changes nothing, as lambda_n is 0" in caplog.text


def test_sharpness_is_taken_from_the_images_unless_it_is_given():
    features = torch.randn(120, 20, generator=generator())
    method = UD2H(8, FAST).fit(TrainingSet((features,)))

    points = unit_components(features - features.mean(0), FAST.pca_dims)
    neighbourhood = Neighbourhood.of(points)
    given = FAST.model_copy(update={"sharpness": neighbourhood.sharpness})
    again = UD2H(8, given).fit(TrainingSet((features,)))

    assert torch.allclose(method.state["projection"], again.state["projection"], atol=1e-4)
    assert method.chosen["overlap of neighbourhoods, %"] == round(100 * neighbourhood.overlap)


def test_images_have_axes_for_every_bit():
    """20 dimensions: 20 bits work and 21 do not."""
    assert codes_of(clusters_of_features(), bits=20).bits == 20
    with pytest.raises(ValueError, match="use at most 20 bits"):
        codes_of(clusters_of_features(), bits=21)


def test_more_than_max_images_are_sampled_and_the_log_says_so(caplog):
    features = torch.randn(300, 20, generator=generator())
    config = FAST.model_copy(update={"max_images": 120})

    sampled = UD2H(8, config, seed=4).fit(TrainingSet((features,)))
    again = UD2H(8, config, seed=4).fit(TrainingSet((features,)))

    assert "trains on a sample of 120 of 300 images" in caplog.text
    assert torch.equal(sampled.state["projection"], again.state["projection"])
    rows = (features - sampled.state["mean"]).norm(dim=1)
    assert not torch.allclose(sampled.state["mean"], features.mean(0))
    assert torch.isfinite(rows).all()
    assert sampled.encode(features).bits == 8


def test_copies_stay_where_fewer_images_than_axes_would_remain():
    features = clusters_of_features()[:6].repeat(10, 1)

    assert codes_of(features + 0.01 * torch.randn(60, 20, generator=generator())).bits == 8


def test_copies_of_every_image_change_nothing(caplog):
    """Ten slightly noisy copies of each of 60 images train the same network as the images do."""
    features = torch.randn(60, 24, generator=generator())
    copies = features + 0.02 * torch.randn(9, 60, 24, generator=generator(1))

    alone = UD2H(8, FAST).fit(TrainingSet((features,)))
    copied = UD2H(8, FAST).fit(TrainingSet((torch.cat([features, *copies]),)))

    for name in alone.state:
        assert torch.equal(alone.state[name], copied.state[name]), name
    assert "near-copies count once: 60 of 600 images train" in caplog.text


def test_neighbours_and_clusters_that_were_left_open_are_chosen_and_told():
    features = clusters_of_features()
    fast = {"eigenvectors": 16, "rounds": 2, "epochs": 1, "min_images": 0}
    open_ = UD2H(8, UD2HConfig(**fast)).fit(TrainingSet((features,)))
    neighbours, found = open_.chosen["neighbours"], open_.chosen["clusters"]

    given = UD2H(8, UD2HConfig(**fast, neighbours=neighbours)).fit(TrainingSet((features,)))

    assert neighbours in (5, 10, 20, 40)
    assert found == 4
    assert given.chosen == open_.chosen
    assert torch.equal(given.state["projection"], open_.state["projection"])


def clusters_of_features():
    generator = torch.Generator().manual_seed(0)
    centres = 4 * torch.randn(4, 20, generator=generator)
    return centres[torch.arange(120) % 4] + torch.randn(120, 20, generator=generator)
