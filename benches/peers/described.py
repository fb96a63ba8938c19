"""Networks as Taper describes them (layers with Keras's names and configurations), taken apart for the peers.

`operations` gives what a description does, one simple operation after the other, with shapes, padding and weights, so that a
framework's builder is a table of a few lines. The zoo's lists in `nets.py` can be described the same way.
"""

import math
from types import SimpleNamespace

import numpy as np

from nets import NETS


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def windows(length, size, stride, dilation, padding):
    """How many windows there are, and what is padded before and after, as Keras has it."""
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        return (length - reach) // stride + 1, (0, 0)
    count = math.ceil(length / stride)
    total = max((count - 1) * stride + reach - length, 0)
    return count, (total // 2, total - total // 2)


def operations(description, weights=()):
    """Operations in order. `weights`: arrays in Taper's order; without them (None in each operation) only shapes."""
    weights = list(weights)
    taken = 0
    shape = tuple(description["input"])

    def take(count):
        nonlocal taken
        taken += count
        return weights[taken - count : taken] if weights else None

    def activation(name, at):
        return [SimpleNamespace(kind="activation", name=name, before=at, after=at)] if name != "linear" else []

    for layer in description["layers"]:
        name, config = layer["class_name"], layer["config"]
        operation = SimpleNamespace(before=shape)
        behind = []
        if name in ("Conv2D", "MaxPooling2D", "AveragePooling2D"):
            operation.size = pair(config["kernel_size" if name == "Conv2D" else "pool_size"])
            stride = config.get("strides") or (1 if name == "Conv2D" else operation.size)
            operation.stride = pair(stride)
            operation.dilation = pair(config.get("dilation_rate", 1))
            padding = config.get("padding", "valid")
            cut = [
                windows(shape[axis], operation.size[axis], operation.stride[axis], operation.dilation[axis], padding)
                for axis in (0, 1)
            ]
            operation.pads = (cut[0][1], cut[1][1])
            channels = config["filters"] if name == "Conv2D" else shape[2]
            shape = (cut[0][0], cut[1][0], channels)
        if name == "Conv2D":
            operation.kind, operation.bias = "conv", config.get("use_bias", True)
            operation.groups = config.get("groups", 1)
            operation.weights = take(1 + operation.bias)
            behind = activation(config.get("activation", "linear"), shape)
        elif name == "MaxPooling2D":
            operation.kind = "max"
        elif name == "AveragePooling2D":
            operation.kind = "average"
        elif name == "GlobalAveragePooling2D":
            operation.kind = "global"
            shape = (shape[2],)
        elif name == "Flatten":
            operation.kind = "flatten"
            shape = (math.prod(shape),)
        elif name == "BatchNormalization":
            operation.kind, operation.epsilon = "norm", config.get("epsilon", 1e-3)
            operation.momentum = config.get("momentum", 0.99)
            operation.weights = take(4)  # gamma, beta, moving mean, moving variance
        elif name == "Dense":
            operation.kind, operation.bias = "dense", config.get("use_bias", True)
            operation.weights = take(1 + operation.bias)
            shape = (config["units"],)
            behind = activation(config.get("activation", "linear"), shape)
        elif name == "Activation":
            yield from activation(config["activation"], shape)
            continue
        else:
            raise ValueError(f"the peers have no layer {name}")
        operation.after = shape
        yield operation
        yield from behind
    if taken != len(weights) and weights:
        raise ValueError(f"{taken} of {len(weights)} weights have been used")


def zoo(name):
    """A network of `nets.py` as a description, with the optimizer that the measures use."""
    shape, layers = NETS[name]
    described = []
    for kind, *settings in layers:
        if kind == "conv":
            config = {"filters": settings[0], "kernel_size": settings[1], "padding": settings[2]}
            described.append({"class_name": "Conv2D", "config": config})
        elif kind == "norm":
            described.append({"class_name": "BatchNormalization", "config": {}})
        elif kind in ("pool", "average"):
            class_name = "MaxPooling2D" if kind == "pool" else "AveragePooling2D"
            described.append({"class_name": class_name, "config": {"pool_size": 2}})
        elif kind == "flatten":
            described.append({"class_name": "Flatten", "config": {}})
        elif kind == "dense":
            described.append({"class_name": "Dense", "config": {"units": settings[0]}})
        else:
            described.append({"class_name": "Activation", "config": {"activation": kind}})
    optimizer = {"class_name": "Adam", "config": {"learning_rate": 1e-3}}
    return {"input": list(shape), "layers": described, "optimizer": optimizer}


def random_weights(description, seed=0):
    """Glorot's uniform kernels, zeros for biases: in Taper's order."""
    generator = np.random.default_rng(seed)
    weights = []
    for operation in operations(description):
        if operation.kind == "norm":
            channels = operation.after[-1]
            weights += [np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels)]
        elif operation.kind in ("conv", "dense"):
            if operation.kind == "conv":
                kernel = (*operation.size, operation.before[2] // operation.groups, operation.after[2])
            else:
                kernel = (operation.before[0], operation.after[0])
            field = math.prod(kernel[:-2])
            limit = math.sqrt(6 / (field * (kernel[-2] + kernel[-1])))
            weights.append(generator.uniform(-limit, limit, kernel))
            if operation.bias:
                weights.append(np.zeros(kernel[-1]))
    return [np.asarray(weight, np.float32) for weight in weights]
