"""One epoch of each of the study's four variants, as the notebook trains them: fit() on arrays in memory
with the test images as validation data, Keras 3 on TensorFlow, float32.

Every line read is answered with the seconds that the four calls of fit() took. The graphs are traced
before the first one, so what Keras pays once a variant is left out.
"""

import argparse
import gzip
import json
import os
import pathlib
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of MNIST's four .gz files")
parser.add_argument("--train-size", type=int, default=60_000)
parser.add_argument("--test-size", type=int, default=10_000)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--on-demand", action="store_true", help="one answer for every line read; else one answer")
parser.add_argument("--json", action="store_true", help="only JSON on standard output (it is always so)")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, regularizers  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)
keras.utils.set_random_seed(0)

# Name: (L2, dropout), as in crates/experiments/studies/regularization.toml.
VARIANTS = {
    "baseline": (0.0, 0.0),
    "l2": (0.01, 0.0),
    "l2_dropout50": (0.01, 0.5),
    "l2_dropout20": (0.01, 0.2),
}


def idx(name, header, shape):
    with gzip.open(options.data / f"{name}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header).reshape(shape)


def images_and_targets(prefix, count):
    images = idx(f"{prefix}-images-idx3-ubyte", 16, (-1, 28, 28))[:count]
    labels = idx(f"{prefix}-labels-idx1-ubyte", 8, -1)[:count]
    return images.astype(np.float32) / 255, keras.utils.to_categorical(labels, 10)


def build(l2, dropout):
    regularizer = regularizers.L2(l2) if l2 else None

    def with_dropout(layer):
        return [layer, layers.Dropout(dropout)] if dropout else [layer]

    model = keras.Sequential([
        layers.Input((28, 28)),
        layers.Reshape((28, 28, 1)),
        *with_dropout(layers.Conv2D(32, 3, activation="relu", kernel_regularizer=regularizer)),
        *with_dropout(layers.Conv2D(64, 3, activation="relu", kernel_regularizer=regularizer)),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        *with_dropout(layers.Dense(128, activation="relu", kernel_regularizer=regularizer)),
        *with_dropout(layers.Dense(128, activation="relu", kernel_regularizer=regularizer)),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


x, y = images_and_targets("train", options.train_size)
x_test, y_test = images_and_targets("t10k", options.test_size)


def epoch(model, train, test):
    start = time.perf_counter()
    model.fit(x[:train], y[:train], batch_size=64, epochs=1, validation_data=(x_test[:test], y_test[:test]), verbose=0)
    return time.perf_counter() - start


models = {name: build(*settings) for name, settings in VARIANTS.items()}
for model in models.values():
    # A full and a partial batch of each kind, so that every graph is traced.
    epoch(model, min(640 + options.train_size % 64, options.train_size), min(64 + options.test_size % 32, options.test_size))


def answer():
    seconds = {name: epoch(model, options.train_size, options.test_size) for name, model in models.items()}
    print(json.dumps({"peer": "keras", "seconds": sum(seconds.values()), "variants": seconds}), flush=True)


if options.on_demand:
    version = f"{keras.__version__}, tensorflow {tf.__version__}"
    print(json.dumps({"ready": True, "peer": "keras", "version": version}), flush=True)
    for _ in sys.stdin:
        answer()
else:
    answer()
