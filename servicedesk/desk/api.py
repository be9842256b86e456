"""/api/v1/documents and /rule-results: forms and the handbook's answers, to read.

Signing has no endpoint: nobody but the customer signs for the customer (GEN-2).
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from servicedesk.core.api import DeskViewSet, problem
from servicedesk.core.archive import visible_documents
from servicedesk.core.document_views import sealed_file
from servicedesk.core.documents import Status
from servicedesk.core.models import Document, RuleResult, Signature
from servicedesk.desk.queries import results_visible_to


class SignatureSerializer(serializers.ModelSerializer[Signature]):
    class Meta:
        model = Signature
        fields = ["block", "signer_name", "method", "signed_at", "shown_sha256"]


class DocumentSerializer(serializers.ModelSerializer[Document]):
    signatures = SignatureSerializer(many=True, read_only=True)

    class Meta:
        model = Document
        fields = [
            "uid", "kind", "number", "version", "title", "status", "frozen_at", "data",
            "data_sha256", "signatures", "sealed_at", "file_sha256", "file_size",
        ]  # fmt: skip


class DocumentViewSet(DeskViewSet):
    """Forms of the records that the client may see."""

    serializer_class = DocumentSerializer

    def get_queryset(self) -> QuerySet[Document]:
        found = visible_documents(self.request.actor)  # type: ignore[attr-defined]
        return found.prefetch_related("signatures")

    def answer(self, obj: Any, status_code: int = 200) -> Response:
        # `version` is the form's own; a document never changes, so it has no ETag.
        return Response(self.get_serializer(obj).data, status=status_code)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def pdf(self, request: Request, **kwargs: Any) -> Response | FileResponse:
        """The sealed PDF; 409 while it is not sealed."""
        document = self.get_object()
        if document.status != Status.SEALED:
            return problem("not-sealed", 409, _("This form is not sealed yet."))
        return sealed_file(document)


class RuleResultSerializer(serializers.ModelSerializer[RuleResult]):
    class Meta:
        model = RuleResult
        fields = ["rule", "answer", "note", "evidence", "subject_kind", "counts_at", "computed_at"]


class RuleResultViewSet(DeskViewSet):
    """The handbook's answers about closed records; one's own, or all for leaders."""

    serializer_class = RuleResultSerializer
    http_method_names = ["get", "head", "options"]

    def get_queryset(self) -> QuerySet[RuleResult]:
        return results_visible_to(self.request.actor)  # type: ignore[attr-defined]

    @extend_schema(exclude=True)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return problem("not-found", 404, _("There is no such record."))


def register(router: BaseRouter) -> None:
    router.register("documents", DocumentViewSet, "document")
    router.register("rule-results", RuleResultViewSet, "rule-result")
