"""Describes the package to setuptools; what the tools need is in pyproject.toml.

The top-level folders `builders/` and `flags/` install inside the library, as `fbnetv2_tf.builders`
and `fbnetv2_tf.flags`. An editable install links every file there ("strict"), so that type checkers
and editors see the installed layout too.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
FOLDERS = {
    "fbnetv2_tf": "fbnetv2_tf",
    "fbnetv2_tf.builders": "builders",
    "fbnetv2_tf.flags": "flags",
}

# Layers are quantised for training by tensorflow-model-optimization. It is no part of the core: it
# brings the whole of the older Keras, holds absl-py below 2, and reads `distutils`, which Python
# 3.12 has from setuptools alone. The core neither needs it nor imports it.
QAT = [
    "tensorflow-model-optimization>=0.8.1,<0.9",
    "tf-keras>=2.21,<2.22",
    "setuptools",
]
REPORT = ["matplotlib>=3.9"]
WEIGHTS = ["ai-edge-quantizer>=0.10,<0.11"]
TORCH = ["torch>=2.5"]
TFDS = ["tensorflow-datasets>=4.9.7"]
DOCS = [
    *REPORT,
    "ipykernel>=6.29",
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.5",
    "mkdocstrings[python]>=0.27",
    "nbclient>=0.10",
    "ruff>=0.9",  # lays out the signatures
]
TEST = [
    *QAT,
    *REPORT,
    *WEIGHTS,
    "hypothesis>=6.100",
    "mypy>=1.15",
    "pytest>=8",
    "pytest-cov>=6",
    "pytest-xdist>=3.6",
    "ruff>=0.9",
    'tflite-micro; platform_machine == "x86_64"',
]


def packages() -> list[str]:
    """The installed names of the three folders and of every package inside them."""
    return [
        name
        for package, folder in FOLDERS.items()
        for name in (package, *(f"{package}.{inner}" for inner in find_packages(folder)))
    ]


def version() -> str:
    """The version, read as text: importing the package here would need its dependencies."""
    text = (ROOT / "fbnetv2_tf" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError('fbnetv2_tf/version.py must have a line `__version__ = "..."`.')
    return found[1]


def readme() -> str:
    """The README, where the source has one."""
    path = ROOT / "README.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


setup(
    name="fbnetv2-tf",
    version=version(),
    description="Differentiable architecture search (FBNetV2) in Keras, from a data set to .tflite",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10,<3.14",
    packages=packages(),
    package_dir=FOLDERS,
    package_data={
        "fbnetv2_tf": ["py.typed", "presets/*.txt", "datasets/*.npz", "datasets/data/*"],
        "fbnetv2_tf.report": ["templates/*"],
        "fbnetv2_tf.builders": ["*.json", "py.typed"],
    },
    install_requires=[
        "tensorflow>=2.21,<2.22",
        # Keras 3.13 and later leave Python 3.10, which TensorFlow 2.21 still supports.
        'keras>=3.15,<4; python_version >= "3.11"',
        'keras>=3.12,<4; python_version < "3.11"',
        "ai-edge-litert>=2.1,<3",
        "absl-py>=1.4",
        "flatbuffers>=24.3",
        "numpy>=2.0,<3",
        "pillow>=10",
        "rich>=13",
        "jinja2>=3.1",
        "tensorboard>=2.20",  # tf.summary has no scalars without it
    ],
    extras_require={
        "docs": DOCS,
        "qat": QAT,
        "report": REPORT,
        "tfds": TFDS,
        "torch": TORCH,
        "weights": WEIGHTS,
        "test": TEST,
    },
    entry_points={
        "console_scripts": [
            *(
                f"fbnetv2-{driver} = fbnetv2_tf.flags.{driver}:console"
                for driver in (
                    "search",
                    "train",
                    "evaluate",
                    "export",
                    "count",
                    "latency",
                    "benchmark",
                    "report",
                )
            ),
            "fbnetv2-import = fbnetv2_tf.flags.import_checkpoint:console",
        ]
    },
    options={"editable_wheel": {"mode": "strict"}},
    zip_safe=False,
)
