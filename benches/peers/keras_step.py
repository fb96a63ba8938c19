"""The step in Keras 3 on TensorFlow: fit() over batches in memory, or the predict function, float32."""

import os
import time

from common import arguments, run, stopwatch

options = arguments(__doc__, compile=["0", "1"])
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from nets import NETS, layers_of  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)
keras.utils.set_random_seed(0)


def build(name):
    shape, _ = NETS[name]
    layers = [keras.layers.Input(shape)]
    for layer, _, _ in layers_of(name):
        kind = layer[0]
        if kind == "conv":
            layers.append(keras.layers.Conv2D(layer[1], layer[2], padding=layer[3]))
        elif kind == "norm":
            layers.append(keras.layers.BatchNormalization())
        elif kind in ("relu", "tanh", "sigmoid", "softmax"):
            layers.append(keras.layers.Activation(kind))
        elif kind == "pool":
            layers.append(keras.layers.MaxPooling2D(2))
        elif kind == "average":
            layers.append(keras.layers.AveragePooling2D(2))
        elif kind == "flatten":
            layers.append(keras.layers.Flatten())
        elif kind == "dense":
            layers.append(keras.layers.Dense(layer[1]))
    return keras.Sequential(layers)


shape, _ = NETS[options.model]
generator = np.random.default_rng(0)
x = generator.random((4 * options.batch, *shape), np.float32)
y = np.eye(10, dtype=np.float32)[generator.integers(0, 10, 4 * options.batch)]
model = build(options.model)
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
