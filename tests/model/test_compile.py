"""Compiled towers: really compiled, both of them, with fixed shapes, before and after an evaluation; equal features."""

import pytest
import torch
from model.test_encoders import CAPTIONS, lite_folder, pixels  # noqa: F401 (a fixture)
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.frozen_towers.heads import HeadsEncoder
from rrsitr_lib.model.encoder import ClipEncoder, build_encoder
from rrsitr_lib.training.run import train
from rrsitr_lib.training.trainer import Trainer


class Counting:
    """A backend that compiles nothing and notes the shapes that each graph was made for."""

    def __init__(self):
        self.graphs = []

    def __call__(self, graph, inputs):
        self.graphs.append([value for value in inputs if isinstance(value, torch.SymInt)])
        return graph.forward


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["tiny", "lite"])
@pytest.mark.parametrize("pad", ["paper", "masked"])
def test_both_towers_are_compiled_and_give_equal_features(name, pad, lite_folder):  # noqa: F811
    weights = str(lite_folder) if name == "lite" else None
    encoder, backend = build_encoder(name, weights, pad).eval(), Counting()
    images, tokens = pixels(encoder), encoder.trimmed(encoder.tokenize(CAPTIONS))
    names = list(encoder.state_dict())
    with torch.no_grad():
        expected = encoder(images, tokens)
        encoder.compile_towers(backend)
        first = len(backend.graphs)
        image = encoder.image(images)
        by_image = len(backend.graphs) - first
        text = encoder.text(encoder.trimmed(encoder.tokenize(CAPTIONS)))
        by_text = len(backend.graphs) - first - by_image
    assert by_image >= 1 and by_text >= 1 and not any(backend.graphs)
    torch.testing.assert_close(image.pooled, expected[0].pooled, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(text.pooled, expected[1].pooled, rtol=1e-4, atol=1e-5)
    assert list(encoder.state_dict()) == names, "checkpoints keep their names"


def test_heads_are_compiled():
    heads, backend = HeadsEncoder(8, 6), Counting()
    heads.compile_towers(backend)
    heads(torch.randn(3, 5, 8), torch.randn(3, 4, 6))
    assert len(backend.graphs) == 2


def test_a_run_keeps_its_shapes_fixed_over_training_and_evaluation(tmp_path, monkeypatch, few_scenes):
    """The last batch of an evaluation is smaller than the others, and captions differ in length from batch to batch."""
    backend, real = Counting(), ClipEncoder.compile_towers
    monkeypatch.setattr(ClipEncoder, "compile_towers", lambda self: real(self, backend))
    compiled, train_epoch = [], Trainer.train_epoch

    def noted(*arguments):
        compiled.append(len(backend.graphs))
        return train_epoch(*arguments)

    monkeypatch.setattr(Trainer, "train_epoch", noted)
    train(RunConfig.build(**SMALL | {"compile": True}), tmp_path, progress=False)
    assert len(backend.graphs) >= 2 and not any(backend.graphs), "a shape became symbolic"
    assert len(backend.graphs) <= compiled[1] + 1, "nothing is compiled anew from epoch to epoch"
