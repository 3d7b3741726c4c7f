"""What EarthShader's packages share at import: a check that nothing hides them, and exports that load when asked for.

The packages' names are plain words, so a user's own `data.py` beside a script would hide ours. This module has a name
that nobody else uses, so that the check itself can not be hidden.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

PACKAGES = ("shaderdsl", "render", "refine", "data")


def check_siblings(package_file: str) -> None:
    """Raises ImportError, in one sentence, if an import of a sibling of the package would find somebody else's.

    `package_file` is the `__file__` of a package's `__init__`; its siblings are the folders beside its own.
    """
    home = os.path.dirname(os.path.dirname(os.path.abspath(package_file)))
    for name in PACKAGES:
        ours = os.path.join(home, name)
        found = _place_of(name)
        if found is None or not os.path.isdir(ours):
            raise ImportError(
                f"EarthShader's package '{name}' is missing from {home}: install EarthShader anew "
                "(pip install --force-reinstall earthshader).",
                name=name,
            )
        if os.path.realpath(os.path.dirname(found)) != os.path.realpath(ours):
            raise ImportError(
                f"{found} hides EarthShader's package '{name}' (in {ours}): rename it, or keep its folder out of "
                "Python's import path, for example by running from another folder.",
                name=name,
                path=found,
            )


def _place_of(name: str) -> str | None:
    """The file that `import name` reads, found without importing it; None if there is none."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        folders = list(getattr(loaded, "__path__", [name]))
        return getattr(loaded, "__file__", None) or os.path.join(folders[0], "")
    spec = importlib.util.find_spec(name)
    return None if spec is None else spec.origin


class _Package(ModuleType):
    """A package whose exports stay what they are when a submodule of the same name (`refine.fit`) is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in self.__dict__.get("__all__", ())):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("__all__", ())})


def lazy_exports(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """(`__getattr__`, `__all__`) of a package whose `homes` name each export's module: it is imported on first use.

    For a package's `__init__`: `__getattr__, __all__ = lazy_exports(__name__, {"fit": "fit"})`, see PEP 562.
    """
    module = sys.modules[package]
    module.__class__ = _Package

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(module, name, value)
        return value

    return get, sorted(homes)
