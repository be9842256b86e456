"""How the OpenAPI document is drawn from the viewsets of `core.api`."""

from __future__ import annotations

from typing import Any, Literal

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_mock_request

from servicedesk.core.actors import ANONYMOUS
from servicedesk.core.api import Problem, StrictSerializer

READ_ERRORS = (401, 403, 404)
WRITE_ERRORS = (400, 401, 403, 404, 409, 412, 422)


class EnglishGenerator(SchemaGenerator):
    """The document is in English, whoever asks: it does not depend on the catalogue."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


class DeskSchema(AutoSchema):
    """Every operation answers with its record, or with a problem document (RFC 9457)."""

    def get_serializer_name(
        self, serializer: Any, direction: Literal["request", "response"]
    ) -> str:
        """The input of a verb carries its noun: visits and tickets both know “assign”."""
        name: str = super().get_serializer_name(serializer, direction)
        if not isinstance(serializer, StrictSerializer):
            return name
        *_above, app, module = type(serializer).__module__.split(".")
        noun = (app if module == "api" else module).removesuffix("s").capitalize()
        return name if name.startswith(noun) else f"{noun}{name}"

    def get_response_serializers(self) -> Any:
        found: Any = super().get_response_serializers()
        view: Any = self.view
        success = getattr(getattr(view, view.action or "", None), "success", None)
        if success is not None:
            found = {success: view.get_serializer_class()}
        elif not isinstance(found, dict):
            found = {200: found}
        errors = WRITE_ERRORS if self.method == "POST" else READ_ERRORS
        return found | dict.fromkeys(errors, Problem)


def mock_request(method: str, path: str, view: Any, original: Any, **kwargs: Any) -> Any:
    """The viewsets are asked for their querysets as nobody: only their models count."""
    request = build_mock_request(  # type: ignore[no-untyped-call]
        method, path, view, original, **kwargs
    )
    request.actor = ANONYMOUS
    return request
