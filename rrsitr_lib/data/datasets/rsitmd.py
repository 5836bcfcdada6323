"""RSITMD: 4,743 images of 33 classes, with the authors' splits known by their hashes."""

from rrsitr_lib.data.benchmark import Benchmark
from rrsitr_lib.data.datasets import register

register("rsitmd")(
    Benchmark(
        name="rsitmd",
        title="RSITMD",
        images={"train": 3861, "val": 430, "test": 452},
        filename_pattern=r"[a-z]+_\d+\.tif",
        image_size=256,
        json_name="dataset_RSITMD.json",
        citation="Yuan et al., Exploring a Fine-Grained Multiscale Method for Cross-Modal Remote Sensing Image"
        " Retrieval, IEEE TGRS 2021, doi 10.1109/TGRS.2021.3078451",
        source="github.com/xiaoyuan1996/AMFMN, folder RSITMD",
        captions_sha256={
            "train": "0f98932e415bec245779229ca493597bd814d26caf9b181ad14511185c87d2b8",
            "val": "f4885535d13775a235c6c7ef808e8d44684aa8d215f836c932b8c7ec5848cc0f",
            "test": "12ad0fe3d638476eab1a7ef2c58d131ec3f47ccd011116ac54e43b748651cf91",
            "train_nc02": "fe6df0e0df834548a252190dfc2c18eca74ac43f086ab972ff3da3a821d9b678",
            "train_nc04": "fca7be56376093cd4275d102aaace5235bb623feff581fef7809efff956a314a",
        },
    )
)
