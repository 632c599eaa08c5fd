"""What the book teaches stays short: lines of code, without docstrings, comments, blank lines."""

import ast
import io
import tokenize

import pytest

from mnistconv import data, networks, training

NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip


def source_of(module) -> str:
    with open(module.__file__, encoding="utf-8") as file:
        return file.read()


def docstring_lines(tree: ast.AST) -> set[int]:
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", 0), str):
                lines |= set(range(first.lineno, first.end_lineno + 1))
    return lines


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(ast.parse(source))


def functions(source: str) -> dict[str, int]:
    """Every function and method: name -> lines of code, from its `def` to its end."""
    lines = code_lines(source)
    return {
        node.name: len(lines & set(range(node.lineno, node.end_lineno + 1)))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


EXAMPLE = '''"""Module."""

# comment
def f(x):
    """Docstring,
    two lines."""

    y = (  # comment
        x
    )
    return """a
    string"""
'''


def test_the_counting():
    assert code_lines(EXAMPLE) == {4, 8, 9, 10, 11, 12}
    assert functions(EXAMPLE) == {"f": 6}


@pytest.mark.parametrize("module", [data, networks, training])
def test_a_function_has_at_most_40_lines(module):
    lengths = functions(source_of(module))
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 40} == {}
