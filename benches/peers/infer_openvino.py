"""Inference in OpenVINO on the CPU, held to float32 (it would take bfloat16 where the CPU has it)."""

from common import arguments, run, stopwatch

options = arguments(__doc__, modes=["infer"], hint=["latency", "throughput"])

import openvino  # noqa: E402

import onnx_nets  # noqa: E402

core = openvino.Core()
model = core.read_model(onnx_nets.build(options.model, options.batch))
compiled = core.compile_model(
    model,
    "CPU",
    {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": options.threads,
        "PERFORMANCE_HINT": options.hint.upper(),
    },
)
# What was asked for, and what the compiled graph really does (its inputs and outputs are f32 in any case).
precision = compiled.get_property("INFERENCE_PRECISION_HINT")
executed = {str(node.get_rt_info()["runtimePrecision"].astype(str)) for node in compiled.get_runtime_model().get_ordered_ops()}
if precision != openvino.Type.f32 or not executed <= {"f32", "i32", "i64", "undefined"}:
    raise SystemExit(f"OpenVINO runs in {precision} ({', '.join(sorted(executed))}), not in float32")
batches = onnx_nets.batches(options.model, options.batch)

if options.hint == "latency":
    request = compiled.create_infer_request()

    def step(number):
        request.infer([batches[number % 4]], share_inputs=True)

    timed = stopwatch(step)
else:
    # Several requests at once, as OpenVINO advises where only throughput counts.
    queue = openvino.AsyncInferQueue(compiled)

    def step(number):
        queue.start_async([batches[number % 4]], share_inputs=True)

    timed = stopwatch(step, queue.wait_all)

run(options, "openvino", options.hint, openvino.__version__, timed)
