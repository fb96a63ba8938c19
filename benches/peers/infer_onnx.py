"""Inference in ONNX Runtime on the CPU, float32."""

from common import arguments, run, stopwatch

options = arguments(__doc__, modes=["infer"])

import onnxruntime  # noqa: E402

import onnx_nets  # noqa: E402

settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = options.threads
settings.inter_op_num_threads = 1
settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
model = onnx_nets.build(options.model, options.batch)
session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
batches = onnx_nets.batches(options.model, options.batch)


def step(number):
    session.run(None, {"x": batches[number % 4]})


run(options, "onnxruntime", "all optimizations", onnxruntime.__version__, stopwatch(step))
