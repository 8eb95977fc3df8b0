"""`description`: the interface of the server as an OpenAPI document."""

from __future__ import annotations

from typing import Any

from mnist_runtime import __version__
from mnist_runtime.artifact.task import Task

__all__ = ["description"]

Schema = dict[str, Any]

ERRORS = {
    400: "The picture or a parameter is wrong.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site.",
    408: "The request was too slow.",
    413: "The request is too large.",
    415: "A package that reads this kind of picture is not installed.",
    503: "The server has too much to do.",
}
"""HTTP status -> its cause. The body has the message that the command line prints."""


def description(task: Task, *, with_labelling: bool) -> Schema:
    """Return the OpenAPI document of a server for `task`."""
    answer = _answer(task)
    flag = {"type": "boolean", "default": False}
    paths: Schema = {
        "/classify": {
            "post": _operation(
                "Answer a picture with its label",
                answer,
                {
                    "top_k": {"type": "integer", "minimum": 1, "maximum": len(task.labels), "default": 1},
                    "prepared": flag,
                },
                body=_picture(),
            )
        },
        "/read": {"post": _operation("Find the digits of a picture", _readings(task), {"all": flag}, body=_picture())},
        "/health": {
            "get": _operation(
                "Tell that the server works",
                _object(status={"const": "ok"}, version=_text(), model=_text(), answered=_integer()),
            )
        },
        "/manifest": {
            "get": _operation("Tell the facts about the model", {"type": "object"}),
        },
    }
    if with_labelling:
        paths |= _labelling(task, answer)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mnist-runtime serve", "version": __version__},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def _operation(summary: str, answer: Schema, query: Schema | None = None, *, body: Schema | None = None) -> Schema:
    error = _json(_object(error=_text()))
    found: Schema = {
        "summary": summary,
        "responses": {
            "200": {"description": "The answer", **_json(answer)},
            **{str(status): {"description": text, **error} for status, text in ERRORS.items()},
        },
    }
    if query:
        found["parameters"] = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    if body:
        found["requestBody"] = body
    return found


def _picture() -> Schema:
    file = {"type": "string", "format": "binary"}
    return {
        "description": "A picture file: PNG, JPEG or another that Pillow reads, or an array (.npy)",
        "required": True,
        "content": {
            "application/octet-stream": {"schema": file},
            "image/*": {"schema": file},
            "multipart/form-data": {"schema": _object(picture=file)},
        },
    }


def _label(task: Task, *, or_none: bool = False) -> Schema:
    if len(task.labels) > 100:
        return {"type": ["string", "null"]} if or_none else _text()
    return {"enum": [*task.labels, *([None] if or_none else [])]}


def _answer(task: Task) -> Schema:
    digit = {"type": ["integer", "null"]}
    score = {"type": "number", "minimum": 0, "maximum": 1}
    prepared = _object(height=_integer(), width=_integer(), channels=_integer(), base64=_text())
    found = _object(
        digit=digit,
        label=_label(task, or_none=True),
        confidence=score,
        top={"type": "array", "items": _object(digit=digit, label=_label(task), score=score)},
        reason={"enum": ["blank", "scribble", "several", "size", "unsure", None]},
        marks=_integer(),
    )
    found["properties"]["prepared"] = {**prepared, "type": ["object", "null"]}
    return found


def _readings(task: Task) -> Schema:
    box = {"type": "array", "items": _integer(), "minItems": 4, "maxItems": 4}
    fields = _answer(task)["properties"]
    del fields["marks"], fields["prepared"]
    reading = _object(**fields, box=box, row=_integer())
    return _object(readings={"type": "array", "items": reading}, height=_integer(), width=_integer())


def _labelling(task: Task, answer: Schema) -> Schema:
    name = {"type": ["string", "null"]}
    label = {"type": ["string", "null"]}
    following = _object(left=_integer(), labels={"type": "array", "items": _text()}, name=name)
    following["properties"] |= {**answer["properties"], "problem": _text()}
    del following["properties"]["prepared"]
    picture = _operation("The picture as PNG", {}, {"name": _text()})
    picture["responses"]["200"]["content"] = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    wanted = {"required": True, **_json(_object(name=_text(), label=_label(task, or_none=True)))}
    moved = _object(name=_text(), label=label, file=_text())
    return {
        "/label/next": {"get": _operation("The next picture without a label", following, {"after": _text()})},
        "/label/picture": {"get": picture},
        "/label/move": {"post": _operation("Move a picture into the folder of its label", moved, body=wanted)},
        "/label/undo": {"post": _operation("Take back the last move", _object(name=name))},
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _text() -> Schema:
    return {"type": "string"}


def _integer() -> Schema:
    return {"type": "integer"}
