"""How large the parts of the code may become: small enough to be read at one go, and found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for part in ("agent", "switchback", "operations") for path in (ROOT / part).rglob("*.py"))
LINES, IN_PACKAGE = 300, 12


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_has_more_lines_than_a_reader_takes_in(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LINES


@pytest.mark.parametrize("package", sorted({path.parent for path in MODULES}), ids=lambda path: str(path.name))
def test_no_package_has_more_modules_than_a_reader_remembers(package: Path) -> None:
    assert len([path for path in package.glob("*.py") if path.name != "__init__.py"]) <= IN_PACKAGE
