"""Layer 1: what the installed stripe library's own types say of a request and of a reply, as JSON Schema.

The types are read from the library's source, because most of their names exist for type checkers only. Enums
are written open there (`Literal["a"] | str`); here they are closed, so that a value nobody knows is an error.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stripe._object_classes import OBJECT_CLASSES

Schema = dict[str, Any]
SIMPLE: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "Decimal": {"type": "string"},
    "Any": {},
    "object": {},
    "None": {"type": "null"},
}
RESOURCES = frozenset(
    {
        "account",
        "balance",
        "balance_transaction",
        "charge",
        "checkout.session",
        "customer",
        "dispute",
        "event",
        "file",
        "item",
        "payment_intent",
        "payment_method",
        "payout",
        "price",
        "product",
        "radar.early_fraud_warning",
        "refund",
        "reporting.report_run",
        "reporting.report_type",
        "setup_intent",
        "webhook_endpoint",
    }
)
"""The objects that are looked into, by their `object` name; any other one inside them may be what it likes."""
_RESOURCES = frozenset(OBJECT_CLASSES[kind][0] for kind in RESOURCES)


@dataclass(frozen=True)
class Module:
    """A source file of the library: its classes, nested ones by dotted name, and where other names come from."""

    name: str
    classes: dict[str, ast.ClassDef]
    imports: dict[str, tuple[str, str]]
    tree: ast.Module


@cache
def module(name: str) -> Module:
    """Read one source file of the library."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    imports = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    return Module(name, dict(_classes(tree, "")), imports, tree)


def _classes(place: ast.AST, above: str) -> list[tuple[str, ast.ClassDef]]:
    found = []
    for node in ast.iter_child_nodes(place):
        if isinstance(node, ast.ClassDef):
            name = f"{above}{node.name}"
            found += [(name, node), *_classes(node, f"{name}.")]
    return found


# --- types to schemas


@dataclass
class Drawing:
    """A schema being drawn, with a definition for every class it meets."""

    is_reply: bool
    definitions: dict[str, Schema] = field(default_factory=dict)

    def of_class(self, home: Module, name: str) -> Schema:
        """Return a reference to a class, drawn the first time it is met."""
        key = f"{home.name}:{name}"
        if key not in self.definitions:
            self.definitions[key] = {}
            self.definitions[key] = self._draw(home, name)
        return {"$ref": f"#/$defs/{key}"}

    def _draw(self, home: Module, name: str) -> Schema:
        properties, required = {}, []
        for node in home.classes[name].body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                annotation = _unquoted(node.annotation)
                if _head(annotation) == "ClassVar":
                    continue
                optional = _head(annotation) in {"Optional", "NotRequired"}
                properties[_field(node.target.id)] = self.of_type(annotation, home, name)
                required += [] if optional else [_field(node.target.id)]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def of_type(self, node: ast.expr, home: Module, scope: str) -> Schema:
        """Return the schema of an annotation, written in a class of a module."""
        node = _unquoted(node)
        if isinstance(node, ast.BinOp):
            return self._union(_alternatives(node), home, scope)
        if isinstance(node, ast.Subscript):
            return self._generic(node, home, scope)
        if isinstance(node, ast.Constant) and node.value is None:
            return SIMPLE["None"]
        assert isinstance(node, ast.Name), ast.dump(node)
        return SIMPLE[node.id] if node.id in SIMPLE else self._named(node.id, home, scope)

    def _generic(self, node: ast.Subscript, home: Module, scope: str) -> Schema:
        inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        head = _head(node)
        if head == "Literal":
            return {"enum": [one.value for one in inner if isinstance(one, ast.Constant)]}
        if head == "Union":
            return self._union(inner, home, scope)
        return self._wrapped(head, self.of_type(inner[-1], home, scope))

    def _wrapped(self, head: str, inner: Schema) -> Schema:
        wraps: dict[str, Schema] = {
            "Optional": {"anyOf": [inner, {"type": "null"}]} if self.is_reply else inner,
            "NotRequired": inner,
            "List": {"type": "array", "items": inner},
            "Dict": {"type": "object", "additionalProperties": inner},
            "UntypedStripeObject": {"type": "object", "additionalProperties": inner},
            "ExpandableField": {"anyOf": [{"type": "string"}, inner]},
            "ListObject": list_of(inner),
        }
        return wraps[head]

    def _union(self, parts: list[ast.expr], home: Module, scope: str) -> Schema:
        parts = [_unquoted(part) for part in parts]
        closed = any(_head(part) == "Literal" and _words(part) for part in parts)
        kept = [part for part in parts if not (closed and isinstance(part, ast.Name) and part.id == "str")]
        return {"anyOf": [self.of_type(part, home, scope) for part in kept]}

    def _named(self, name: str, home: Module, scope: str) -> Schema:
        while True:
            inside = f"{scope}.{name}" if scope else name
            if inside in home.classes:
                return self.of_class(home, inside)
            if not scope:
                break
            scope = scope.rpartition(".")[0]
        source, original = home.imports[name]
        if self.is_reply and source not in _RESOURCES:
            return {"type": "object"}
        return self.of_class(module(source), original)


