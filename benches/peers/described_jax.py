"""A description (`described.py`) in plain JAX: a function of weights and images, and the optimizer's step as Taper has it.

Images stay channels last, as XLA prefers them; everything of a step is one compiled program, whose weights and moments are
given over to it (`donate_argnums`).
"""

import jax
import jax.numpy as jnp
from jax import lax

from described import flat, operations

ACTIVATIONS = {
    "celu": jax.nn.celu,
    "elu": jax.nn.elu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "hard_shrink": lambda x: jnp.where(jnp.abs(x) > 0.5, x, 0),
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_silu": jax.nn.hard_silu,
    "hard_tanh": jax.nn.hard_tanh,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),
    "log_sigmoid": jax.nn.log_sigmoid,
    "mish": jax.nn.mish,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "soft_shrink": lambda x: jnp.sign(x) * jax.nn.relu(jnp.abs(x) - 0.5),
    "softmax": jax.nn.softmax,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "tanh": jnp.tanh,
    "tanh_shrink": lambda x: x - jnp.tanh(x),
}


def forward(description, training):
    """A function (weights, images) → (output, new moving statistics by their place). In training the output is logits."""
    found = list(operations(description))
    if training and found[-1].kind == "activation" and found[-1].name == "softmax":
        found.pop()

    def apply(weights, x):
        moved = {}
        return run(found, weights, x, training, moved), moved

    return apply


def run(found, weights, x, training, moved):
    """What these operations make of `x`; new moving statistics go into `moved`."""
    for operation in found:
        kind = operation.kind
        own = [weights[place] for place in getattr(operation, "places", ())]
        if kind in ("conv", "depthwise"):
            # The kernels of a depthwise convolution are [height, width, channels, 1].
            kernel = own[0] if kind == "conv" else own[0].swapaxes(2, 3)
            x = lax.conv_general_dilated(
                x,
                kernel,
                operation.stride,
                operation.pads,
                rhs_dilation=operation.dilation,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=operation.groups,
            )
        elif kind == "dense":
            x = x @ own[0]
        elif kind in ("max", "average"):
            window, stride = (1, *operation.size, 1), (1, *operation.stride, 1)
            pads = ((0, 0), *operation.pads, (0, 0))
            if kind == "max":
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, stride, pads)
            else:
                sums = lax.reduce_window(x, 0.0, lax.add, window, stride, pads)
                if operation.pads == ((0, 0), (0, 0)):
                    x = sums / (operation.size[0] * operation.size[1])
                else:
                    x = sums / lax.reduce_window(jnp.ones_like(x), 0.0, lax.add, window, stride, pads)
        elif kind == "global":
            x = x.mean(tuple(range(1, x.ndim - 1)))
        elif kind == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif kind == "norm":
            gamma, beta, mean, variance = own
            if training:
                axes = tuple(range(x.ndim - 1))
                now = x.mean(axes), x.var(axes)
                for place, old, new in zip(operation.places[2:], (mean, variance), now):
                    moved[place] = old * operation.momentum + new * (1 - operation.momentum)
                mean, variance = now
            x = (x - mean) * (gamma * lax.rsqrt(variance + operation.epsilon)) + beta
        elif kind == "layernorm":
            mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            x = (x - mean) * lax.rsqrt(variance + operation.epsilon) * own[0] + own[1]
        elif kind == "lstm":
            x = lstm(x, *own)
        elif kind == "gru":
            x = gru(x, *own)
        elif kind == "attention":
            x = attention(x, operation.features, own)
        elif kind == "residual":
            beside = run(operation.beside, weights, x, training, moved)
            x = run(operation.inner, weights, x, training, moved) + beside
        else:
            x = ACTIVATIONS[operation.name](x)
        if getattr(operation, "bias", False):
            x = x + own[1]
    return x


def lstm(x, kernel, recurrent, bias):
    """The state behind the last step. The products with the inputs are one, before the steps; gates are i, f, c, o."""
    units = recurrent.shape[0]

    def one(state, sums):
        h, c = state
        i, f, g, o = jnp.split(sums + h @ recurrent, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], units), x.dtype)
    return lax.scan(one, (zeros, zeros), (x @ kernel + bias).swapaxes(0, 1))[0][0]


def gru(x, kernel, recurrent, bias):
    """The same with gates z, r, h and the reset behind the product, as Keras has it by default."""
    units = recurrent.shape[0]

    def one(h, sums):
        inner = h @ recurrent + bias[1]
        z, r = jnp.split(jax.nn.sigmoid(sums[:, : 2 * units] + inner[:, : 2 * units]), 2, -1)
        new = jnp.tanh(sums[:, 2 * units :] + r * inner[:, 2 * units :])
        return z * h + (1 - z) * new, None

    return lax.scan(one, jnp.zeros((x.shape[0], units), x.dtype), (x @ kernel + bias[0]).swapaxes(0, 1))[0]


def attention(x, features, own):
    """Of a sequence to itself."""
    q, k, v = (jnp.einsum("btd,dhk->bthk", x, own[i]) + own[i + 1] for i in (0, 2, 4))
    weights = jax.nn.softmax(jnp.einsum("bthk,bshk->bhts", q, k) / features**0.5)
    return jnp.einsum("bthk,hkd->btd", jnp.einsum("bhts,bshk->bthk", weights, v), own[6]) + own[7]


def fixed(description):
    """Places of weights that no optimizer moves: moving statistics."""
    norms = (operation for operation in flat(operations(description)) if operation.kind == "norm")
    return {place for operation in norms for place in operation.places[2:]}


