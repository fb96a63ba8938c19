"""The networks as ONNX models with random weights, for the inference engines."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from nets import NETS, layers_of


def build(name, batch):
    """Serialized model: input `x` [batch, channels, height, width], output `y` [batch, 10]."""
    generator = np.random.default_rng(0)
    nodes, weights = [], []
    last = "x"

    def weight(label, values):
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), label))
        return label

    def uniform(fan_in, shape):
        return generator.uniform(-1, 1, shape) * np.sqrt(3 / fan_in)

    for number, (layer, before, after) in enumerate(layers_of(name)):
        kind, output, attributes, inputs = layer[0], f"v{number}", {}, []
        if kind == "conv":
            operator, size = "Conv", layer[2]
            fan_in = size * size * before[2]
            inputs = [
                weight(f"w{number}", uniform(fan_in, (after[2], before[2], size, size))),
                weight(f"b{number}", uniform(fan_in, after[2])),
            ]
            pad = size // 2 if layer[3] == "same" else 0
            attributes = {"kernel_shape": [size, size], "pads": [pad] * 4}
        elif kind == "norm":
            operator, ones = "BatchNormalization", np.ones(after[2])
            values = [("g", ones), ("o", 0 * ones), ("m", 0.1 * ones), ("s", 0.9 * ones)]
            inputs = [weight(f"{k}{number}", v) for k, v in values]
            attributes = {"epsilon": 1e-3}
        elif kind == "dense":
            operator = "Gemm"
            inputs = [
                weight(f"w{number}", uniform(before[0], (before[0], after[0]))),
                weight(f"b{number}", uniform(before[0], after[0])),
            ]
        else:
            operator = {
                "relu": "Relu",
                "tanh": "Tanh",
                "sigmoid": "Sigmoid",
                "pool": "MaxPool",
                "average": "AveragePool",
                "flatten": "Flatten",
                "softmax": "Softmax",
            }[kind]
            if kind in ("pool", "average"):
                attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        nodes.append(helper.make_node(operator, [last, *inputs], [output], **attributes))
        last = output
    height, width, channels = NETS[name][0]
    nodes[-1].output[0] = "y"
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, channels, height, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 10])],
        weights,
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def batches(name, batch):
    height, width, channels = NETS[name][0]
    generator = np.random.default_rng(1)
    return [generator.random((batch, channels, height, width), np.float32) for _ in range(4)]
