"""Networks as Taper describes them (layers with Keras's names and configurations), taken apart for the peers.

`operations` gives what a description does, one simple operation after the other, with shapes, padding and weights, so that a
framework's builder is a table of a few lines. The zoo's lists in `nets.py` can be described the same way. Blocks around which
a sum goes are a layer `Residual` here, with lists of layers; its operation has lists of operations.
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


# Layers that slide a window over an image.
WINDOWED = ("Conv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D")


def operations(description, weights=()):
    """Operations in order. `weights`: arrays in Taper's order; without them (None in each operation) only shapes. Each has
    the places of its weights in that order as well."""
    weights = list(weights)
    taken = 0

    def take(count):
        nonlocal taken
        taken += count
        return {
            "places": range(taken - count, taken),
            "weights": weights[taken - count : taken] if weights else None,
        }

    yield from listed(description["layers"], tuple(description["input"]), take)
    if taken != len(weights) and weights:
        raise ValueError(f"{taken} of {len(weights)} weights have been used")


def listed(layers, shape, take):
    """The operations of some layers, whose weights come from `take`."""

    def activation(name, at):
        return [SimpleNamespace(kind="activation", name=name, before=at, after=at)] if name != "linear" else []

    for layer in layers:
        name, config = layer["class_name"], layer["config"]
        operation = SimpleNamespace(before=shape)
        behind = []
        if name in WINDOWED:
            pools = "pool_size" in config
            operation.size = pair(config["pool_size" if pools else "kernel_size"])
            stride = config.get("strides") or (operation.size if pools else 1)
            operation.stride = pair(stride)
            operation.dilation = pair(config.get("dilation_rate", 1))
            padding = config.get("padding", "valid")
            cut = [
                windows(shape[axis], operation.size[axis], operation.stride[axis], operation.dilation[axis], padding)
                for axis in (0, 1)
            ]
            operation.pads = (cut[0][1], cut[1][1])
            # A separable convolution is two operations, of which the first keeps the channels.
            channels = config["filters"] if name == "Conv2D" else shape[2]
            shape = (cut[0][0], cut[1][0], channels)
        if name == "Conv2D":
            operation.kind, operation.bias = "conv", config.get("use_bias", True)
            operation.groups = config.get("groups", 1)
            vars(operation).update(take(1 + operation.bias))
            behind = activation(config.get("activation", "linear"), shape)
        elif name == "SeparableConv2D":
            operation.kind, operation.bias, operation.groups = "depthwise", False, shape[2]
            vars(operation).update(take(1))
            operation.after = shape
            yield operation
            one = {"size": (1, 1), "stride": (1, 1), "dilation": (1, 1), "pads": ((0, 0), (0, 0)), "groups": 1}
            operation = SimpleNamespace(before=shape, kind="conv", bias=True, **one)
            vars(operation).update(take(2))
            shape = (*shape[:2], config["filters"])
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
            vars(operation).update(take(4))  # gamma, beta, moving mean, moving variance
        elif name == "Dense":
            operation.kind, operation.bias = "dense", config.get("use_bias", True)
            vars(operation).update(take(1 + operation.bias))
            shape = (*shape[:-1], config["units"])
            behind = activation(config.get("activation", "linear"), shape)
        elif name in ("LSTM", "GRU"):
            operation.kind, operation.units = name.lower(), config["units"]
            vars(operation).update(take(3))  # kernel, recurrent kernel, bias; a GRU's bias is two rows (reset_after)
            shape = (config["units"],)
        elif name == "MultiHeadAttention":
            operation.kind, operation.heads, operation.features = "attention", config["num_heads"], config["key_dim"]
            vars(operation).update(take(8))  # kernel and bias of query, key, value and output
        elif name == "LayerNormalization":
            operation.kind, operation.epsilon = "layernorm", config.get("epsilon", 1e-3)
            vars(operation).update(take(2))
        elif name == "GlobalAveragePooling1D":
            operation.kind, shape = "global", shape[-1:]
        elif name == "Residual":
            operation.kind = "residual"
            operation.inner, operation.beside = (
                list(listed(config[part], shape, take)) for part in ("layers", "beside")
            )
            shape = operation.inner[-1].after
        elif name == "Activation":
            yield from activation(config["activation"], shape)
            continue
        else:
            raise ValueError(f"the peers have no layer {name}")
        operation.after = shape
        yield operation
        yield from behind


def flat(operations):
    """The operations with those inside of blocks in place of the blocks, in the order of their weights."""
    for operation in operations:
        if operation.kind == "residual":
            yield from flat(operation.inner)
            yield from flat(operation.beside)
        else:
            yield operation


def zoo(name):
    """A network of `nets.py` as a description, with the optimizer that the measures use."""
    shape, layers = NETS[name]
    optimizer = {"class_name": "Adam", "config": {"learning_rate": 1e-3}}
    return {"input": list(shape), "layers": described(layers, len(shape)), "optimizer": optimizer}


def described(layers, axes):
    """A list of `nets.py` with Keras's names; `axes`: those of a sample."""
    return [{"class_name": name, "config": config} for name, config in (entry(layer, axes) for layer in layers)]


