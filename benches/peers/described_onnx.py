"""A description (`described.py`) as an ONNX model, for the inference engines."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from described import operations

ACTIVATIONS = {
    "celu": "Celu",
    "elu": "Elu",
    "gelu": "Gelu",
    "hard_silu": "HardSwish",
    "mish": "Mish",
    "relu": "Relu",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
}

SETTINGS = {
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "hard_shrink": ("Shrink", {"bias": 0.0, "lambd": 0.5}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "soft_shrink": ("Shrink", {"bias": 0.5, "lambd": 0.5}),
}


def build(description, weights, batch):
    """Serialized model: input `x` [batch, channels, height, width] or [batch, features], output `y`."""
    nodes, constants = [], []
    last, flattened = "x", None

    def constant(values):
        label = f"w{len(constants)}"
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), label))
        return label

    def node(operator, inputs, **attributes):
        nonlocal last
        last = f"v{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [last], **attributes))

    for operation in operations(description, weights):
        kind = operation.kind
        if kind in ("conv", "max", "average"):
            (top, bottom), (left, right) = operation.pads
            window = {"kernel_shape": operation.size, "strides": operation.stride, "pads": (top, left, bottom, right)}
        if kind == "conv":
            inputs = [constant(operation.weights[0].transpose(3, 2, 0, 1)), *map(constant, operation.weights[1:])]
            node("Conv", [last, *inputs], **window, dilations=operation.dilation, group=operation.groups)
        elif kind == "max":
            node("MaxPool", [last], **window)
        elif kind == "average":
            node("AveragePool", [last], **window, count_include_pad=0)
        elif kind == "global":
            node("GlobalAveragePool", [last])
            node("Flatten", [last])
        elif kind == "flatten":
            flattened = operation.before if len(operation.before) == 3 else None
            node("Flatten", [last])
        elif kind == "norm":
            node("BatchNormalization", [last, *map(constant, operation.weights)], epsilon=operation.epsilon)
        elif kind == "dense":
            kernel = operation.weights[0]
            if flattened is not None:
                height, width, channels = flattened
                kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
                kernel = kernel.reshape(height * width * channels, -1)
                flattened = None
            node("Gemm", [last, constant(kernel), *map(constant, operation.weights[1:])])
        elif operation.name == "silu":
            before = last
            node("Sigmoid", [before])
            node("Mul", [before, last])
        elif operation.name in SETTINGS:
            operator, settings = SETTINGS[operation.name]
            node(operator, [last], **settings)
        elif operation.name in ("relu6", "hard_tanh"):
            least, most = {"relu6": (0, 6), "hard_tanh": (-1, 1)}[operation.name]
            node("Clip", [last, constant(np.float32(least)), constant(np.float32(most))])
        elif operation.name == "log_sigmoid":
            node("Neg", [last])
            node("Softplus", [last])
            node("Neg", [last])
        elif operation.name == "tanh_shrink":
            before = last
            node("Tanh", [before])
            node("Sub", [before, last])
        else:
            node(ACTIVATIONS[operation.name], [last])
    nodes[-1].output[0] = "y"
    *image, channels = description["input"]
    graph = helper.make_graph(
        nodes,
        "described",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, channels, *image])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
