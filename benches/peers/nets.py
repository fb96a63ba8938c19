"""The measured networks, described once; every peer builds its own from these lists (`described.zoo`).

`cargo xtask bench step --model NAME` times the same. Images are given as (height, width, channels), sequences as (steps,
features). Convolutions are ("conv", channels, kernel size, padding[, stride]), and so are separable ones; poolings are max
("pool") or average ("average") 2x2 with stride 2; "means" is the mean of each channel. A residual block is ("residual", its
layers, the layers beside them), whose outputs are added; attention is ("attention", heads, features of each), of a sequence to
itself.
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
    # An image read row by row.
    "lstm": ((28, 28), [("lstm", 128), ("dense", 10), ("softmax",)]),
    "gru": ((28, 28), [("gru", 128), ("dense", 10), ("softmax",)]),
    "separable": (
        (28, 28, 1),
        [
            ("conv", 16, 3, "same"), ("relu",),
            ("separable", 32, 3, "same", 2), ("norm",), ("relu",),
            ("separable", 64, 3, "same", 2), ("norm",), ("relu",),
            ("separable", 128, 3, "same"), ("norm",), ("relu",),
            ("means",), ("dense", 10), ("softmax",),
        ],
    ),
    # As MLPerf Tiny has it: 78,666 parameters.
    "resnet8": (
        (32, 32, 3),
        [
            ("conv", 16, 3, "same"), ("norm",), ("relu",),
            ("residual", [("conv", 16, 3, "same"), ("norm",), ("relu",), ("conv", 16, 3, "same"), ("norm",)], []), ("relu",),
            (
                "residual",
                [("conv", 32, 3, "same", 2), ("norm",), ("relu",), ("conv", 32, 3, "same"), ("norm",)],
                [("conv", 32, 1, "same", 2)],
            ),
            ("relu",),
            (
                "residual",
                [("conv", 64, 3, "same", 2), ("norm",), ("relu",), ("conv", 64, 3, "same"), ("norm",)],
                [("conv", 64, 1, "same", 2)],
            ),
            ("relu",),
            ("means",), ("dense", 10), ("softmax",),
        ],
    ),
    # One block of an encoder.
    "transformer": (
        (64, 128),
        [
            ("residual", [("attention", 4, 32)], []), ("layernorm",),
            ("residual", [("dense", 512), ("relu",), ("dense", 128)], []), ("layernorm",),
            ("means",), ("dense", 10), ("softmax",),
        ],
    ),
}
