"""The API reads generically; every write is an action.

Errors are RFC 9457 problem documents; `type` is stable, `detail` is in the reader's language.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status, viewsets
from rest_framework.decorators import action as drf_action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from servicedesk.core.actions import expecting
from servicedesk.core.errors import Refused, Stale, WrongState
from servicedesk.core.fields import in_this_century, one_line
from servicedesk.core.http import actor_of
from servicedesk.core.journal import canonical
from servicedesk.core.models import IdempotencyKey
from servicedesk.core.parsers import TooLarge

PROBLEM = "application/problem+json"
# Clocks of other systems may be a little ahead of ours.
TOLERANCE = timedelta(minutes=2)
LONGEST_KEY = 255
# A text of up to so many characters is a name, a title, a number: it has no line breaks.
LONGEST_LINE = 120
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")
# A version as `answer` writes it; the column holds ten digits.
_VERSION = re.compile(r'(?<!W/)"v([0-9]{1,10})"')


class Problem(serializers.Serializer[Any]):
    """RFC 9457, as every error answers."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(), required=False)  # type: ignore[assignment]


def problem(
    code: str, status_code: int, detail: str, errors: list[dict[str, str]] | None = None
) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:servicedesk:problem:{code}",
        "title": code.replace("-", " "),
        "status": status_code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status_code, content_type=PROBLEM)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exc, Stale):
        return problem("stale", 412, str(exc.message))
    if isinstance(exc, Refused):
        code = "wrong-state" if isinstance(exc, WrongState) else "refused"
        errors = [{"pointer": f"/{exc.field}", "detail": str(exc.message)}] if exc.field else None
        return problem(code, 409, str(exc.message), errors)
    if isinstance(exc, PermissionDenied):
        return problem("forbidden", 403, _("You may not do this."))
    if isinstance(exc, Http404):
        return problem("not-found", 404, _("There is no such record."))
    if isinstance(exc, RequestDataTooBig):
        # Where something before had to read the body: a log-in by cookie asks for its token.
        exc = TooLarge()
    if isinstance(exc, exceptions.ValidationError):
        return problem("invalid", 400, _("Some fields are not right."), list(_pointers(exc.detail)))
    response = drf_handler(exc, context)
    if response is not None and isinstance(exc, exceptions.APIException):
        code = str(exc.default_code).replace("_", "-")
        answer = problem(code, response.status_code, str(exc.detail))
        for header in ("WWW-Authenticate", "Retry-After"):
            if header in response:
                answer[header] = response[header]
        return answer
    return response


def _pointers(detail: Any, path: str = "") -> Any:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _pointers(value, f"{path}/{key}")
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from _pointers(value, f"{path}/{index}" if nested else path)
    else:
        yield {"pointer": path or "/", "detail": str(detail)}


class StrictSerializer(serializers.Serializer[Any]):
    """Input of an action. A field that it does not know is an error, never dropped.

    Days and moments lie in this century, and what is a single line stays one.
    """

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.DateField | serializers.DateTimeField):
                field.validators = [*field.validators, in_this_century]
            elif isinstance(field, serializers.CharField) and (
                field.max_length is not None and field.max_length <= LONGEST_LINE
            ):
                field.validators = [*field.validators, one_line]
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise exceptions.ValidationError({name: [_("Unknown field.")] for name in unknown})
        return super().to_internal_value(data)


def has_happened(moment: datetime) -> None:
    """Validator of what is reported: not in the future, and no older than a report may be."""
    now = timezone.now()
    if moment > now + TOLERANCE:
        raise serializers.ValidationError(_("That is in the future."))
    if moment < now - timedelta(days=settings.REPORT_WITHIN_DAYS):
        raise serializers.ValidationError(
            _("That is more than %(days)d days ago; it can no longer be reported.")
            % {"days": settings.REPORT_WITHIN_DAYS}
        )


class ActionInput(StrictSerializer):
    """`at`: when it happened (RFC 3339), not in the future; now, if it is left out."""

    at = serializers.DateTimeField(default=timezone.now, validators=[has_happened])