def step(description):
    """One compiled step of training: (weights, moments, images, one-hot labels) → (weights, moments, loss)."""
    apply = forward(description, training=True)
    still = fixed(description)
    update = rule(description)

    def loss_of(weights, images, labels):
        logits, moved = apply(weights, images)
        if description.get("loss") == "MeanSquaredError":
            return jnp.square(logits).mean(), moved
        return -(labels * jax.nn.log_softmax(logits)).sum(1).mean(), moved

    def run(weights, moments, images, labels):
        (loss, moved), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, images, labels)
        count, slots = moments
        count = count + 1
        stepped = [
            (moved.get(place, weight), slot) if place in still else update(weight, gradient, slot, count)
            for place, (weight, gradient, slot) in enumerate(zip(weights, gradients, slots))
        ]
        return [weight for weight, _ in stepped], (count, [slot for _, slot in stepped]), loss

    return jax.jit(run, donate_argnums=(0, 1))


def fresh(description, weights):
    """The optimizer's state before the first step."""
    name, config = description["optimizer"]["class_name"], description["optimizer"]["config"]
    slots = {"SGD": int(config.get("momentum", 0) > 0), "RMSprop": 3, "Adagrad": 1, "Nadam": 3}.get(name, 2)
    # Nadam's third is the product of its momenta; Adagrad's sum of squares does not begin at zero.
    start = {"Adagrad": config.get("initial_accumulator_value", 0.1)}.get(name, 0.0)
    moments = [[jnp.full_like(weight, start) for _ in range(slots)] for weight in weights]
    if name == "Nadam":
        moments = [[*slot[:2], jnp.ones(())] for slot in moments]
    return jnp.zeros((), jnp.float32), moments


def rule(description):
    """The optimizer's update of one weight, as Keras and Taper have it."""
    name, config = description["optimizer"]["class_name"], description["optimizer"]["config"]
    rate = config["learning_rate"]
    if name in ("Adam", "AdamW"):
        beta_1, beta_2 = config.get("beta_1", 0.9), config.get("beta_2", 0.999)
        epsilon = config.get("epsilon", 1e-7)
        decay = config.get("weight_decay", 0.004) if name == "AdamW" else 0.0

        def adam(w, g, slot, count):
            m = slot[0] + (g - slot[0]) * (1 - beta_1)
            v = slot[1] + (g * g - slot[1]) * (1 - beta_2)
            alpha = rate * jnp.sqrt(1 - beta_2**count) / (1 - beta_1**count)
            return w * (1 - rate * decay) - alpha * m / (jnp.sqrt(v) + epsilon), [m, v]

        return adam
    if name == "SGD":
        momentum, nesterov = config.get("momentum", 0.0), config.get("nesterov", False)

        def sgd(w, g, slot, count):
            if not slot:
                return w - rate * g, slot
            v = momentum * slot[0] - rate * g
            return w + (momentum * v - rate * g if nesterov else v), [v]

        return sgd
    if name == "Adagrad":
        epsilon = config.get("epsilon", 1e-7)

        def adagrad(w, g, slot, count):
            sums = slot[0] + g * g
            return w - rate * g * lax.rsqrt(sums + epsilon), [sums]

        return adagrad
    if name == "Adadelta":
        rho, epsilon = config.get("rho", 0.95), config.get("epsilon", 1e-7)

        def adadelta(w, g, slot, count):
            squares = rho * slot[0] + (1 - rho) * g * g
            by = g * jnp.sqrt(slot[1] + epsilon) * lax.rsqrt(squares + epsilon)
            return w - rate * by, [squares, rho * slot[1] + (1 - rho) * by * by]

        return adadelta
    if name in ("Adamax", "Nadam"):
        beta_1, beta_2 = config.get("beta_1", 0.9), config.get("beta_2", 0.999)
        epsilon = config.get("epsilon", 1e-7)

        def adamax(w, g, slot, count):
            m = slot[0] + (g - slot[0]) * (1 - beta_1)
            most = jnp.maximum(beta_2 * slot[1], jnp.abs(g))
            return w - rate / (1 - beta_1**count) * m / (most + epsilon), [m, most]

        def nadam(w, g, slot, count):
            now, then = (beta_1 * (1 - 0.5 * 0.96**at) for at in (count, count + 1))
            product = slot[2] * now
            m = slot[0] + (g - slot[0]) * (1 - beta_1)
            v = slot[1] + (g * g - slot[1]) * (1 - beta_2)
            ahead = then * m / (1 - product * then) + (1 - now) * g / (1 - product)
            return w - rate * ahead / (jnp.sqrt(v / (1 - beta_2**count)) + epsilon), [m, v, product]

        return adamax if name == "Adamax" else nadam
    if name == "RMSprop":
        rho, momentum, epsilon = config.get("rho", 0.9), config.get("momentum", 0.0), config.get("epsilon", 1e-7)
        centered = config.get("centered", False)

        def rmsprop(w, g, slot, count):
            v = rho * slot[0] + (1 - rho) * g * g
            mean = rho * slot[1] + (1 - rho) * g if centered else slot[1]
            by = rate * g * lax.rsqrt(v - mean * mean + epsilon if centered else v + epsilon)
            m = momentum * slot[2] + by if momentum else slot[2]
            return w - (m if momentum else by), [v, mean, m]

        return rmsprop
    raise ValueError(f"the peers have no optimizer {name}")
