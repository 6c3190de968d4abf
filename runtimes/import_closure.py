"""The sources that a module's results depend on, read from its source text: our modules and their data, and packages of
others.

The closure follows every import, also those inside functions, and every string that names one of our modules, since
child processes and adapters are started by name. Imports for type checkers alone do not count, nor does the
``__init__`` of a package whose modules alone are imported. Nothing is imported to find out. Another machine that is to
run a module needs those ``__init__`` too (`code_to_send`).
"""

from __future__ import annotations

import ast
import compileall
import functools
import hashlib
import importlib.util
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from py_compile import PycInvalidationMode

_OUR_MODULE = re.compile(r"edgesr(\.\w+)*")
_PARSING = threading.Lock()
"""Python's own parser loses count of its depth when two threads are in it (SystemError)."""
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class ImportClosure:
    """``sources``: SHA-256 (hex) by module of ours and by data file; ``imports``: packages of others as imported."""

    sources: dict[str, str]
    imports: frozenset[str]

    def versions(self, undeclared: tuple[str, ...] = ()) -> dict[str, str]:
        """Versions of the distributions that are imported, of those that they require, and of the ``undeclared``."""
        owners = _distributions_by_import_name()
        pending = [*undeclared, *(owner for name in self.imports for owner in owners.get(name, [name]))]
        found: dict[str, str] = {}
        while pending:
            name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
            if name not in found:
                found[name], required = _version_and_requirements(name)
                pending += required
        return found


@dataclass(frozen=True)
class _Source:
    """``modules`` of ours are imported, ``named`` ones are named in strings."""

    content: bytes
    is_package: bool
    modules: frozenset[str]
    named: frozenset[str]
    imports: frozenset[str]
    data_of: frozenset[str]


@functools.cache
def import_closure(module: str) -> ImportClosure:
    """The closure of one of our modules, itself included; the same from a checkout and from an installed package."""
    sources: dict[str, str] = {}
    imports: set[str] = set()
    pending = [module]
    while pending:
        name = pending.pop()
        if name in sources:
            continue
        source = _source(name)
        sources[name] = hashlib.sha256(source.content).hexdigest()
        imports |= source.imports
        pending += source.modules | source.named
        for package in source.data_of:
            sources |= _data(package)
    return ImportClosure(sources, frozenset(imports))


@functools.cache
def code_to_send(module: str) -> dict[str, bytes]:
    """The files that a machine without edgesr needs to run one of our modules: content by path below a folder of
    packages.

    These are the module's closure and the ``__init__`` of each package in it, with what that imports; names in an
    ``__init__`` are offered to users and bring nothing.
    """
    files: dict[str, bytes] = {}
    found: set[str] = set()
    pending = {module}
    while pending:
        name = pending.pop()
        found.add(name)
        source = _source(name)
        place = name.replace(".", "/")
        files[f"{place}/__init__.py" if source.is_package else f"{place}.py"] = source.content
        for package in source.data_of:
            files |= {f"{package.replace('.', '/')}/{file}": entry.read_bytes() for file, entry in _files(package)}
        needed = source.modules if source.is_package else source.modules | source.named
        pending |= {one for one in (*needed, name.rpartition(".")[0]) if one} - found
    return dict(sorted(files.items()))


def write_code(module: str, folder: Path) -> None:
    """Write the `code_to_send` of a module into a folder, with bytecode that holds whatever the files' times."""
    for name, content in code_to_send(module).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


@functools.cache
def _source(module: str) -> _Source:
    origin = _origin(module)
    assert origin is not None, module
    content = origin.read_bytes()
    is_package = origin.name == "__init__.py"
    finder = _Finder(module if is_package else module.rpartition(".")[0])
    with _PARSING:
        tree = ast.parse(content)
    finder.visit(tree)
    return _Source(
        content=content,
        is_package=is_package,
        modules=frozenset(finder.modules),
        named=frozenset(finder.named),
        imports=frozenset(finder.imports - sys.stdlib_module_names),
        data_of=frozenset(finder.data_of),
    )


class _Finder(ast.NodeVisitor):
    """Collects what a module in ``package`` imports or starts by name, and whose data it reads."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.modules: set[str] = set()
        self.named: set[str] = set()
        self.imports: set[str] = set()
        self.data_of: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
            return
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, self._package)
        for alias in node.names:
            name = f"{base}.{alias.name}"
            self._add(name if _is_ours(name) and _origin(name) is not None else base)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and "." in node.value and _is_ours(node.value) and _origin(node.value):
            self.named.add(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "files":
            self.data_of |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
        self.generic_visit(node)

    def _add(self, name: str) -> None:
        if _is_ours(name):
            self.modules.add(name)
        else:
            self.imports.add(name.partition(".")[0])


def _is_ours(name: str) -> bool:
    return _OUR_MODULE.fullmatch(name) is not None


@functools.cache
def _origin(module: str) -> Path | None:
    """The source file of a module, found without importing its package; None where there is no such module."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    if not rest:
        return Path(spec.origin)
    place = Path(spec.origin).parent.joinpath(*rest)
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@functools.cache
def _data(package: str) -> dict[str, str]:
    """SHA-256 by name of all files of a package that are not Python; folders that are packages are left out."""
    return {f"{package}:{name}": hashlib.sha256(file.read_bytes()).hexdigest() for name, file in _files(package)}


def _files(package: str) -> Iterator[tuple[str, Traversable]]:
    pending = [("", resources.files(package))]
    while pending:
        prefix, folder = pending.pop()
        for entry in sorted(folder.iterdir(), key=lambda one: one.name):
            name = f"{prefix}{entry.name}"
            if entry.is_dir() and entry.name != "__pycache__" and not entry.joinpath("__init__.py").is_file():
                pending.append((f"{name}/", entry))
            elif entry.is_file() and not entry.name.endswith((".py", ".pyc")):
                yield name, entry


@functools.cache
def _distributions_by_import_name() -> dict[str, list[str]]:
    return {name: list(owners) for name, owners in metadata.packages_distributions().items()}


@functools.cache
def _version_and_requirements(distribution: str) -> tuple[str, list[str]]:
    """An installed version and what it requires without its extras; "absent" requires nothing."""
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return "absent", []
    required = [text for text in found.requires or [] if "extra ==" not in text]
    return found.version, [match[0] for text in required if (match := _REQUIREMENT.match(text))]