def entry(layer, axes):
    kind, *settings = layer
    if kind in ("conv", "separable"):
        filters, size, padding, *stride = settings
        config = {"filters": filters, "kernel_size": size, "padding": padding}
        if stride:
            config["strides"] = stride[0]
        return "Conv2D" if kind == "conv" else "SeparableConv2D", config
    if kind in ("dense", "lstm", "gru"):
        return {"dense": "Dense", "lstm": "LSTM", "gru": "GRU"}[kind], {"units": settings[0]}
    if kind == "attention":
        return "MultiHeadAttention", {"num_heads": settings[0], "key_dim": settings[1]}
    if kind == "residual":
        parts = zip(("layers", "beside"), settings)
        return "Residual", {part: described(inner, axes) for part, inner in parts}
    if kind in ("pool", "average"):
        return "MaxPooling2D" if kind == "pool" else "AveragePooling2D", {"pool_size": 2}
    if kind == "means":
        return f"GlobalAveragePooling{axes - 1}D", {}
    plain = {"norm": "BatchNormalization", "layernorm": "LayerNormalization", "flatten": "Flatten"}
    if kind in plain:
        return plain[kind], {}
    return "Activation", {"activation": kind}


def random_weights(description, seed=0):
    """Glorot's uniform kernels, zeros for biases (a forget gate's: ones): in Taper's order."""
    generator = np.random.default_rng(seed)
    weights = []

    def kernel(*shape, sums=None):
        field = math.prod(shape[:-2])
        into, out = sums or (field * shape[-2], field * shape[-1])
        limit = math.sqrt(6 / (into + out))
        weights.append(generator.uniform(-limit, limit, shape))

    for operation in flat(operations(description)):
        kind = operation.kind
        if kind == "norm":
            channels = operation.after[-1]
            weights += [np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels)]
        elif kind == "layernorm":
            weights += [np.ones(operation.after[-1]), np.zeros(operation.after[-1])]
        elif kind == "conv":
            kernel(*operation.size, operation.before[2] // operation.groups, operation.after[2])
        elif kind == "depthwise":
            kernel(*operation.size, operation.before[2], 1)
        elif kind == "dense":
            kernel(operation.before[-1], operation.after[-1])
        elif kind in ("lstm", "gru"):
            units, gates = operation.units, 4 if kind == "lstm" else 3
            kernel(operation.before[-1], gates * units)
            kernel(units, gates * units)
            bias = np.zeros((gates, units) if kind == "lstm" else (2, gates * units))
            if kind == "lstm":
                bias[1] = 1
            weights.append(bias.reshape(-1) if kind == "lstm" else bias)
        elif kind == "attention":
            width, heads, features = operation.before[-1], operation.heads, operation.features
            for _ in range(3):
                kernel(width, heads, features, sums=(width, heads * features))
                weights.append(np.zeros((heads, features)))
            kernel(heads, features, width, sums=(heads * features, width))
            weights.append(np.zeros(width))
        if getattr(operation, "bias", False):
            weights.append(np.zeros(operation.after[-1]))
    return [np.asarray(weight, np.float32) for weight in weights]
