"""A description (`described.py`) as PyTorch users would write it: NCHW modules in a row, an optimizer, a loss on logits."""

import torch
from torch import nn
from torch.nn import functional

from described import operations

ACTIVATIONS = {
    "celu": nn.CELU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "hard_shrink": nn.Hardshrink,
    "hard_sigmoid": nn.Hardsigmoid,
    "hard_silu": nn.Hardswish,
    "hard_tanh": nn.Hardtanh,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "log_sigmoid": nn.LogSigmoid,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "soft_shrink": nn.Softshrink,
    "softmax": lambda: nn.Softmax(1),
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
    "tanh_shrink": nn.Tanhshrink,
}


class Residual(nn.Module):
    """The sum of a block and what is beside it: perhaps nothing but its input."""

    def __init__(self, inner, beside):
        super().__init__()
        self.inner, self.beside = inner, beside

    def forward(self, x):
        return self.inner(x) + self.beside(x)


class Attention(nn.Module):
    """Of a sequence to itself: one product for query, key and value, and PyTorch's own attention."""

    def __init__(self, operation):
        super().__init__()
        self.heads = operation.heads
        width, inner = operation.before[-1], operation.heads * operation.features
        self.project, self.output = nn.Linear(width, 3 * inner), nn.Linear(inner, width)
        kernels, biases = operation.weights[0:6:2], operation.weights[1:6:2]
        kernel = torch.cat([torch.from_numpy(kernel).reshape(width, inner) for kernel in kernels], 1)
        fill(self.project, kernel.T.numpy(), [torch.cat([torch.from_numpy(b).reshape(inner) for b in biases]).numpy()])
        fill(self.output, operation.weights[6].reshape(inner, width).T, operation.weights[7:])

    def forward(self, x):
        count, steps, _ = x.shape
        q, k, v = self.project(x).view(count, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v)
        return self.output(seen.transpose(1, 2).reshape(count, steps, -1))


class Recurrent(nn.Module):
    """The state of an LSTM or GRU behind its last step."""

    def __init__(self, operation):
        super().__init__()
        made = nn.LSTM if operation.kind == "lstm" else nn.GRU
        self.layer = made(operation.before[-1], operation.units, batch_first=True)
        kernel, recurrent, bias = (torch.from_numpy(weight) for weight in operation.weights)
        if operation.kind == "lstm":
            # PyTorch has two biases where one is enough; the second stays zero, as Keras has none.
            bias = torch.stack([bias, torch.zeros_like(bias)])
            self.layer.bias_hh_l0.requires_grad_(False)
        else:
            # Keras has the update gate in front, PyTorch the reset gate.
            swap = lambda gates: torch.cat([*(gates.chunk(3, -1)[i] for i in (1, 0, 2))], -1)  # noqa: E731
            kernel, recurrent, bias = swap(kernel), swap(recurrent), swap(bias)
        with torch.no_grad():
            for name, value in (("weight_ih", kernel.T), ("weight_hh", recurrent.T), ("bias_ih", bias[0]), ("bias_hh", bias[1])):
                getattr(self.layer, f"{name}_l0").copy_(value)

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Means(nn.Module):
    """The mean of each channel over a sequence."""

    def forward(self, x):
        return x.mean(1)


def build(description, weights, softmax, even=False):
    """The modules with these weights; without `softmax` the last activation, which the loss holds, is left out.

    Keras's `same` pads one more behind than in front where a stride halves an even length, for which PyTorch needs a layer of
    its own. With `even` it pads evenly instead, as its users do: the same number of windows, a pixel further up and left.
    """
    found = list(operations(description, weights))
    if not softmax and found[-1].kind == "activation" and found[-1].name == "softmax":
        found.pop()
    return modules(found, even)


