"""What pyproject.toml cannot say: the folders of notebooks and of results are parts of the installed package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["rrsitr_lib*"]), "rrsitr_lib.notebooks", "rrsitr_lib.results"],
    package_dir={"rrsitr_lib.notebooks": "notebooks", "rrsitr_lib.results": "results"},
)
