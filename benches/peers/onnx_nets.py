"""The networks as ONNX models with random weights, for the inference engines."""

import numpy as np

import described_onnx
from described import random_weights, zoo


def build(name, batch):
    """Serialized model: input `x` (as in `batches`), output `y` [batch, 10]."""
    network, generator = zoo(name), np.random.default_rng(0)
    # Engines leave out additions of zeros, with which biases begin.
    weights = [weight if weight.any() else generator.uniform(0.01, 0.1, weight.shape) for weight in random_weights(network)]
    return described_onnx.build(network, [weight.astype(np.float32) for weight in weights], batch)


def batches(name, batch):
    """Four of [batch, channels, height, width], or of [batch, steps, features]."""
    *sides, channels = zoo(name)["input"]
    shape = (batch, channels, *sides) if len(sides) == 2 else (batch, *sides, channels)
    generator = np.random.default_rng(1)
    return [generator.random(shape, np.float32) for _ in range(4)]