def modules(found, even):
    layers = []
    flattened = None  # the image that a dense layer sees, whose rows come in another order
    for operation in found:
        kind = operation.kind
        if kind in ("conv", "depthwise", "max", "average"):
            (top, bottom), (left, right) = operation.pads
            pads = (top, left)
            if (top, left) != (bottom, right) and even and kind not in ("max", "average"):
                pads = (bottom, right)
            elif (top, left) != (bottom, right):
                if kind == "average":
                    raise ValueError("PyTorch cannot average over uneven padding")
                value = float("-inf") if kind == "max" else 0.0
                layers.append(nn.ConstantPad2d((left, right, top, bottom), value))
                pads = (0, 0)
        if kind in ("conv", "depthwise"):
            layer = nn.Conv2d(
                operation.before[2],
                operation.after[2],
                operation.size,
                operation.stride,
                pads,
                operation.dilation,
                operation.groups,
                operation.bias,
            )
            order = (3, 2, 0, 1) if kind == "conv" else (2, 3, 0, 1)
            fill(layer, operation.weights[0].transpose(order), operation.weights[1:])
        elif kind == "max":
            layer = nn.MaxPool2d(operation.size, operation.stride, pads)
        elif kind == "average":
            layer = nn.AvgPool2d(operation.size, operation.stride, pads, count_include_pad=False)
        elif kind == "global" and len(operation.before) == 2:
            layer = Means()
        elif kind == "global":
            layers.append(nn.AdaptiveAvgPool2d(1))
            layer = nn.Flatten()
        elif kind == "flatten":
            flattened = operation.before if len(operation.before) == 3 else None
            layer = nn.Flatten()
        elif kind == "norm":
            made = nn.BatchNorm2d if len(operation.before) == 3 else nn.BatchNorm1d
            layer = made(operation.before[-1], eps=operation.epsilon, momentum=1 - operation.momentum)
            gamma, beta, mean, variance = operation.weights
            fill(layer, gamma, [beta])
            layer.running_mean.copy_(torch.from_numpy(mean))
            layer.running_var.copy_(torch.from_numpy(variance))
        elif kind == "layernorm":
            layer = nn.LayerNorm(operation.before[-1], operation.epsilon)
            fill(layer, operation.weights[0], operation.weights[1:])
        elif kind == "dense":
            kernel = operation.weights[0]
            if flattened is not None:
                height, width, channels = flattened
                kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
                kernel = kernel.reshape(height * width * channels, -1)
                flattened = None
            layer = nn.Linear(operation.before[-1], operation.after[-1], operation.bias)
            fill(layer, kernel.T, operation.weights[1:])
        elif kind in ("lstm", "gru"):
            layer = Recurrent(operation)
        elif kind == "attention":
            layer = Attention(operation)
        elif kind == "residual":
            layer = Residual(modules(operation.inner, even), modules(operation.beside, even))
        else:
            layer = ACTIVATIONS[operation.name]()
        layers.append(layer)
    return nn.Sequential(*layers)


def fill(layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.copy()))
        if bias:
            layer.bias.copy_(torch.from_numpy(bias[0]))


def optimizer(description, parameters):
    """The optimizer, fused where PyTorch has that on the CPU: its fastest."""
    name, config = description["optimizer"]["class_name"], dict(description["optimizer"]["config"])
    rate = config["learning_rate"]
    if name in ("Adam", "AdamW"):
        betas = (config.get("beta_1", 0.9), config.get("beta_2", 0.999))
        settings = {"lr": rate, "betas": betas, "eps": config.get("epsilon", 1e-7), "fused": True}
        if name == "Adam":
            return torch.optim.Adam(parameters, **settings)
        return torch.optim.AdamW(parameters, weight_decay=config.get("weight_decay", 0.004), **settings)
    if name == "SGD":
        momentum, nesterov = config.get("momentum", 0.0), config.get("nesterov", False)
        return torch.optim.SGD(parameters, rate, momentum, nesterov=nesterov, fused=True)
    if name == "Adagrad":
        start = config.get("initial_accumulator_value", 0.1)
        settings = {"initial_accumulator_value": start, "eps": config.get("epsilon", 1e-7), "fused": True}
        return torch.optim.Adagrad(parameters, rate, **settings)
    if name == "Adadelta":
        return torch.optim.Adadelta(parameters, rate, rho=config.get("rho", 0.95), eps=config.get("epsilon", 1e-7))
    if name in ("Adamax", "Nadam"):
        betas = (config.get("beta_1", 0.9), config.get("beta_2", 0.999))
        settings = {"lr": rate, "betas": betas, "eps": config.get("epsilon", 1e-7)}
        if name == "Adamax":
            return torch.optim.Adamax(parameters, **settings)
        # Keras's schedule of the momentum goes a step at a time, PyTorch's 0.004 of one.
        return torch.optim.NAdam(parameters, momentum_decay=1.0, **settings)
    if name == "RMSprop":
        # Keras adds epsilon under the root, PyTorch behind it: near zero both are its root.
        settings = {"alpha": config.get("rho", 0.9), "eps": config.get("epsilon", 1e-7) ** 0.5}
        settings |= {"momentum": config.get("momentum", 0.0), "centered": config.get("centered", False)}
        return torch.optim.RMSprop(parameters, rate, **settings)
    raise ValueError(f"the peers have no optimizer {name}")
