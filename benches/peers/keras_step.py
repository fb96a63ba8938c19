"""The step in Keras 3 on TensorFlow: fit() over batches in memory, or the predict function, float32."""

import os
import time

from common import arguments, run, stopwatch

options = arguments(__doc__, compile=["0", "1"])
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from described import zoo  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)
keras.utils.set_random_seed(0)


def build(network):
    x = images = keras.layers.Input(network["input"])
    return keras.Model(images, apply(network["layers"], x))


def apply(layers, x):
    for layer in layers:
        name, config = layer["class_name"], layer["config"]
        if name == "Residual":
            x = keras.layers.Add()([apply(config[part], x) for part in ("beside", "layers")])
        elif name == "MultiHeadAttention":
            x = keras.layers.MultiHeadAttention(**config)(x, x)
        else:
            x = getattr(keras.layers, name)(**config)(x)
    return x


network = zoo(options.model)
generator = np.random.default_rng(0)
x = generator.random((4 * options.batch, *network["input"]), np.float32)
y = np.eye(10, dtype=np.float32)[generator.integers(0, 10, 4 * options.batch)]
model = build(network)
jit = options.compile == "1"

if options.mode == "train":

    class Timer(keras.callbacks.Callback):
        """Times the steps alone, without what fit() does before and after them."""

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = time.perf_counter() - self.start

    model.compile("adam", "categorical_crossentropy", jit_compile=jit)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(options.batch).cache().repeat().prefetch(2)

    def timed(steps):
        timer = Timer()
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0, callbacks=[timer])
        return timer.seconds

else:
    called = tf.function(lambda images: model(images, training=False), jit_compile=jit)
    batches = [tf.constant(x[i * options.batch : (i + 1) * options.batch]) for i in range(4)]

    def step(number):
        called(batches[number % 4]).numpy()

    timed = stopwatch(step)

version = f"{keras.__version__}, tensorflow {tf.__version__}"
run(options, "keras", "jit_compile" if jit else "graph", version, timed)
