"""Whether a program of the project's sets DJANGO_SETTINGS_MODULE whatever it was: then the settings that are made for a
version would not be used. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.migrations.sources import UNPARSABLE

VARIABLE = "DJANGO_SETTINGS_MODULE"


def forced(path: str, text: str) -> Iterator[str]:
    """What is to be said of it.

    + path: the program's file; text: its source
    """
    for line, module in _assignments(text):
        yield (
            f"{path} sets {VARIABLE} whatever it was (line {line}), so that the settings made for the host would not "
            f'be used: write os.environ.setdefault("{VARIABLE}", "{module}") there'
        )


def _assignments(text: str) -> Iterator[tuple[int, str]]:
    """Where it is set to a name in words, with that name, and under no condition."""
    try:
        tree = ast.parse(text)
    except UNPARSABLE:
        # Of another Python than this one, which its own will read.
        return
    for statement in _unconditional(tree.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            for target in statement.targets:
                if _is_variable(target) and isinstance(statement.value.value, str):
                    yield statement.lineno, statement.value.value


def _unconditional(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a program that are always run: at its top, in its functions, where it is the one started."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef) or (isinstance(statement, ast.If) and _is_main(statement.test)):
            yield from _unconditional(statement.body)


def _is_main(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _is_variable(target: ast.expr) -> bool:
    """Whether an assignment is to `os.environ["DJANGO_SETTINGS_MODULE"]`."""
    if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Constant):
        return False
    environ = target.value
    named = environ.attr if isinstance(environ, ast.Attribute) else environ.id if isinstance(environ, ast.Name) else ""
    return named == "environ" and target.slice.value == VARIABLE
