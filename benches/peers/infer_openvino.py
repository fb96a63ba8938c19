"""Inference in OpenVINO on the CPU, held to float32 (it would take bfloat16 where the CPU has it)."""

from common import arguments, run, stopwatch

options = arguments(__doc__, hint=["latency", "throughput"])
options.mode = "infer"

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
precision = str(compiled.get_property("INFERENCE_PRECISION_HINT"))
if "float32" not in precision and "f32" not in precision:
    raise SystemExit(f"OpenVINO runs in {precision}, not in float32")
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
