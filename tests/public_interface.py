"""Writes down what the packages export: `python tests/public_interface.py > tests/public_interface.txt`.

The text stands in the repository, and a test compares it, so that a change of the interface shows in review.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

PACKAGES = ("shaderdsl", "render", "refine", "data")
RECORD = Path(__file__).with_suffix(".txt")


def described() -> str:
    """A line for each exported function and class, and for each public member of a class."""
    lines = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in sorted(module.__all__):
            lines += described_value(f"{package}.{name}", getattr(module, name))
    return "".join(line + "\n" for line in lines)


def described_value(name: str, value: object) -> list[str]:
    if not inspect.isclass(value):
        return [name + (str(inspect.signature(value)) if callable(value) else "")]
    bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
    lines = [f"class {name}({bases})" if bases else f"class {name}"]
    if "__init__" in vars(value) and not getattr(value, "_is_protocol", False):
        lines.append(f"  __init__{inspect.signature(value.__init__)}")
    annotations = vars(value).get("__annotations__", {})
    for member in sorted({*vars(value), *annotations}):
        if member.startswith("_"):
            continue
        found = inspect.getattr_static(value, member, None)
        if isinstance(found, (classmethod, staticmethod)):
            lines.append(f"  {member}{inspect.signature(found.__func__)}")
        elif inspect.isfunction(found):
            lines.append(f"  {member}{inspect.signature(found)}")
        else:
            lines.append(f"  {member}")
    return lines


if __name__ == "__main__":
    sys.path.insert(0, str(RECORD.parent.parent))
    sys.stdout.write(described())
