"""Whether the peers compute the same: from the same weights and batches, every network's losses in PyTorch and in JAX.

    python check.py

Ends with exit code 1 where they do not. `cargo xtask bench random` compares both with Taper, on networks drawn at random.
"""

import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import described_jax  # noqa: E402
import described_torch  # noqa: E402
from described import random_weights, zoo  # noqa: E402
from nets import NETS  # noqa: E402

BATCH, STEPS = 16, 5
# The first loss sums the same products otherwise; behind it, optimizers divide by gradients that are hardly there.
FIRST, LATER = 1e-4, 2e-2
OPTIMIZERS = [
    {"class_name": "Adam", "config": {"learning_rate": 1e-3}},
    {"class_name": "AdamW", "config": {"learning_rate": 1e-3, "weight_decay": 0.01}},
    {"class_name": "SGD", "config": {"learning_rate": 0.01}},
    {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9}},
    {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}},
    {"class_name": "Adagrad", "config": {"learning_rate": 0.01}},
    {"class_name": "Adadelta", "config": {"learning_rate": 0.5}},
    {"class_name": "Adamax", "config": {"learning_rate": 1e-3}},
    {"class_name": "Nadam", "config": {"learning_rate": 1e-3}},
    {"class_name": "RMSprop", "config": {"learning_rate": 3e-4, "epsilon": 1e-14}},
    {"class_name": "RMSprop", "config": {"learning_rate": 3e-4, "epsilon": 1e-14, "momentum": 0.5}},
]


def pytorch(network, weights, images, labels):
    model = described_torch.build(network, weights, softmax=False)
    optimizer = described_torch.optimizer(network, model.parameters())
    images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    labels = torch.from_numpy(labels)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        yield float(loss.detach())


def in_jax(network, weights, images, labels):
    weights = [jax.numpy.array(weight) for weight in weights]
    moments, step = described_jax.fresh(network, weights), described_jax.step(network)
    labels = jax.nn.one_hot(labels, 10)
    for _ in range(STEPS):
        weights, moments, loss = step(weights, moments, images, labels)
        yield float(loss)


failed = False
for name in NETS:
    # Every optimizer on one network, every network with Adam.
    for optimizer in OPTIMIZERS if name == "lenet5" else OPTIMIZERS[:1]:
        network = zoo(name) | {"optimizer": optimizer}
        weights = random_weights(network)
        generator = np.random.default_rng(2)
        images = generator.random((BATCH, *network["input"]), np.float32)
        labels = generator.integers(0, 10, BATCH)
        sides = [list(side(network, weights, images, labels)) for side in (pytorch, in_jax)]
        agree = [
            abs(a - b) <= (LATER if place else FIRST) * max(1, abs(a)) for place, (a, b) in enumerate(zip(*sides))
        ]
        fine = all(agree) and sides[0][-1] < sides[0][0]
        failed |= not fine
        losses = ", ".join(f"{a:.4f} {b:.4f}" for a, b in zip(*sides))
        print(f"{'ok  ' if fine else 'FAIL'} {name} {optimizer['class_name']}: {losses}")
sys.exit(failed)
