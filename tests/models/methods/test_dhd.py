"""DHD: proxies and bits teach one view, whose code the other follows."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.dhd import DHD, DHDConfig, bit_likelihood, dhd_loss, proxy_entropy


def random_batch(n=5, bits=4, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    teacher, student = torch.rand(2, n, bits, generator=generator) * 1.8 - 0.9
    proxies = torch.randn(classes, bits, generator=generator)
    labels = torch.rand(n, classes, generator=generator) < 0.5
    labels[torch.arange(n), torch.arange(n) % classes] = True
    return teacher, student, proxies, labels


def test_entropy_by_hand():
    """Cosines 1 and 0 at temperature 1/2: the own proxy has the share e^2 / (e^2 + 1)."""
    codes, labels = torch.tensor([[0.3, 0.0]]), torch.tensor([[True, False]])

    loss = proxy_entropy(codes, torch.eye(2), labels, temperature=0.5)

    assert loss.item() == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + 1)))


def test_a_bit_that_is_reached_costs_little_and_none_costs_by_the_bell():
    """At 1 the own bell is 1 and the other exp(-8), for sigma 1/2; at 1/2 exp(-1/2), exp(-9/2)."""
    reached, half = (bit_likelihood(torch.tensor([[x]]), 0.5).item() for x in (1.0, 0.5))

    assert reached == pytest.approx(-math.log(1 - math.exp(-8)), rel=1e-3)
    assert half == pytest.approx(0.5 - math.log(1 - math.exp(-4.5)), rel=1e-5)


def test_loss_equals_the_formula_written_with_loops():
    teacher, student, proxies, labels = random_batch()
    t, s, p, y = (x.tolist() for x in (teacher, student, proxies, labels))
    config = DHDConfig(temperature=0.3, distillation=0.7, quantization=0.2, sigma=0.6)

    def cosine(a, b):
        return sum(i * j for i, j in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    entropy = distance = bits = 0.0
    for i in range(5):
        powers = [math.exp(cosine(t[i], p[c]) / 0.3) for c in range(3)]
        for c in range(3):
            if y[i][c]:
                entropy -= math.log(powers[c] / sum(powers)) / sum(y[i]) / 5
        distance += (1 - cosine(t[i], s[i])) / 5
        for h in t[i]:
            own, other = (h - 1, h + 1) if h > 0 else (h + 1, h - 1)
            bits += own**2 / (2 * 0.36) / 20
            bits -= math.log(1 - math.exp(-(other**2) / (2 * 0.36))) / 20

    terms = dhd_loss(teacher, student, proxies, labels, config)
    assert terms["proxies"].item() == pytest.approx(entropy, rel=1e-5)
    assert terms["distillation"].item() == pytest.approx(0.7 * distance, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.2 * bits, rel=1e-4)


def test_gradient_of_entropy_and_bits():
    teacher, _, proxies, labels = random_batch(seed=1)

    def total(x, p):
        return proxy_entropy(x, p, labels, 0.2) + bit_likelihood(x, 0.5)

    inputs = (teacher.double().requires_grad_(), proxies.double().requires_grad_())
    assert torch.autograd.gradcheck(total, inputs)


def test_the_student_follows_the_teacher_and_not_the_other_way_round():
    teacher, student, proxies, labels = random_batch(seed=2)
    teacher.requires_grad_()
    student.requires_grad_()

    dhd_loss(teacher, student, proxies, labels, DHDConfig())["distillation"].backward()

    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


def test_several_labels_share_the_entropy_equally():
    """An image between two proxies fits both labels best when it lies in their middle."""
    labels = torch.tensor([[True, True, False]])
    middle, aside = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.2, 0.0]])

    losses = [proxy_entropy(codes, torch.eye(3), labels, 0.2).item() for codes in (middle, aside)]

    assert losses[0] < losses[1]


def test_the_teacher_sees_plain_images_and_the_student_augmented_ones():
    seen = []

    class Watched(DHD):
        def loss(self, batch):
            terms = super().loss(batch)
            known = self._proxies, batch.known_labels, self.config
            seen.append((batch, terms["proxies"], dhd_loss(*batch.relaxed, *known)["proxies"]))
            return terms

    plain = torch.randn(12, 6, generator=torch.Generator().manual_seed(0))
    augmented, further = plain.roll(1, dims=1), plain.roll(2, dims=1)
    labels = torch.eye(3, dtype=torch.bool).repeat(4, 1)

    method = Watched(4, DHDConfig(epochs=1, batch=12))
    method.fit(TrainingSet((plain, augmented, further), labels))

    ((batch, of_proxies, of_plain),) = seen
    assert of_proxies.item() == of_plain.item()
    mean, scale = method.state["mean"], method.state["scale"]
    for view, expected in zip(batch.views, (plain, augmented), strict=True):
        torch.testing.assert_close(view, (expected[batch.rows] - mean) * scale)
