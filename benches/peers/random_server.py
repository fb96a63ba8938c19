"""Times many networks in one process, for `cargo xtask bench random`: imports cost seconds, a network a tenth of one.

Reads orders as lines of JSON and answers each with one line. Between orders it sleeps in `readline`; helper threads that
spin after their last work (OpenMP's, ONNX Runtime's) are given time to fall asleep by whoever takes turns with it.

    {"do": "load", "network": {...}, "folder": "...", "steps": 4, "compile": false, "peers": ["pytorch", ...]}
    {"do": "time", "mode": "train", "peer": "pytorch default eager", "seconds": 0.05}
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--peers", default="pytorch,onnxruntime")
# What every peer is started with, and means nothing here.
parser.add_argument("--on-demand", action="store_true")
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
peers = options.peers.split(",")
# Before the frameworks are imported: they read these once.
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ["MKL_NUM_THREADS"] = str(options.threads)
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import described_torch  # noqa: E402

versions = [f"torch {torch.__version__}"]
if "onnxruntime" in peers:
    import onnxruntime

    import described_onnx

    versions.append(f"onnxruntime {onnxruntime.__version__}")
if "jax" in peers:
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    import described_jax

    versions.append(f"jax {jax.__version__}")

torch.set_num_threads(options.threads)


class Torch:
    """One layout, eager or compiled; the same weights at the start of every slice."""

    def __init__(self, network, weights, images, labels, layout, compiled):
        # Networks without an image have one layout only.
        layout = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.network, self.labels = network, labels
        if images.ndim == 4:
            images = images.transpose(0, 3, 1, 2)
        self.images = torch.from_numpy(np.ascontiguousarray(images))
        self.trained, self.used = (
            described_torch.build(network, weights, softmax=softmax) for softmax in (False, True)
        )
        if images.ndim == 4:
            self.images = self.images.to(memory_format=layout)
            self.trained, self.used = (model.to(memory_format=layout) for model in (self.trained, self.used))
        self.used.eval()
        self.start = {name: value.clone() for name, value in self.trained.state_dict().items()}
        squared = network["loss"] == "MeanSquaredError"
        self.loss_of = (lambda output, _: output.square().mean()) if squared else nn.CrossEntropyLoss()
        wrap = torch.compile if compiled else lambda model: model
        self.train_called, self.infer_called = wrap(self.trained), wrap(self.used)
        self.reset()

    def reset(self):
        self.trained.load_state_dict(self.start)
        self.trained.train()
        self.optimizer = described_torch.optimizer(self.network, self.trained.parameters())

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(self.train_called(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss

    @torch.inference_mode()
    def infer(self):
        return self.infer_called(self.images)

    def losses(self, count):
        self.reset()
        return [float(self.train().detach()) for _ in range(count)]

    def outputs(self):
        return self.infer().numpy()


class Onnx:
    def __init__(self, network, weights, images):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = described_onnx.build(network, weights, len(images))
        self.session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        self.images = np.ascontiguousarray(images.transpose(0, 3, 1, 2) if images.ndim == 4 else images)

    def reset(self):
        pass

    def infer(self):
        return self.session.run(None, {"x": self.images})[0]

    def outputs(self):
        return self.infer()


class Jax:
    def __init__(self, network, weights, images, labels):
        self.network = network
        self.start = [np.array(weight) for weight in weights]
        self.images = jax.numpy.asarray(images)
        classes = network["layers"][-1]["config"].get("units", 1)
        self.labels = jax.nn.one_hot(labels.numpy(), classes)
        self.step = described_jax.step(network)
        apply = described_jax.forward(network, training=False)
        self.predict = jax.jit(lambda weights, images: apply(weights, images)[0])
        self.reset()

    def reset(self):
        self.weights = [jax.numpy.asarray(weight) for weight in self.start]
        self.moments = described_jax.fresh(self.network, self.weights)
        jax.block_until_ready((self.weights, self.moments))

    def train(self):
        self.weights, self.moments, loss = self.step(self.weights, self.moments, self.images, self.labels)
        return loss.block_until_ready()

    def infer(self):
        return self.predict(self.weights, self.images).block_until_ready()

    def losses(self, count):
        self.reset()
        return [float(self.train()) for _ in range(count)]

    def outputs(self):
        self.reset()
        return np.asarray(self.infer())


def load(order):
    """Builds the network on every side; what its losses and outputs are, and who takes part in which mode."""
    network, folder = order["network"], Path(order["folder"])
    values = np.fromfile(folder / "weights", np.float32)
    weights, place = [], 0
    for shape in order["shapes"]:
        size = int(np.prod(shape))
        weights.append(values[place : place + size].reshape(shape))
        place += size
    images = np.fromfile(folder / "images", np.float32).reshape(network["batch"], *network["input"])
    labels = torch.from_numpy(np.fromfile(folder / "labels", np.int64))
    sides, notes = {}, []

    def enter(name, make):
        try:
            side = make()
            answer = {"peer": name, "output": side.outputs().reshape(-1)[:4096].tolist()}
            if hasattr(side, "losses"):
                answer["losses"] = side.losses(order["steps"])
            sides[name] = side
            notes.append(answer)
        except Exception as error:  # what a framework cannot build or compile does not take part
            print(f"network {network.get('index')}: {name}: {error}", file=sys.stderr, flush=True)
            notes.append({"peer": name, "error": f"{type(error).__name__}: {error}"[:500]})

    layouts = ["default", "channels_last"] if len(network["input"]) == 3 else ["default"]
    if "pytorch" in peers:
        torch._dynamo.reset()
        for how in ["eager", "compiled"] if order["compile"] else ["eager"]:
            for layout in layouts:
                compiled = how == "compiled"
                enter(
                    f"pytorch {layout} {how}",
                    lambda: Torch(network, weights, images, labels, layout, compiled),
                )
    if "onnxruntime" in peers:
        enter("onnxruntime", lambda: Onnx(network, weights, images))
    if "jax" in peers:
        enter("jax", lambda: Jax(network, weights, images, labels))
    return sides, {"sides": notes}


def clock(order, sides):
    """Seconds of a step: the median of as many as fit into the slice, one at least, after a few to warm up."""
    side = sides[order["peer"]]
    side.reset()
    step = side.train if order["mode"] == "train" else side.infer
    step()
    start = time.perf_counter()
    step()
    for _ in range(min(5, int(0.005 / max(time.perf_counter() - start, 1e-9)))):
        step()
    laps, start, awake = [], time.perf_counter(), time.process_time()
    last = start
    while True:
        step()
        now = time.perf_counter()
        laps.append(now - last)
        last = now
        if now - start >= order["seconds"]:
            break
    seconds = statistics.median(laps)
    if order.get("clock") == "processor":
        seconds = (time.process_time() - awake) / len(laps)
    return {"seconds_per_step": seconds, "steps": len(laps)}


print(json.dumps({"ready": True, "version": ", ".join(versions)}), flush=True)
loaded = {}
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "load":
        loaded = {}
        gc.collect()
        loaded, answer = load(order)
    else:
        answer = clock(order, loaded)
    print(json.dumps(answer), flush=True)
