"""The step in PyTorch: training (Adam, cross-entropy) or inference, float32."""

from common import arguments, run, stopwatch

options = arguments(__doc__, layout=["default", "channels_last"], compile=["0", "1"])

import torch  # noqa: E402
from torch import nn  # noqa: E402

import described_torch  # noqa: E402
from described import random_weights, zoo  # noqa: E402

torch.manual_seed(0)
torch.set_num_threads(options.threads)
training = options.mode == "train"
layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
network = zoo(options.model)
*sides, channels = network["input"]
# Sequences stay as they are: they have one layout only.
shape = (channels, *sides) if len(sides) == 2 else network["input"]
batches = [torch.rand(options.batch, *shape) for _ in range(4)]

# Training takes logits: the loss holds the softmax, as it does in Taper and Keras.
model = described_torch.build(network, random_weights(network), softmax=not training, even=True).train(training)
if len(sides) == 2:
    model, batches = model.to(memory_format=layout), [batch.to(memory_format=layout) for batch in batches]
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
