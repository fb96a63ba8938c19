"""The measured networks, described once; every peer builds its own from these lists.

`cargo xtask bench step --model NAME` times the same. Images are given as (height, width, channels);
convolutions are ("conv", channels, kernel size, padding), poolings are max ("pool") or average ("average") 2x2 with stride 2.
"""

NETS = {
    # The notebook's network: 1,216,394 parameters.
    "cnn": (
        (28, 28, 1),
        [
            ("conv", 32, 3, "valid"), ("relu",),
            ("conv", 64, 3, "valid"), ("relu",), ("pool",),
            ("flatten",),
            ("dense", 128), ("relu",), ("dense", 128), ("relu",), ("dense", 10), ("softmax",),
        ],
    ),
    "lenet5": (
        (28, 28, 1),
        [
            ("conv", 6, 5, "same"), ("relu",), ("pool",),
            ("conv", 16, 5, "valid"), ("relu",), ("pool",),
            ("flatten",),
            ("dense", 120), ("relu",), ("dense", 84), ("relu",), ("dense", 10), ("softmax",),
        ],
    ),
    "mlp": (
        (28, 28, 1),
        [
            ("flatten",),
            ("dense", 512), ("relu",), ("dense", 512), ("relu",), ("dense", 10), ("softmax",),
        ],
    ),
    "vgg": (
        (32, 32, 3),
        [
            ("conv", 32, 3, "same"), ("norm",), ("relu",), ("conv", 32, 3, "same"), ("norm",), ("relu",), ("pool",),
            ("conv", 64, 3, "same"), ("norm",), ("relu",), ("conv", 64, 3, "same"), ("norm",), ("relu",), ("pool",),
            ("conv", 128, 3, "same"), ("norm",), ("relu",), ("conv", 128, 3, "same"), ("norm",), ("relu",),
            ("flatten",),
            ("dense", 128), ("relu",), ("dense", 10), ("softmax",),
        ],
    ),
    "tanh": (
        (28, 28, 1),
        [
            ("conv", 16, 5, "valid"), ("tanh",), ("average",),
            ("conv", 32, 5, "valid"), ("tanh",), ("average",),
            ("flatten",),
            ("dense", 64), ("sigmoid",), ("dense", 10), ("softmax",),
        ],
    ),
    "digits": (
        (8, 8, 1),
        [
            ("conv", 8, 3, "valid"), ("relu",),
            ("flatten",),
            ("dense", 16), ("relu",), ("dense", 10), ("softmax",),
        ],
    ),
}


def layers_of(name):
    """Yields (layer, shape before it, shape after it), shapes as (height, width, channels) or (features,)."""
    shape, layers = NETS[name]
    for layer in layers:
        before = shape
        if layer[0] == "conv":
            _, channels, size, padding = layer
            cut = size - 1 if padding == "valid" else 0
            shape = (before[0] - cut, before[1] - cut, channels)
        elif layer[0] in ("pool", "average"):
            shape = (before[0] // 2, before[1] // 2, before[2])
        elif layer[0] == "flatten":
            shape = (before[0] * before[1] * before[2],)
        elif layer[0] == "dense":
            shape = (layer[1],)
        yield layer, before, shape
