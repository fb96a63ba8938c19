//! The text of `cargo xtask --help`.

pub(crate) const HELP: &str = "\
Taper: train neural networks on the CPU, in Rust.

Usage: cargo xtask <command> [options]     (cargo xtask <command> --help tells more)

Training
  train [STUDY.toml]       run a study; without a file: four ways to regularize, on MNIST
                           (--quick: a first look in well under a minute)
  evaluate CHECKPOINT      loss and accuracy of a trained network
  predict CHECKPOINT IMG…  what the network sees in pictures
  inspect CHECKPOINT       architecture, parameters, position and provenance
  report RUN_DIR           build a run's report.html again
  data list|fetch|…        the data sets: what there is, download, verify

Checking
  test [cargo test args]   all tests of the workspace
  gradcheck [--op NAME]    gradients against central differences
  ci                       everything that .ci/run checks

Measuring
  bench [GROUP]            the criterion groups, or one of them (matmul, convolution, …)
  bench step               time a training or inference step
  bench start CHECKPOINT IMAGE.png
                           time from process start to the first prediction
  bench peers              the same step in PyTorch, Keras, ONNX Runtime and OpenVINO, alternating

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
";

pub(crate) const PEERS_HELP: &str = "\
Measure Taper and other frameworks on the same step, alternating.

Usage: cargo xtask bench peers [options]

  --model NAME    cnn (default), or another network that `cargo xtask bench step` and
                  benches/peers/nets.py both know
  --mode MODE     train (default) or infer
  --batch N       images a step (default: 64)
  --threads N     threads of each program (default: 2)
  --rounds N      alternations (default: 5)
  --steps N       steps a round (default: as many as take about a second)
  --peers A,B     pytorch, keras, onnxruntime, openvino (default: all that fit the mode);
                  pytorch stands for four settings, of which the best counts
  --record        append table, machine and command to benches/results/
  --venv DIR      use this Python environment instead of making target/peers-venv

The first run makes a Python environment from benches/peers/requirements.txt (about 6 GB with
PyTorch's libraries). TAPER_SIMD, ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA and the like reach the
programs, and are recorded.
";
