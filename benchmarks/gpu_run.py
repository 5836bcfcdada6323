"""What stands around the step on a GPU: evaluation, checkpoints, and a whole run, of which the step is a part.

Weights are random unless a folder or file of them is given; the run is of drawn scenes at the encoder's size. Usage:

    python benchmarks/gpu_run.py                                     # ViT-B/32, the size of RSITMD
    python benchmarks/gpu_run.py --encoder lite --weights FOLDER     # fine-tuned end to end; the towers lie in FOLDER
    python benchmarks/gpu_run.py --encoder tiny --scenes 40 --epochs 1 --queries 50 10    # only shows that it runs
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from gpu import seconds_of, synchronise

from rrsitr_lib.config import RunConfig
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.training.checkpoint import save_checkpoint, training_tensors
from rrsitr_lib.training.checkpoint_writer import CheckpointWriter
from rrsitr_lib.training.device import device_of
from rrsitr_lib.training.optimizer import make_optimizer
from rrsitr_lib.training.retrieval_results import rank
from rrsitr_lib.training.run import train

TEXT_TOKENS, IMAGE_TOKENS, WIDTH = 77, 49, 512  # of ViT-B/32


def evaluation(captions: int, images: int, device: torch.device) -> None:
    """Seconds of the recalls of a set, and of the best candidates of every query beside them."""
    drawn = [(captions, TEXT_TOKENS), (images, IMAGE_TOKENS)]
    text, image = (
        Features(torch.randn(n, WIDTH, device=device), torch.randn(n, tokens, WIDTH, device=device))
        for n, tokens in drawn
    )
    answers, texts = np.arange(captions) % images, [""] * captions
    seconds = seconds_of(lambda: recall(FusedScore(text, image), answers), 3, device)
    ranked = seconds_of(lambda: rank(FusedScore(text, image), answers, texts), 3, device)
    print(f"evaluation of {captions} captions, {images} images: {seconds:.2f} s, with candidates {ranked:.2f} s")


def checkpoint(config: RunConfig, device: torch.device) -> None:
    """Seconds for which training waits for a checkpoint with moments, and those of its write."""
    model = build_encoder(config.encoder, config.weights).to(device)
    optimizer = make_optimizer(model, config)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    tensors, waited, wrote = training_tensors(model, optimizer), [], []
    with tempfile.TemporaryDirectory() as folder, CheckpointWriter() as writer:

        def write(copies: dict[str, torch.Tensor]) -> None:
            started = time.perf_counter()
            save_checkpoint(Path(folder) / "last.safetensors", copies, {})
            wrote.append(time.perf_counter() - started)

        for _ in range(3):  # the first one reserves the memory
            synchronise(device)
            started = time.perf_counter()
            writer.write(tensors, write)
            waited.append(time.perf_counter() - started)
            writer.wait()
    size = sum(tensor.nbytes for tensor in tensors.values()) / 2**30
    first, last = (f"{seconds:.3f} s" for seconds in (waited[0], waited[-1]))
    print(f"checkpoint of {size:.2f} GiB: training waits {last} (first {first}), written in {wrote[-1]:.2f} s")


def whole_run(config: RunConfig) -> None:
    """Seconds of every epoch of a run, with validation."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = train(config, Path(folder) / "run", progress=False)
        seconds = time.perf_counter() - started
        metrics = pd.read_csv(Path(folder) / "run" / "metrics.csv")
    epochs = ", ".join(f"{took:.1f}" for took in metrics["seconds"][1:])
    print(
        f"run of {5 * config.scenes:,} pairs, batches of {config.batch_size}: {seconds:.1f} s in all, epochs {epochs} s"
    )
    print(
        f"mR {result['before']['mR']:.2f} before, {result['test']['mR']:.2f} after; chance {result['chance']['mR']:.2f}"
    )


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="vit-b-32")
    parser.add_argument("--weights", default="none")
    parser.add_argument("--scenes", type=int, default=3861, help="of five captions; the default has RSITMD's pairs")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--queries", type=int, nargs=2, default=[2260, 452], help="captions and images of a test set")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    config = RunConfig.build(
        preset="paper", encoder=given.encoder, weights=given.weights, scenes=given.scenes, epochs=given.epochs,
        noise_rate=0.4, device=given.device,
    )  # fmt: skip
    device = device_of(config)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU: these are not the numbers to quote"
    print(f"{card}; torch {torch.__version__}; {given.encoder}")
    evaluation(*given.queries, device)
    checkpoint(config, device)
    whole_run(config)


if __name__ == "__main__":
    main()
