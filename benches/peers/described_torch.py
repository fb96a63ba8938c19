"""A description (`described.py`) as PyTorch users would write it: NCHW modules in a row, an optimizer, a loss on logits."""

import torch
from torch import nn

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


def build(description, weights, softmax):
    """The modules with these weights; without `softmax` the last activation, which the loss holds, is left out."""
    layers = []
    flattened = None  # the image that a dense layer sees, whose rows come in another order
    listed = list(operations(description, weights))
    if not softmax and listed[-1].kind == "activation" and listed[-1].name == "softmax":
        listed.pop()
    for operation in listed:
        kind = operation.kind
        if kind in ("conv", "max", "average"):
            (top, bottom), (left, right) = operation.pads
            pads = (top, left)
            if (top, left) != (bottom, right):
                # Keras pads one more behind than in front; PyTorch needs a layer of its own for it.
                if kind == "average":
                    raise ValueError("PyTorch cannot average over uneven padding")
                value = float("-inf") if kind == "max" else 0.0
                layers.append(nn.ConstantPad2d((left, right, top, bottom), value))
                pads = (0, 0)
        if kind == "conv":
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
            fill(layer, operation.weights[0].transpose(3, 2, 0, 1), operation.weights[1:])
        elif kind == "max":
            layer = nn.MaxPool2d(operation.size, operation.stride, pads)
        elif kind == "average":
            layer = nn.AvgPool2d(operation.size, operation.stride, pads, count_include_pad=False)
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
        elif kind == "dense":
            kernel = operation.weights[0]
            if flattened is not None:
                height, width, channels = flattened
                kernel = kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
                kernel = kernel.reshape(height * width * channels, -1)
                flattened = None
            layer = nn.Linear(operation.before[0], operation.after[0], operation.bias)
            fill(layer, kernel.T, operation.weights[1:])
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
