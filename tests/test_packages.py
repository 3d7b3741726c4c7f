"""The packages as a whole: who may import whom, what an import loads, what is exported, and what hides what."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import public_interface
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
OURS = ("shaderdsl", "render", "data", "refine", "model")
SHARED = "earthshader_packages"
BELOW = {
    "shaderdsl": set(),
    "render": {"shaderdsl"},
    "data": {"shaderdsl", "render"},
    "refine": {"shaderdsl", "render", "data"},
}
OTHERS = {
    "shaderdsl": {"numpy", "lark"},
    "render": {"numpy", "PIL", "taichi", "moderngl", "glcontext", "skimage", "trimesh", "av"},
    "data": {"numpy"},
    "refine": {"numpy", "scipy", "skimage", "PIL", "threadpoolctl", "typer", "rich"},
}


def run(code: str, folder: Path = REPOSITORY, path: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def imports(path: Path) -> Iterator[str]:
    """The top packages that a file imports, when it is imported itself or later."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", sorted(BELOW))
def test_imports_point_down_and_to_known_packages_alone(package: str) -> None:
    files = sorted((REPOSITORY / package).rglob("*.py"))
    assert files
    allowed = BELOW[package] | OTHERS[package] | {package, SHARED} | sys.stdlib_module_names
    for path in files:
        name = path.relative_to(REPOSITORY).as_posix()
        for target in imports(path):
            assert target in allowed, f"{name} imports {target}"


def loaded_by(code: str) -> set[str]:
    """The top packages that a new process has loaded after `code`."""
    result = run(f"{code}\nimport sys, json\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))")
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_imports_stay_light() -> None:
    heavy = {"taichi", "torch", "transformers", "moderngl", "scipy", "skimage", "numba", "PIL", "rich", "typer", "model"}
    assert not loaded_by("import shaderdsl, render, refine, data") & (heavy | {"numpy", "lark"})
    assert not loaded_by("import shaderdsl; shaderdsl.parse('circle(0.5)'); shaderdsl.to_glsl") & heavy
    assert not loaded_by("import refine.command_line") & (heavy - {"rich", "typer"})


def test_exports_are_what_their_homes_define_even_where_a_module_has_their_name() -> None:
    names = [f"{package}.{path.stem}" for package in BELOW for path in (REPOSITORY / package).glob("[!_]*.py")]
    for package in BELOW:
        module = importlib.import_module(package)
        assert sorted(module.__all__) == list(module.__all__)
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            _ = module.nonsense
    code = "import sys, types, importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in names)
    code += f"for name in {list(BELOW)}:\n"
    code += "    package = sys.modules[name]\n"
    code += "    assert not [n for n in package.__all__ if isinstance(getattr(package, n), types.ModuleType)]\n"
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_the_public_interface_is_the_recorded_one() -> None:
    recorded = public_interface.RECORD.read_text(encoding="utf-8")
    assert public_interface.described() == recorded, (
        "the public interface has changed: if that is meant, write it down with "
        "python tests/public_interface.py > tests/public_interface.txt and say so in CHANGELOG.md"
    )


# -- decoys: files of the user's with the names of our packages ---------------------------------------------------


def check_refused(result: subprocess.CompletedProcess[str], decoy: Path, name: str) -> None:
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and str(decoy) in last, result.stderr
    assert f"hides EarthShader's package '{name}'" in last and "rename it" in last


@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py"])
@pytest.mark.parametrize(
    ("name", "imported"), [("shaderdsl", "render"), ("render", "data"), ("data", "refine"), ("refine", "shaderdsl")]
)
def test_a_decoy_is_named(tmp_path: Path, name: str, imported: str, form: str) -> None:
    decoy = tmp_path / form.format(name)
    decoy.parent.mkdir(exist_ok=True)
    decoy.write_text("raise SystemExit('the decoy was run')")
    check_refused(run(f"import {imported}", tmp_path), decoy, name)


def test_a_decoy_that_is_loaded_already_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.py").touch()
    check_refused(run("import data, refine", tmp_path), tmp_path / "data.py", "data")


def test_a_folder_that_is_no_package_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.csv").touch()
    result = run("import refine, data; print(data.__file__)", tmp_path)
    assert result.stdout.strip() == str(REPOSITORY / "data" / "__init__.py"), result.stderr


def test_half_an_installation_is_named(tmp_path: Path) -> None:
    for name in (f"{SHARED}.py", "shaderdsl", "render", "refine"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    result = run("import refine", tmp_path, tmp_path)
    # The editable install of a checkout may still find the real one: then its other place is named.
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 1 and "EarthShader's package 'data'" in last and "missing from" in last
