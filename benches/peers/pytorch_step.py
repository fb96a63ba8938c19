"""The step in PyTorch: training (Adam, cross-entropy) or inference, float32."""

from common import arguments, run, stopwatch

options = arguments(__doc__, layout=["default", "channels_last"], compile=["0", "1"])

import torch  # noqa: E402
from torch import nn  # noqa: E402

from nets import NETS, layers_of  # noqa: E402


def build(name, softmax):
    layers = []
    for layer, before, after in layers_of(name):
        kind = layer[0]
        if kind == "conv":
            layers.append(nn.Conv2d(before[2], after[2], layer[2], padding=layer[3]))
        elif kind == "norm":
            layers.append(nn.BatchNorm2d(after[2], eps=1e-3, momentum=0.01))
        elif kind == "relu":
            layers.append(nn.ReLU())
        elif kind in ("tanh", "sigmoid"):
            layers.append(nn.Tanh() if kind == "tanh" else nn.Sigmoid())
        elif kind == "pool":
            layers.append(nn.MaxPool2d(2))
        elif kind == "average":
            layers.append(nn.AvgPool2d(2))
        elif kind == "flatten":
            layers.append(nn.Flatten())
        elif kind == "dense":
            layers.append(nn.Linear(before[0], after[0]))
        elif softmax:
            layers.append(nn.Softmax(1))
    return nn.Sequential(*layers)


torch.manual_seed(0)
torch.set_num_threads(options.threads)
training = options.mode == "train"
layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
(height, width, channels), _ = NETS[options.model]

# Training takes logits: the loss holds the softmax, as it does in Taper and Keras.
model = build(options.model, softmax=not training).to(memory_format=layout).train(training)
batches = [torch.rand(options.batch, channels, height, width).to(memory_format=layout) for _ in range(4)]
labels = [torch.randint(0, 10, (options.batch,)) for _ in range(4)]
called = torch.compile(model) if options.compile == "1" else model

if training:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    loss_of = nn.CrossEntropyLoss()

    def step(number):
        optimizer.zero_grad(set_to_none=True)
        loss_of(called(batches[number % 4]), labels[number % 4]).backward()
        optimizer.step()

else:

    @torch.inference_mode()
    def step(number):
        called(batches[number % 4])


setting = f"{options.layout}, {'compiled' if options.compile == '1' else 'eager'}"
run(options, "pytorch", setting, torch.__version__, stopwatch(step))
