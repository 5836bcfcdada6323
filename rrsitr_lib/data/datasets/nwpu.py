"""NWPU-Captions: the 31,500 images of NWPU-RESISC45 with five captions each."""

from rrsitr_lib.data.benchmark import Benchmark
from rrsitr_lib.data.datasets import register

register("nwpu")(
    Benchmark(
        name="nwpu",
        title="NWPU-Captions",
        images={"train": 25515, "val": 2835, "test": 3150},
        filename_pattern=r"[a-z_]+_\d+\.jpg",
        image_size=256,
        json_name="dataset_nwpu.json",
        citation="Cheng et al., NWPU-Captions Dataset and MLCA-Net for Remote Sensing Image Captioning, IEEE TGRS 2022",
        source="github.com/HaiyanHuang98/NWPU-Captions (images: NWPU-RESISC45)",
    )
)
