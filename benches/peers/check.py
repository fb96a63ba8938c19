"""Whether all compute the same: from the same weights and batches, every network's losses and outputs.

    python check.py            PyTorch against JAX, and ONNX Runtime's outputs, with weights of its own
    python check.py FOLDER     all of them against Taper: `cargo xtask bench check` leaves its weights and figures there

Ends with exit code 1 where they do not. `cargo xtask bench random` compares them on networks drawn at random.
"""

import json
import os
import sys
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402

import described_jax  # noqa: E402
import described_onnx  # noqa: E402
import described_torch  # noqa: E402
from described import random_weights, zoo  # noqa: E402
from nets import NETS  # noqa: E402

BATCH, STEPS = 16, 5
# The first loss sums the same products otherwise; behind it, optimizers divide by gradients that are hardly there.
FIRST, LATER = 1e-4, 2e-2
# How far probabilities may be off.
OUTPUT = 1e-4
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


def channels_first(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if images.ndim == 4 else images


def pytorch(network, weights, images, labels):
    """Outputs and losses."""
    images = torch.from_numpy(channels_first(images))
    with torch.inference_mode():
        outputs = described_torch.build(network, weights, softmax=True).eval()(images).numpy()
    model = described_torch.build(network, weights, softmax=False)
    optimizer = described_torch.optimizer(network, model.parameters())
    labels, losses = torch.from_numpy(labels), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return outputs, losses


def in_jax(network, weights, images, labels):
    weights = [jax.numpy.array(weight) for weight in weights]
    apply = described_jax.forward(network, training=False)
    outputs = np.asarray(jax.jit(lambda weights, images: apply(weights, images)[0])(weights, images))
    moments, step = described_jax.fresh(network, weights), described_jax.step(network)
    labels, losses = jax.nn.one_hot(labels, 10), []
    for _ in range(STEPS):
        weights, moments, loss = step(weights, moments, images, labels)
        losses.append(float(loss))
    return outputs, losses


def onnx(network, weights, images):
    model = described_onnx.build(network, weights, len(images))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": channels_first(images)})[0]


def handed_over(folder, network):
    """Taper's weights and batch, and what it makes of them."""
    told = json.loads((folder / "taper.json").read_text())
    values = np.fromfile(folder / "weights", np.float32)
    ends = np.cumsum([int(np.prod(shape)) for shape in told["shapes"]])
    weights = [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), told["shapes"])]
    images = np.fromfile(folder / "images", np.float32).reshape(-1, *network["input"])
    labels = np.fromfile(folder / "targets", np.float32).reshape(len(images), 10).argmax(1)
    return weights, images, labels, (np.reshape(told["outputs"], (len(images), 10)), told["losses"])


def drawn(network):
    generator = np.random.default_rng(2)
    images = generator.random((BATCH, *network["input"]), np.float32)
    return random_weights(network), images, generator.integers(0, 10, BATCH), None


def complaints(network, weights, images, labels, taper):
    """Losses side by side, and what is wrong."""
    expected, found = ([weight.shape for weight in side] for side in (random_weights(network), weights))
    if expected != found:
        return [], [f"weights {expected} are {found} in Taper"]
    sides = {} if taper is None else {"Taper": taper}
    sides |= {"PyTorch": pytorch(network, weights, images, labels), "JAX": in_jax(network, weights, images, labels)}
    (first, (outputs, losses)), *others = sides.items()
    wrong = [] if losses[-1] < losses[0] else ["the loss does not fall"]
    for name, (_, theirs) in others:
        for step, (a, b) in enumerate(zip(losses, theirs, strict=True)):
            if not abs(a - b) <= (LATER if step else FIRST) * max(1, abs(a)):
                wrong.append(f"loss {a} of step {step} is {b} in {name}")
    others = {name: theirs for name, (theirs, _) in others} | {"ONNX Runtime": onnx(network, weights, images)}
    for name, theirs in others.items():
        far = np.abs(outputs - theirs).max()
        if not far <= OUTPUT:
            wrong.append(f"outputs of {first} and {name} are up to {far} apart")
    return list(zip(*(losses for _, losses in sides.values()))), wrong


folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
failed = False
for name in NETS:
    # Every optimizer on one network, every network with Adam, which is the only one Taper leaves figures of.
    for optimizer in OPTIMIZERS if name == "lenet5" else OPTIMIZERS[:1]:
        network = zoo(name) | {"optimizer": optimizer}
        given = folder is not None and optimizer is OPTIMIZERS[0]
        losses, wrong = complaints(network, *(handed_over(folder / name, network) if given else drawn(network)))
        failed |= bool(wrong)
        told = ", ".join(" ".join(f"{loss:.4f}" for loss in step) for step in losses)
        print(f"{'FAIL' if wrong else 'ok  '} {name} {optimizer['class_name']}: {told}", flush=True)
        for complaint in wrong:
            print(f"     {complaint}", flush=True)
sys.exit(failed)