def list_of(items: Schema) -> Schema:
    """Return the schema of Stripe's list object."""
    properties = {
        "object": {"const": "list"},
        "data": {"type": "array", "items": items},
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    }
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _head(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Subscript) else node
    return value.id if isinstance(value, ast.Name) else ""


def _words(node: ast.expr) -> list[Any]:
    """Return the values of a Literal that say something; the empty one only unsets."""
    assert isinstance(node, ast.Subscript)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [one.value for one in inner if isinstance(one, ast.Constant) and one.value != ""]


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _field(name: str) -> str:
    """Return a field's name on the wire: the library writes `from_` for a word that Python keeps to itself."""
    return name.rstrip("_")


# --- the two questions


@cache
def reply_schema(kind: str) -> Schema:
    """Return the schema of an object by its `object` name.

    Raises:
        KeyError: the library does not know it.
    """
    home, name = OBJECT_CLASSES[kind]
    drawing = Drawing(is_reply=True)
    return {**drawing.of_class(module(home), name), "$defs": drawing.definitions}


def request_schema(method: str, path: str) -> Schema | None:
    """Return the schema of a call's parameters, or None where the library makes no such call."""
    for number, (pattern, _home, _annotation) in enumerate(_calls().get(method, [])):
        if pattern.fullmatch(path):
            return _request_schema(method, number)
    return None


@cache
def _request_schema(method: str, number: int) -> Schema:
    _pattern, home, annotation = _calls()[method][number]
    if annotation is None:
        return {"type": "object", "additionalProperties": False}
    drawing = Drawing(is_reply=False)
    return {**drawing.of_type(annotation, home, ""), "$defs": drawing.definitions}


@cache
def _calls() -> dict[str, list[tuple[re.Pattern[str], Module, ast.expr | None]]]:
    """Return every call the library makes, by method: the pattern of its path and the type of its parameters."""
    spec = find_spec("stripe")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    found: dict[str, list[tuple[re.Pattern[str], Module, ast.expr | None]]] = {}
    for file in sorted(root.rglob("_*_service.py")):
        name = ".".join(("stripe", *file.relative_to(root).with_suffix("").parts))
        if "/v1/" not in file.read_text(encoding="utf-8") or not _may_be_asked(name):
            continue
        for node in ast.walk(module(name).tree):
            if isinstance(node, ast.FunctionDef) and (call := _call(node)):
                found.setdefault(call[0], []).append((_pattern(call[1]), module(name), _parameters(node)))
    return found


def _may_be_asked(name: str) -> bool:
    rooms = ("stripe._", "stripe.checkout.", "stripe.reporting.")
    return name.startswith(rooms)


def _call(function: ast.FunctionDef) -> tuple[str, str] | None:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request":
            method, path = node.args[0], node.args[1]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
                path = path.func.value
            if isinstance(method, ast.Constant) and isinstance(path, ast.Constant):
                return str(method.value).upper(), str(path.value)
    return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


def _parameters(function: ast.FunctionDef) -> ast.expr | None:
    for argument in function.args.args:
        if argument.arg == "params" and argument.annotation:
            annotation = _unquoted(argument.annotation)
            is_optional = isinstance(annotation, ast.Subscript) and _head(annotation) == "Optional"
            return _unquoted(annotation.slice) if is_optional else annotation  # type: ignore[attr-defined]
    return None
