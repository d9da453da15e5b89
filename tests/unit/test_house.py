"""What the code may become: parts small enough to be read at one go and found by their names, and typed values."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from agent.steps.kind import Phase
from agent.steps.order import HOOKS, names
from tests.faults.cases import CASES

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for part in ("agent", "switchback", "operations") for path in (ROOT / part).rglob("*.py"))
LINES, IN_PACKAGE = 300, 12
# Where JSON is read or written, and where pyinfra's own arguments pass through.
ANY = 8


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_has_more_lines_than_a_reader_takes_in(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LINES


@pytest.mark.parametrize("package", sorted({path.parent for path in MODULES}), ids=lambda path: str(path.name))
def test_no_package_has_more_modules_than_a_reader_remembers(package: Path) -> None:
    assert len([path for path in package.glob("*.py") if path.name != "__init__.py"]) <= IN_PACKAGE


def test_a_value_without_a_type_is_one_that_json_is_read_from_or_passes_through() -> None:
    trees = [ast.parse(module.read_text()) for module in MODULES]
    assert sum(isinstance(node, ast.Name) and node.id == "Any" for tree in trees for node in ast.walk(tree)) <= ANY


def test_the_matrix_of_faults_has_every_step_that_may_touch_the_live_site() -> None:
    rows = {case.row.name for case in CASES if case.run == "deploy"}
    assert {name for name in names(Phase.SWITCH) if name not in HOOKS} <= rows
