"""What pyproject.toml cannot say: the folder of the notebooks is a part of the installed package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["rrsitr_lib*"]), "rrsitr_lib.notebooks"],
    package_dir={"rrsitr_lib.notebooks": "notebooks"},
)
