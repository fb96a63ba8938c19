"""The step in JAX: training (the optimizer written by hand, as Taper has it) or inference, float32, one compiled program each."""

import os

from common import arguments, run, stopwatch

options = arguments(__doc__)
# XLA sizes its pool by the processors that the process may use.
if hasattr(os, "sched_setaffinity") and options.threads < len(os.sched_getaffinity(0)):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import described_jax  # noqa: E402
from described import random_weights, zoo  # noqa: E402

network = zoo(options.model)
weights = [jnp.asarray(weight) for weight in random_weights(network)]
generator = np.random.default_rng(1)
batches = [jnp.asarray(generator.random((options.batch, *network["input"]), np.float32)) for _ in range(4)]
labels = [jax.nn.one_hot(generator.integers(0, 10, options.batch), 10) for _ in range(4)]

if options.mode == "train":
    compiled = described_jax.step(network)
    state = [weights, described_jax.fresh(network, weights), None]

    def step(number):
        # The next step waits for this one's weights by itself; the clock waits for the last.
        state[:] = compiled(*state[:2], batches[number % 4], labels[number % 4])

    timed = stopwatch(step, lambda: jax.block_until_ready(state))
else:
    apply = described_jax.forward(network, training=False)
    predict = jax.jit(lambda weights, images: apply(weights, images)[0])

    def step(number):
        predict(weights, batches[number % 4]).block_until_ready()

    timed = stopwatch(step)

run(options, "jax", "jit", jax.__version__, timed)
