"""RSICD: 10,921 images of 30 classes; many sentences repeat."""

from rrsitr_lib.data.benchmark import Benchmark
from rrsitr_lib.data.datasets import register

register("rsicd")(
    Benchmark(
        name="rsicd",
        title="RSICD",
        images={"train": 8845, "val": 983, "test": 1093},
        filename_pattern=r"([a-z]+_)?\d+\.jpg",
        image_size=224,
        json_name="dataset_rsicd.json",
        citation="Lu, Wang, Zheng, Li, Exploring Models and Data for Remote Sensing Image Caption Generation,"
        " IEEE TGRS 2017",
        source="github.com/201528014227051/RSICD_optimal",
    )
)
