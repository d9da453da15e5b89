"""What is installed: the tree of this checkout under one name, so that none of its packages becomes anybody else's.

pyinfra runs the tree in place, be it a checkout or an installed one; `pyproject.toml` has all the rest.
"""

import tempfile

from setuptools import find_namespace_packages, setup

NAME = "switchback_tree"
TREE = ("agent", "deploys", "facts", "inventories", "operations", "switchback")

found = find_namespace_packages(include=[pattern for one in TREE for pattern in (one, f"{one}.*")], exclude=["tests*"])
# What a build leaves in the checkout, the next one would install with what is there then.
with tempfile.TemporaryDirectory() as elsewhere:
    setup(
        packages=[NAME, *(f"{NAME}.{package}" for package in found)],
        package_dir={NAME: "."},
        package_data={
            f"{NAME}.operations.files": ["*"],
            f"{NAME}.operations.files.earlier": ["*"],
            f"{NAME}.switchback.page": ["*.j2"],
        },
        options={"build": {"build_base": elsewhere}},
    )
