"""What all peers share: arguments, timing, the line of JSON that comes out.

A peer times chunks of a few steps and prints one JSON object a chunk. Alone it runs `--chunks` of
them and prints the median as well. With `--on-demand` it prints {"ready": true} once it is warm
and then times one chunk for every line it reads, so that `cargo xtask bench peers` can alternate
programs without paying for their start and compilation each time.
"""

import argparse
import json
import os
import statistics
import sys
import time

from nets import NETS


def arguments(description, modes=("train", "infer"), **extra):
    """`modes` are those that a peer has; `extra` maps an option to its choices. The first one is the default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", default="cnn", choices=list(NETS))
    parser.add_argument("--mode", default=modes[0], choices=modes)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="steps a chunk; 0: as many as take about a second")
    parser.add_argument("--chunks", type=int, default=5)
    parser.add_argument("--latency", action="store_true", help="time every step by itself; the median counts")
    parser.add_argument("--on-demand", action="store_true", help="one chunk for every line read")
    parser.add_argument("--json", action="store_true", help="only JSON on standard output")
    for option, choices in extra.items():
        parser.add_argument(f"--{option}", default=choices[0], choices=choices)
    options = parser.parse_args()
    if options.latency and options.mode == "train":
        parser.error("--latency is for inference")
    # Before NumPy and the frameworks are imported: they read these once.
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["MKL_NUM_THREADS"] = str(options.threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    return options


def run(options, peer, setting, version, timed):
    """`timed(steps)` runs that many steps and returns the seconds they took; with a list as second
    argument it times every step by itself and appends the seconds."""
    timed(3)  # compile, allocate, warm up
    steps = options.steps
    if steps == 0:
        seconds = timed(5) / 5
        steps = max(3, round(1.0 / seconds))
        timed(max(3, steps // 4))
    head = {
        "peer": peer,
        "setting": setting,
        "version": version,
        "model": options.model,
        "mode": options.mode,
        "batch": options.batch,
        "threads": options.threads,
        "steps": steps,
    }

    def chunk():
        if options.latency:
            laps = []
            timed(steps, laps)
            return options.batch / statistics.median(laps)
        return options.batch * steps / timed(steps)

    if options.on_demand:
        print(json.dumps({"ready": True, **head}), flush=True)
        for _ in sys.stdin:
            print(json.dumps({**head, "images_per_second": chunk()}), flush=True)
        return
    rates = []
    for number in range(options.chunks):
        rates.append(chunk())
        if not options.json:
            print(f"chunk {number + 1}: {rates[-1]:.1f} images/s", file=sys.stderr)
    median = statistics.median(rates)
    print(
        json.dumps(
            {
                **head,
                "images_per_second": median,
                "ms_per_step": 1000 * options.batch / median,
                "lowest": min(rates),
                "highest": max(rates),
                "chunks": rates,
            }
        ),
        flush=True,
    )


def stopwatch(step, finish=lambda: None):
    """`timed` for `run`, from a function that makes one step."""

    def timed(steps, laps=None):
        start = last = time.perf_counter()
        for number in range(steps):
            step(number)
            if laps is not None:
                now = time.perf_counter()
                laps.append(now - last)
                last = now
        finish()
        return time.perf_counter() - start

    return timed
