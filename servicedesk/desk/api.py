"""/api/v1/documents and /rule-results, to read: forms and the handbook's answers; and
/monthly-reports: to read, and to have them made.

Signing has no endpoint: nobody but the customer signs for the customer (GEN-2).
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from customers.models import Customer
from servicedesk.core.api import DeskViewSet, RecordField, StrictSerializer, problem, verb
from servicedesk.core.archive import visible_documents
from servicedesk.core.document_views import sealed_file
from servicedesk.core.documents import Status
from servicedesk.core.models import Document, RuleResult, Signature
from servicedesk.desk.actions import make_report, retry_report
from servicedesk.desk.managers.reports import versions_of
from servicedesk.desk.models import MonthlyReport
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


class _ReportList(serializers.ListSerializer[MonthlyReport]):
    """The versions of all reports of the page, in one query."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        self._context = {**self._context, "versions": versions_of(rows)}
        return super().to_representation(rows)


class MonthlyReportSerializer(serializers.ModelSerializer[MonthlyReport]):
    """`documents`: the versions of its form, the newest first; a file is read there."""

    customer = serializers.UUIDField(source="customer.uid", default=None, read_only=True)
    documents = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta:
        model = MonthlyReport
        list_serializer_class = _ReportList
        fields = ["uid", "number", "month", "customer", "scheduled_at", "documents", "actions"]

    def get_documents(self, report: MonthlyReport) -> list[dict[str, Any]]:
        return list(ReportVersionSerializer(self._versions(report), many=True).data)

    def get_actions(self, report: MonthlyReport) -> list[str]:
        if not self.context["request"].actor.may("managers.report"):
            return []
        versions = self._versions(report)
        return ["retry"] if versions and versions[0].status == Status.FAILED else []

    def _versions(self, report: MonthlyReport) -> list[Document]:
        kept: dict[int, list[Document]] = self.context.get("versions") or versions_of([report])
        return kept[report.pk]


class ReportVersionSerializer(serializers.ModelSerializer[Document]):
    class Meta:
        model = Document
        fields = ["uid", "version", "status", "frozen_at", "sealed_at"]


class MakeReportInput(StrictSerializer):
    """`month`: any day of it. Without a customer it is the report of all."""

    month = serializers.DateField()
    customer = RecordField(
        slug_field="uid", queryset=Customer.objects.all(), required=False, allow_null=True
    )


class MonthlyReportViewSet(DeskViewSet):
    """Monthly service reports (MR). Made by the worker on the 1st, by hand at any time."""

    serializer_class = MonthlyReportSerializer

    def get_queryset(self) -> QuerySet[MonthlyReport]:
        found = MonthlyReport.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("customer")

    @verb(MakeReportInput, detail=False)
    def make(self, _none: None, data: dict[str, Any]) -> MonthlyReport:
        """Freeze it as the month stands; a worker renders and seals it. Again: a new version."""
        month, customer = data["month"].replace(day=1), data.get("customer")
        by = self.request.actor  # type: ignore[attr-defined]
        make_report(month, customer, at=timezone.now(), by=by)
        return MonthlyReport.objects.get(month=month, customer=customer)

    @verb(StrictSerializer)
    def retry(self, report: MonthlyReport, _data: dict[str, Any]) -> MonthlyReport:
        """Have the worker make the file once more whose making failed."""
        retry_report(report, at=timezone.now(), by=self.request.actor)  # type: ignore[attr-defined]
        return report


def register(router: BaseRouter) -> None:
    router.register("documents", DocumentViewSet, "document")
    router.register("monthly-reports", MonthlyReportViewSet, "monthly-report")
    router.register("rule-results", RuleResultViewSet, "rule-result")