class DeskViewSet(viewsets.ReadOnlyModelViewSet[Any]):
    """Read by `uid` or number; write by verbs (`@verb`)."""

    lookup_field = "uid"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Only now has DRF authenticated the token, so the middleware could not know.
        request.actor = request._request.actor = actor_of(request.user)  # type: ignore[attr-defined]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        response.setdefault("Cache-Control", "no-store")
        return response

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.get_object())

    def input(self, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The checked body of the request."""
        serializer = serializer_class(data=self.request.data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        return data

    def answer(self, obj: Any, status_code: int = 200) -> Response:
        """The record as it is now, with its version as ETag."""
        response = Response(self.get_serializer(obj).data, status=status_code)
        if hasattr(obj, "version"):
            response["ETag"] = f'"v{obj.version}"'
        return response

    def expected_versions(self) -> frozenset[int] | None:
        """What `If-Match` names (RFC 9110 §13.1.1); None: any version will do.

        The comparison is a strong one: a weak tag is no version, so it never fits.
        """
        header = self.request.headers.get("If-Match", "").strip()
        if header in {"", "*"}:
            return None
        if not _TAGS.fullmatch(header):
            raise exceptions.ParseError(_('If-Match takes the ETag of an answer, such as "v3".'))
        return frozenset(map(int, _VERSION.findall(header)))


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """Do a POST with an `Idempotency-Key` once; a repeat gets the first answer.

    Key and effect share a transaction: a second request waits for the first one's row. The
    same key with another body is refused (422). What is kept is gone after a day
    (`forget_answers`); an answer that tells a secret is not for this.
    """

    def run(self: DeskViewSet, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "").strip('" ')[:LONGEST_KEY]
        if not key:
            return view(self, request, *args, **kwargs)
        # Reading the data parses the body; the digest must not depend on its spelling.
        digest = hashlib.sha256(canonical([request.path, _plain(request.data)])).hexdigest()
        actor = request.actor  # type: ignore[attr-defined]
        with transaction.atomic():
            row, created = IdempotencyKey.objects.get_or_create(
                client_id=actor.id, key=key, defaults={"request_sha256": digest}
            )
            if created:
                response = view(self, request, *args, **kwargs)
                row.status_code, row.body = response.status_code, response.data
                # Its type is set when it is rendered, each time anew.
                row.headers = {k: v for k, v in response.items() if k != "Content-Type"}
                row.save(update_fields=["status_code", "body", "headers"])
                return response
        if row.request_sha256 != digest:
            return problem("key-reused", 422, _("This Idempotency-Key was used for another body."))
        return Response(row.body, row.status_code or status.HTTP_200_OK, headers=row.headers)

    run.__name__, run.__doc__ = view.__name__, view.__doc__
    return run


def _plain(data: Any) -> Any:
    """A body as JSON; a file counts by its name and content."""
    if isinstance(data, QueryDict):
        return {
            key: [
                [value.name, _content_hash(value)] if isinstance(value, UploadedFile) else value
                for value in values
            ]
            for key, values in data.lists()
        }
    return data


def _content_hash(file: UploadedFile[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


Verb = Callable[[Any, Any, dict[str, Any]], Any]


def verb(
    input_class: type[serializers.Serializer[Any]] = ActionInput,
    *,
    detail: bool = True,
    creates: bool = True,
) -> Callable[[Verb], Any]:
    """Make `method(self, obj, data)` a POST endpoint of the record, named like the method.

    The method calls the action and returns the record. With `detail=False` it creates: `obj`
    is None and the answer is 201; with `creates=False` too, it is the caller's own and 200.
    """
    success = 201 if creates and not detail else 200

    def make(method: Verb) -> Any:
        @once
        def view(self: DeskViewSet, request: Request, **kwargs: Any) -> Response:
            obj = self.get_object() if detail else None
            data = self.input(input_class)
            with expecting(obj, self.expected_versions() if detail else None):
                result = method(self, obj, data)
            return self.answer(result, success)

        view.__name__, view.__doc__ = method.__name__, method.__doc__
        view.success = success  # type: ignore[attr-defined]
        made = drf_action(
            detail=detail, methods=["post"], url_path=method.__name__.replace("_", "-")
        )(view)
        # Outermost: making it an action throws away what was noted on it before.
        return extend_schema(request=input_class)(made)

    return make


class RecordField(serializers.SlugRelatedField[Any]):
    """A record named by its public id; only what the actor may see exists."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "does_not_exist": gettext_lazy("There is no such record."),
        "invalid": gettext_lazy("There is no such record."),
    }

    def get_queryset(self) -> Any:
        queryset: Any = super().get_queryset()
        actor = self.context["request"].actor
        return queryset.visible_to(actor)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except (ValueError, DjangoValidationError):
            self.fail("invalid")
