//! The texts of `cargo xtask bench --help` and `cargo xtask bench peers --help`.

pub(crate) const BENCH_HELP: &str = "\
Measure.

Usage: cargo xtask bench [GROUP] [criterion options]   criterion groups: matmul, convolution, …
       cargo xtask bench step [options]       a training or inference step of Taper (--help)
       cargo xtask bench epoch [options]      epochs of the study: training and validation, nothing else (--help)
       cargo xtask bench curves [options]     costs over sizes, drawn into benches/results (--help)
       cargo xtask bench digest [options]     the weights after some steps, to compare versions bit for bit (--help)
       cargo xtask bench graphs [options]     graphs against chains of the same products (--help)
       cargo xtask bench fit [options]        fit from a main thread against its steps alone (--help)
       cargo xtask bench random [options]     networks drawn at random, in Taper and its peers (--help)
       cargo xtask bench peers [options]      a step in Taper and other frameworks (--help)
       cargo xtask bench check [options]      do the peers compute what Taper does? (--help)
       cargo xtask bench all [options]        all of the measures below
       cargo xtask bench MEASURE [options]    one of them

Programs take turns; a measure is the median over the rounds, and its spread stands beside it.
  --rounds N       alternations
  --threads N      threads of each program (default: 2)
  --train-size N   train on fewer images than the study has
  --venv DIR       use this Python environment instead of making target/peers-venv
  --checkpoint F   predict with this network (default: one that is trained first)
  --only A,B       (all) only these measures
  --record         append figures, machine and command to benches/results/

Measures
";

pub(crate) const CHECK_HELP: &str = "\
Check that Taper, PyTorch and JAX compute the same losses from the same weights and batch, and ONNX
Runtime the same outputs, on every network of `bench peers`; PyTorch and JAX with every optimizer too.

Usage: cargo xtask bench check [options]

  --venv DIR      use this Python environment instead of making target/peers-venv

Exit code 1 where one of them does not.
";

pub(crate) const PEERS_HELP: &str = "\
Measure Taper and other frameworks on the same step, alternating.

Usage: cargo xtask bench peers [options]
       cargo xtask bench peers --all       the same as cargo xtask bench all

  --model NAME    cnn (default), lenet5, mlp, vgg, tanh, digits, lstm, gru, separable, resnet8 or transformer
  --mode MODE     train (default) or infer
  --batch N       images a step (default: 64)
  --threads N     threads of each program (default: 2)
  --rounds N      alternations (default: 5)
  --steps N       steps a round (default: as many as take about a second)
  --latency       time every call by itself; a round's figure is the median (inference)
  --apart         measure everybody a second time, without turns, to see what taking turns costs
  --simd avx2     hold Taper and PyTorch to AVX2
  --peers A,B     pytorch, jax, keras, onnxruntime, openvino, burn, candle (default: all that fit);
                  several settings of one framework take part, of which the best counts
  --record        append table, machine and command to benches/results/
  --venv DIR      use this Python environment instead of making target/peers-venv

The first run makes a Python environment from benches/peers/requirements.txt (about 6 GB with
PyTorch's libraries) and builds benches/peers/rust. TAPER_SIMD, ATEN_CPU_CAPABILITY,
ONEDNN_MAX_CPU_ISA and the like reach the programs, and are recorded.
";
