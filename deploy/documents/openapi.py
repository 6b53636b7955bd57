"""OpenAPI 3.1 of the gateway, read off its router and its handlers' docstrings (https://spec.openapis.org/oas/v3.1.0).

Paths, methods, path parameters, summaries and descriptions come from the code. What a router cannot know (who may call,
what goes in, what comes out) is in `deploy/documents/operations.py`, the schemas in `bodies.py` beside it; an operation
without an entry there is an error.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from aiohttp import web

from deploy.documents.bodies import SCHEMAS
from deploy.documents.operation import ANYBODY, Operation
from deploy.documents.operations import OPERATIONS

PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def document(app: web.Application) -> dict[str, Any]:
    """The whole document, as JSON values; raises KeyError for an operation that nobody described."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler in operations(app):
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, handler, OPERATIONS[(method, path)])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Publishing tabular data",
            "version": "1",
            "description": "Errors are application/problem+json (RFC 9457) with `errors[]`.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "userToken": {"type": "apiKey", "in": "header", "name": "Auth-Token", "description": "who you are"},
                "permissionToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Auth-Token",
                    "description": "what you may do with one service: from GET /auth/authorize?service=",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "dh_session", "description": "a browser's"},
            },
            "responses": {"problem": {"description": "what is wrong, where, and what to do", "content": PROBLEM}},
        },
    }


PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def operations(app: web.Application) -> list[tuple[str, str, Any]]:
    """Every (method, path template, handler) that the application answers, in the router's order."""
    found = []
    for route in app.router.routes():
        resource = route.resource
        if route.method in METHODS and resource is not None:
            found.append((route.method, PARAMETER.sub(r"{\1}", resource.canonical), route.handler))
    return found


def _operation(method: str, path: str, handler: Any, details: Operation) -> dict[str, Any]:
    text = inspect.getdoc(handler)
    if not text:
        raise ValueError(f"{method} {path}: the handler has no docstring")
    summary, _, description = text.partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()} {path}").strip("_"),
        "summary": summary.replace("\n", " "),
        "tags": [details.tag],
        "parameters": [_path_parameter(name) for name in PARAMETER.findall(path)]
        + [
            {"name": name, "in": place, "schema": _schema(details, name), "description": why}
            for place, named in (("query", details.query), ("header", details.headers))
            for name, why in named
        ],
        "security": [{scheme: []} if scheme else {} for scheme in details.security or ANYBODY],
        "responses": _responses(details),
    }
    if description:
        operation["description"] = description
    if details.body:
        operation["requestBody"] = {
            "required": True,
            "content": {details.body_type: {"schema": {"$ref": f"#/components/schemas/{details.body}"}}},
        }
    return operation


def _schema(details: Operation, name: str) -> dict[str, Any]:
    return {"type": "string"} | ({"pattern": details.patterns[name]} if name in details.patterns else {})


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _responses(details: Operation) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{details.answer}"} if details.answer else {}
    responses: dict[str, Any] = {}
    for status, why in details.statuses:
        good = status < 300 and details.answer_type
        content = {"content": {details.answer_type: {"schema": schema}}} if good else {}
        responses[str(status)] = {"description": why, **content}
    responses["default"] = {"$ref": "#/components/responses/problem"}
    return responses
