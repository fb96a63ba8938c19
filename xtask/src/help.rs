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
  soak                     hundreds of trainings killed, stopped, on full and failing disks: all
                           must end in the same bits (--part, --rounds)
  ulp                      worst errors of exp, ln, tanh and their kin over all f32 (--only, --every)
  ci                       everything that .ci/run checks

Measuring
  bench [GROUP]            the criterion groups, or one of them (matmul, convolution, …)
  bench step               time a training or inference step
  bench peers              the same step in PyTorch, Keras, ONNX Runtime, OpenVINO, burn and
                           candle, alternating
  bench check              do these compute the same losses and outputs as Taper?
  bench curves             costs over batch sizes, widths, image sizes and epochs; names cliffs
  bench graphs             graphs against chains of the same products
  bench fit                `fit` from a main thread against its steps alone
  bench random             networks drawn at random, in Taper, PyTorch and ONNX Runtime: the ten worst
  bench digest             the weights after some steps: do two versions agree to the bit?
  bench all                everything that has a bound: speed, memory, start, build
                           (cargo xtask bench --help lists them; each can be run by its name)

Exit codes: 0 done, 1 failed, 2 wrong usage; 128 + the signal's number when one ended it
(130: Ctrl-C).
";
