"""The written pages: the reference page is what the registry gives, and its programs are right."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shaderdsl import parse
from shaderdsl.registry import operations

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_language", DOCS / "build_language.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "build_language.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_is_noticed(builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"language.md": b"text", "pictures/circle.png": builder.picture("circle(0.6)")}
    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    assert builder.outdated(files) == ["language.md", "pictures/circle.png"]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "language.md").write_bytes(b"text")
    (tmp_path / "pictures" / "circle.png").write_bytes(builder.picture("circle(0.5)"))
    (tmp_path / "pictures" / "gone.png").write_bytes(b"")
    assert builder.outdated(files) == ["pictures/circle.png", "pictures/gone.png"]
    (tmp_path / "pictures" / "circle.png").write_bytes(files["pictures/circle.png"])
    (tmp_path / "pictures" / "gone.png").unlink()
    assert builder.outdated(files) == []


def test_every_operation_has_an_entry_and_a_picture() -> None:
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    for operation in operations().values():
        assert f"\n### {operation.name}\n" in page
        assert operation.example in page and operation.summary in page
        assert (DOCS / "pictures" / f"{operation.identifier}.png").is_file()
    assert sum(path.stat().st_size for path in (DOCS / "pictures").iterdir()) < 1_000_000


def test_programs_of_the_page_are_right(builder: ModuleType) -> None:
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", page, re.DOTALL)
    errors = [block for block in blocks if "^" * 3 in block]
    assert len(errors) == 1 and "did you mean" in errors[0]
    for block in blocks:
        if block not in errors:
            parse(block)
    assert len(blocks) == len(operations()) + 2
