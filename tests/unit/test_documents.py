"""What the documents repeat, they repeat as it is."""

from __future__ import annotations

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from app import access, errors
from app.domain import PersonRole, Right

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "resources" / "documents"
SCRIPT = runpy.run_path(str(ROOT / "build" / "documents.py"))


def every_error() -> list[type[errors.AppError]]:
    found = [errors.AppError]
    for error in found:
        found += error.__subclasses__()
    return [error for error in found if error.__module__ == "app.errors"]


def syntax() -> list[ast.AST]:
    """Every node of app/, outside of errors.py."""
    paths = [path for path in (ROOT / "app").rglob("*.py") if path.name != "errors.py"]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return [node for tree in trees for node in ast.walk(tree)]


@pytest.fixture(scope="module")
def mentioned() -> set[str]:
    """Every name and every text in app/, outside of errors.py."""
    found = set()
    for node in syntax():
        if isinstance(node, ast.Name | ast.Attribute):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


@pytest.fixture(scope="module")
def raised_without_hint() -> set[str]:
    """The names of the errors that app/ raises without a hint of their own."""
    raised = [node.exc for node in syntax() if isinstance(node, ast.Raise)]
    calls = [call for call in raised if isinstance(call, ast.Call)]
    names = [call.func for call in calls if "hint" not in {word.arg for word in call.keywords}]
    names += [name for name in raised if isinstance(name, ast.Name | ast.Attribute)]
    return {ast.unparse(name).rpartition(".")[2] for name in names}


def test_errors_document_is_the_code() -> None:
    written = (DOCUMENTS / "errors.md").read_text(encoding="utf-8")
    assert written == SCRIPT["errors_document"](), "run build/documents.py"


def test_the_tables_of_rights_in_the_manual_are_the_code() -> None:
    written = (DOCUMENTS / "manual.md").read_text(encoding="utf-8")
    assert written == SCRIPT["with_rights"](written), "run build/documents.py"
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ ((?:\| (?:yes|-) ){5})\|$", written, re.MULTILINE)
    titles = written.partition("\n| right | what it allows | ")[2].partition(" |\n")[0].split(" | ")
    assert [PersonRole(title) for title in titles] == list(access.ROLES)
    assert {
        role: {
            Right(right) for right, cells in rows if cells.split("|")[place + 1].strip() == "yes"
        }
        for place, role in enumerate(access.ROLES)
    } == access.ROLES


def test_error_codes_are_stable_words_and_unique() -> None:
    codes = [error.code for error in every_error()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_every_error_helps_and_is_used(
    error: type[errors.AppError], mentioned: set[str], raised_without_hint: set[str]
) -> None:
    assert error.__doc__
    assert 1 <= error.status < 64
    groups_others = bool(error.__subclasses__())
    assert error.hint or groups_others
    if not groups_others:
        assert {error.__name__, error.code} & mentioned
    if not error.hint:
        assert error.__name__ not in raised_without_hint


def test_dependencies_document_names_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    sections = {
        "To run": project["project"]["dependencies"],
        "To develop": extras["dev"],
        "To package": [*project["build-system"]["requires"], *extras["package"]],
    }
    text = (DOCUMENTS / "dependencies.md").read_text(encoding="utf-8")
    for title, requirements in sections.items():
        section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
        named = re.findall(r"^\| ([\w-]+) \| [^|]+ \| [^|]{10,} \|$", section, re.MULTILINE)
        wanted = [re.match(r"[\w-]+", requirement).group() for requirement in requirements]
        assert named == sorted(wanted), title


def test_locks_hold_every_direct_dependency_with_hashes_and_no_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    dev = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    extras = project["optional-dependencies"]
    everything = [*project["dependencies"], *extras["dev"], *extras["package"]]
    for text, wanted in ((run, project["dependencies"]), (dev, everything)):
        locked = re.findall(r"^([\w-]+)==", text, re.MULTILINE)
        assert {re.match(r"[\w-]+", name).group() for name in wanted} <= set(locked)
        entries = re.split(r"\n(?=\w)", text)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)
        assert not re.search(r"://|--(?:extra-)?index|--find-links|\btorch\b", text)
    versions = set(re.findall(r"^[\w-]+==\S+", run, re.MULTILINE))
    assert versions <= set(re.findall(r"^[\w-]+==\S+", dev, re.MULTILINE))


def test_every_document_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\(resources/documents/([\w-]+\.md)\)", readme))
    assert named == {path.name for path in DOCUMENTS.glob("*.md")}


def test_every_document_that_is_named_exists() -> None:
    """In the code, in messages and in the other documents."""
    places = [*(ROOT / "app").rglob("*.py"), *DOCUMENTS.glob("*.md"), ROOT / "README.md"]
    for place in places:
        for name in re.findall(
            r"resources/documents/([\w.-]+\.(?:md|json))", place.read_text(encoding="utf-8")
        ):
            assert (DOCUMENTS / name).is_file(), (place.name, name)
