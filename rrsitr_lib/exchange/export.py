"""What others take from a run: weights for plain open_clip, features as arrays and tables."""

from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.torch import save_file
from torch.nn.functional import normalize

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import save_array, write_atomically
from rrsitr_lib.model.encoder import Encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training.evaluate import encode
from rrsitr_lib.training.run_folder import open_run


def write_weights(run: str | Path, path: str | Path) -> str:
    """Write the best weights of a run as open_clip reads them, and return the name of the model to create.

    ``open_clip.create_model_and_transforms(name, pretrained=path)`` then gives the same features. Raises ``InputError``
    for runs of heads on frozen towers, whose model is none of open_clip's.
    """
    model, _, config = open_run(run)
    name = ENCODERS[config.encoder].open_clip_name
    if name is None or not isinstance(model, Encoder):
        raise InputError(f"{run}: encoder {config.encoder}, train {config.train}: open_clip has no such model to load")
    tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in model.model.state_dict().items()}
    write_atomically(path, lambda file: save_file(tensors, file, metadata={"format": "pt"}))
    return name


def write_features(
    run: str | Path,
    folder: str | Path,
    split: str = "test",
    data: str | Path | None = None,
    images: str | Path | None = None,
) -> list[Path]:
    """Write pooled features of a split by the best weights: unit rows, so that an inner product is the cosine.

    ``data``, ``images``: where the run's data lie now, if they were moved.

    ``image.npy`` (M, D) and ``text.npy`` (N, D) float32, C-ordered, as FAISS takes them; ``image.parquet`` and
    ``text.parquet`` with names, captions and the feature as a list. Raises ``InputError`` for an unknown split.
    """
    model, inputs, config = open_run(run, data, images)
    if split not in inputs:
        raise InputError(f"split is {split!r}: allowed are {', '.join(inputs)}")
    table = inputs[split].table
    names = {
        "image": pd.DataFrame({"image": table.images}),
        "text": pd.DataFrame({"image": table.image_ids, "caption": table.captions}),
    }
    written = []
    for (kind, frame), features in zip(names.items(), encode(model, inputs[split], config), strict=True):
        pooled = np.ascontiguousarray(normalize(features.pooled, dim=-1).cpu().numpy())
        frame = frame.assign(feature=list(pooled))
        written += [
            save_array(Path(folder) / f"{kind}.npy", pooled),
            write_atomically(Path(folder) / f"{kind}.parquet", frame.to_parquet),
        ]
    return written
