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
    """Serialized model: input `x` [batch, channels, height, width], or [batch, steps, features], or [batch, features], output
    `y`."""
    graph = Graph(batch)
    last = graph.operations(operations(description, weights), "x")
    graph.nodes[-1].output[0] = "y"
    assert last == f"v{len(graph.nodes) - 1}"
    *sides, channels = description["input"]
    shape = [batch, channels, *sides] if len(sides) == 2 else [batch, *sides, channels]
    made = helper.make_graph(
        graph.nodes,
        "described",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        graph.constants,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(made, opset_imports=opset, ir_version=9).SerializeToString()


class Graph:
    """Nodes and constants as they come."""

    def __init__(self, batch):
        self.batch, self.nodes, self.constants = batch, [], []

    def constant(self, values, kind=np.float32):
        label = f"w{len(self.constants)}"
        # `ascontiguousarray` makes a row of a number.
        values = np.asarray(values, kind)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), label))
        return label

    def node(self, operator, inputs, outputs=1, **attributes):
        """The name of the last of its outputs; those before it are left out."""
        last = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [""] * (outputs - 1) + [last], **attributes))
        return last

    def operations(self, found, last):
        """What comes of the wire `last` behind these operations."""
        constant, node = self.constant, self.node
        flattened = None
        for operation in found:
            kind = operation.kind
            if kind in ("conv", "depthwise", "max", "average"):
                (top, bottom), (left, right) = operation.pads
                window = {"kernel_shape": operation.size, "strides": operation.stride, "pads": (top, left, bottom, right)}
            if kind in ("conv", "depthwise"):
                order = (3, 2, 0, 1) if kind == "conv" else (2, 3, 0, 1)
                inputs = [constant(operation.weights[0].transpose(order)), *map(constant, operation.weights[1:])]
                last = node("Conv", [last, *inputs], **window, dilations=operation.dilation, group=operation.groups)
            elif kind == "max":
                last = node("MaxPool", [last], **window)
            elif kind == "average":
                last = node("AveragePool", [last], **window, count_include_pad=0)
            elif kind == "global" and len(operation.before) == 2:
                last = node("ReduceMean", [last, constant([1], np.int64)], keepdims=0)
            elif kind == "global":
                last = node("Flatten", [node("GlobalAveragePool", [last])])
            elif kind == "flatten":
                flattened = operation.before if len(operation.before) == 3 else None
                last = node("Flatten", [last])
            elif kind == "norm":
                last = node("BatchNormalization", [last, *map(constant, operation.weights)], epsilon=operation.epsilon)
            elif kind == "layernorm":
                last = node("LayerNormalization", [last, *map(constant, operation.weights)], epsilon=operation.epsilon)
            elif kind == "dense" and len(operation.before) > 1:
                last = node("MatMul", [last, constant(operation.weights[0])])
                if operation.bias:
                    last = node("Add", [last, constant(operation.weights[1])])
            elif kind == "dense":
                kernel = operation.weights[0]
                if flattened is not None:
                    height, width, channels = flattened
                    kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
                    kernel = kernel.reshape(height * width * channels, -1)
                    flattened = None
                last = node("Gemm", [last, constant(kernel), *map(constant, operation.weights[1:])])
            elif kind in ("lstm", "gru"):
                last = self.recurrent(operation, last)
            elif kind == "attention":
                last = self.attention(operation, last)
            elif kind == "residual":
                beside = self.operations(operation.beside, last)
                last = node("Add", [self.operations(operation.inner, last), beside])
            else:
                last = self.activation(operation.name, last)
        return last

    def activation(self, name, last):
        constant, node = self.constant, self.node
        if name == "silu":
            return node("Mul", [last, node("Sigmoid", [last])])
        if name in SETTINGS:
            operator, settings = SETTINGS[name]
            return node(operator, [last], **settings)
        if name in ("relu6", "hard_tanh"):
            least, most = {"relu6": (0, 6), "hard_tanh": (-1, 1)}[name]
            return node("Clip", [last, constant(np.float32(least)), constant(np.float32(most))])
        if name == "log_sigmoid":
            return node("Neg", [node("Softplus", [node("Neg", [last])])])
        if name == "tanh_shrink":
            return node("Sub", [last, node("Tanh", [last])])
        return node(ACTIVATIONS[name], [last])

    def recurrent(self, operation, last):
        """The state behind the last step. ONNX has an LSTM's gates as i, o, f, c and a GRU's as z, r, h."""
        constant, node, units = self.constant, self.node, operation.units
        order = (0, 3, 1, 2) if operation.kind == "lstm" else (0, 1, 2)

        def gates(values):
            parts = np.split(values, len(order), -1)
            return np.concatenate([parts[place] for place in order], -1)

        kernel, recurrent, bias = map(gates, operation.weights)
        bias = np.concatenate([bias, 0 * bias] if operation.kind == "lstm" else [bias[0], bias[1]])
        # Steps in front; the state is [directions, batch, units].
        inputs = [node("Transpose", [last], perm=[1, 0, 2])]
        inputs += [constant(kernel.T[None]), constant(recurrent.T[None]), constant(bias[None])]
        settings = {"hidden_size": units} | ({} if operation.kind == "lstm" else {"linear_before_reset": 1})
        state = node(operation.kind.upper(), inputs, outputs=2, **settings)
        return node("Squeeze", [state, constant([0], np.int64)])

    def attention(self, operation, last):
        """Of a sequence to itself."""
        constant, node = self.constant, self.node
        (steps, width), heads, features = operation.before, operation.heads, operation.features

        def heads_of(place, order):
            kernel, bias = operation.weights[place].reshape(width, -1), operation.weights[place + 1].reshape(-1)
            projected = node("Add", [node("MatMul", [last, constant(kernel)]), constant(bias)])
            shape = constant([self.batch, steps, heads, features], np.int64)
            return node("Transpose", [node("Reshape", [projected, shape])], perm=order)

        q, k, v = heads_of(0, [0, 2, 1, 3]), heads_of(2, [0, 2, 3, 1]), heads_of(4, [0, 2, 1, 3])
        scores = node("Mul", [node("MatMul", [q, k]), constant(np.float32(features**-0.5))])
        seen = node("Transpose", [node("MatMul", [node("Softmax", [scores], axis=-1), v])], perm=[0, 2, 1, 3])
        rows = node("Reshape", [seen, constant([self.batch, steps, heads * features], np.int64)])
        output = node("MatMul", [rows, constant(operation.weights[6].reshape(-1, width))])
        return node("Add", [output, constant(operation.weights[7])])
