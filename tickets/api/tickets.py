"""/api/v1/tickets, /api/v1/handovers, /api/v1/extensions"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from accounts.models import User
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import FaultCategory
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, StrictSerializer, once, verb
from servicedesk.core.files import files_of
from servicedesk.core.handover import device
from sla.models import Deadline
from tickets.actions import extensions, handovers, nudges
from tickets.actions import tickets as actions
from tickets.forms.tickets import FilterForm
from tickets.models import Call, Extension, Handover, Ticket
from tickets.queries import calls_to_name, possible, ticket_list
from tickets.states import EXTENSION, HANDOVER

MOST_AT_ONCE = 200


def _uid(source: str) -> serializers.UUIDField:
    return serializers.UUIDField(source=f"{source}.uid", default=None, read_only=True)


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    customer = _uid("customer")
    store = _uid("store")
    contact = _uid("contact")
    product = _uid("product")
    installation = _uid("installation")
    category = _uid("category")
    owner = _uid("owner")
    assignee = _uid("assignee")
    actions = serializers.SerializerMethodField(help_text="What you may do with it now.")

    class Meta:
        model = Ticket
        fields = [
            "uid", "number", "version", "title", "need", "status", "customer", "store", "contact",
            "product", "installation", "category", "is_urgent", "urgency_reason", "is_complaint",
            "received_at", "expected_at", "no_wish", "due_at", "owner", "assignee", "responded_at",
            "waiting_reason", "waiting_until", "resolved_at", "solution", "resolution",
            "closed_at", "closing", "reopened_count", "actions",
        ]  # fmt: skip

    def get_actions(self, ticket: Ticket) -> list[str]:
        return [step.name for step in possible(ticket, self.context["request"].actor)]


class TicketDetailSerializer(TicketSerializer):
    deadlines = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()

    class Meta(TicketSerializer.Meta):
        fields = [*TicketSerializer.Meta.fields, "deadlines", "notes", "files"]

    def get_deadlines(self, ticket: Ticket) -> list[dict[str, Any]]:
        return [
            {
                "kind": d.kind, "status": d.status, "due_at": d.due_at,
                "original_due_at": d.original_due_at, "met_at": d.met_at,
                "missed_at": d.missed_at,
            }
            for d in Deadline.objects.of(ticket).order_by("id")
        ]  # fmt: skip

    def get_notes(self, ticket: Ticket) -> list[dict[str, Any]]:
        return [{"at": n.at, "by": n.author_label, "text": n.text} for n in ticket.notes.all()]

    def get_files(self, ticket: Ticket) -> list[dict[str, Any]]:
        return _files(ticket, self.context["request"])


def _files(subject: Ticket | Extension, request: Request) -> list[dict[str, Any]]:
    return [
        {
            "uid": f.uid, "name": f.name, "content_type": f.content_type, "size": f.size,
            "sha256": f.sha256, "url": request.build_absolute_uri(f.url),
        }
        for f in files_of(subject)
    ]  # fmt: skip


# --- What the actions take -------------------------------------------------------------------


def _record(queryset: Any, **options: Any) -> RecordField:
    return RecordField("uid", queryset=queryset, **options)


def _optional(queryset: Any) -> RecordField:
    return _record(queryset, required=False, allow_null=True)


class OpenInput(ActionInput):
    title = serializers.CharField(max_length=120)
    need = serializers.CharField(max_length=4000)
    customer = _record(Customer.objects.all())
    store = _record(Store.objects.all())
    contact = _optional(Contact.objects.all())
    product = _optional(Product.objects.all())
    installation = _optional(Installation.objects.all())
    category = _optional(FaultCategory.objects.all())
    is_urgent = serializers.BooleanField(default=False)
    urgency_reason = serializers.CharField(max_length=200, default="", allow_blank=True)
    expected_at = serializers.DateTimeField(default=None, allow_null=True)
    no_wish = serializers.BooleanField(default=False)
    owner = _record(User.objects.get_queryset())


class AssignInput(ActionInput):
    assignee = _record(User.objects.get_queryset())


class WaitInput(ActionInput):
    reason = serializers.CharField(max_length=200)
    until = serializers.DateTimeField()


class ResolveInput(ActionInput):
    solution = serializers.ChoiceField(Ticket.Solution.choices)
    resolution = serializers.CharField(max_length=4000)


class CloseInput(ActionInput):
    # Closing by itself is nobody's to ask for.
    closing = serializers.ChoiceField(
        [choice for choice in Ticket.Closing.choices if choice[0] != Ticket.Closing.AUTOMATIC]
    )
    confirmed_by = serializers.CharField(max_length=60, default="", allow_blank=True)
    evidence = serializers.CharField(max_length=200, default="", allow_blank=True)


class ReasonInput(ActionInput):
    reason = serializers.CharField(max_length=500)


class UrgentInput(ActionInput):
    urgency_reason = serializers.CharField(max_length=200)


class TextInput(ActionInput):
    text = serializers.CharField(max_length=4000)


class FileInput(ActionInput):
    file = serializers.FileField()


class HandOverInput(ActionInput):
    to_user = _record(User.objects.get_queryset())
    reason = serializers.CharField(max_length=300)


class VisitInput(ActionInput):
    reason = serializers.CharField(max_length=500)
    address = serializers.CharField(max_length=300, default="", allow_blank=True)
    contact_name = serializers.CharField(max_length=60, default="", allow_blank=True)
    contact_phone = serializers.CharField(max_length=30, default="", allow_blank=True)


class ProposeInput(ActionInput):
    """Files are sent as `multipart/form-data`; the customer reads them by his link."""

    plan = serializers.CharField(max_length=4000)
    proposed_due_at = serializers.DateTimeField()
    attachments = serializers.ListField(
        child=serializers.FileField(), required=False, max_length=extensions.MOST_FILES
    )


class EditInput(ActionInput):
    """Only what is given changes."""

    title = serializers.CharField(max_length=120, required=False)
    need = serializers.CharField(max_length=4000, required=False)
    contact = _optional(Contact.objects.all())
    product = _optional(Product.objects.all())
    installation = _optional(Installation.objects.all())
    category = _optional(FaultCategory.objects.all())
    expected_at = serializers.DateTimeField(required=False, allow_null=True)
    no_wish = serializers.BooleanField(required=False)


class BulkAssignInput(StrictSerializer):
    tickets = serializers.ListField(
        child=serializers.CharField(max_length=20), min_length=1, max_length=MOST_AT_ONCE
    )
    assignee = _record(User.objects.get_queryset())


class RowResultSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    ok = serializers.BooleanField()
    message = serializers.CharField()


# --- The resources ---------------------------------------------------------------------------


class TicketViewSet(DeskViewSet):
    """Tickets; the list takes the filters of the page."""

    lookup_field = "number"

    def get_serializer_class(self) -> type[serializers.Serializer[Any]]:
        return TicketSerializer if self.action == "list" else TicketDetailSerializer

    def get_queryset(self) -> QuerySet[Ticket]:
        return Ticket.objects.visible_to(self.request.actor).select_related(  # type: ignore[attr-defined]
            "customer", "store", "contact", "product", "installation", "category", "owner",
            "assignee",
        )  # fmt: skip

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.action != "list":
            return queryset
        actor = self.request.actor  # type: ignore[attr-defined]
        form = FilterForm(self.request.query_params, by=actor)
        if not form.is_valid():
            raise serializers.ValidationError(
                {k: list(map(str, v)) for k, v in form.errors.items()}
            )
        wanted = form.cleaned_data | {"status": form.cleaned_data["status"] or "all"}
        tickets, _order = ticket_list(actor, wanted, now=timezone.now())
        return queryset & tickets

    @extend_schema(
        parameters=[
            OpenApiParameter(name, str)
            for name in FilterForm.base_fields
            if name != "sort"
        ]
    )  # fmt: skip
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @verb(OpenInput, detail=False)
    def open(self, obj: None, data: dict[str, Any]) -> Ticket:
        return actions.open_ticket(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(AssignInput)
    def assign(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.assign(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ActionInput)
    def take(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.take(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ActionInput)
    def respond(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.respond(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ActionInput)
    def start(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.start(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def nudge(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        """Tell whoever has it, at once; not more often than every ten minutes."""
        return nudges.nudge(obj, at=timezone.now(), by=self.request.actor)  # type: ignore[attr-defined]

    @verb(WaitInput)
    def wait(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.wait(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ActionInput)
    def resume(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.resume(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ResolveInput)
    def resolve(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.resolve(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(CloseInput)
    def close(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.close(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ReasonInput)
    def reopen(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.reopen(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditInput)
    def edit(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.edit(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(UrgentInput)
    def mark_urgent(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.mark_urgent(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(TextInput)
    def flag_complaint(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.flag_complaint(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(TextInput)
    def comment(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        actions.comment(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return obj

    @verb(FileInput)
    def attach(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        actions.attach(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return obj

    @verb(HandOverInput)
    def hand_over(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        handovers.hand_over(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return obj

    @verb(VisitInput)
    def request_visit(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        return actions.request_visit(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ProposeInput)
    def propose_extension(self, obj: Ticket, data: dict[str, Any]) -> Ticket:
        extensions.propose_extension(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]
        return obj

    @extend_schema(request=BulkAssignInput, responses={200: RowResultSerializer(many=True)})
    @action(detail=False, methods=["post"], url_path="bulk-assign")
    def bulk_assign(self, request: Request) -> Response:
        """Assign up to 200 tickets; the answer says for each what became of it."""
        return self._bulk_assign(request)

    @once
    def _bulk_assign(self, request: Request) -> Response:
        data = self.input(BulkAssignInput)
        results = actions.assign_each(
            Ticket.objects.visible_to(request.actor),  # type: ignore[attr-defined]
            data["tickets"],
            assignee=data["assignee"],
            at=timezone.now(),
            by=request.actor,  # type: ignore[attr-defined]
        )
        return Response(RowResultSerializer(results, many=True).data)


class HandoverSerializer(serializers.ModelSerializer[Handover]):
    ticket = serializers.CharField(source="ticket.number", read_only=True)
    from_user = _uid("from_user")
    to_user = _uid("to_user")
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Handover
        fields = [
            "uid", "ticket", "from_user", "to_user", "reason", "status", "requested_at",
            "decided_at", "answer", "actions",
        ]  # fmt: skip

    def get_actions(self, handover: Handover) -> list[str]:
        actor = self.context["request"].actor
        if actor.id != handover.to_user_id:
            return []
        return [step.name for step in HANDOVER.open_to(actor, handover.status)]


class AnswerInput(ActionInput):
    answer = serializers.CharField(max_length=300, default="", allow_blank=True)


class HandoverViewSet(DeskViewSet):
    """Ownership offered to a colleague; `hand-over` of a ticket makes one."""

    serializer_class = HandoverSerializer

    def get_queryset(self) -> QuerySet[Handover]:
        found = Handover.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("ticket", "from_user", "to_user")

    @verb(AnswerInput)
    def accept(self, obj: Handover, data: dict[str, Any]) -> Handover:
        return handovers.accept(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(AnswerInput)
    def decline(self, obj: Handover, data: dict[str, Any]) -> Handover:
        return handovers.decline(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]


class ExtensionSerializer(serializers.ModelSerializer[Extension]):
    ticket = serializers.CharField(source="ticket.number", read_only=True)
    proposed_by = _uid("proposed_by")
    call = serializers.CharField(source="call.number", default=None, read_only=True)
    files = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Extension
        fields = [
            "uid", "number", "ticket", "plan", "former_due_at", "proposed_due_at", "status",
            "proposed_by", "proposed_at", "files", "answered_at", "answered_by", "channel",
            "evidence", "call", "reason", "actions",
        ]  # fmt: skip

    def get_actions(self, extension: Extension) -> list[str]:
        actor = self.context["request"].actor
        return [step.name for step in EXTENSION.open_to(actor, extension.status)]

    def get_files(self, extension: Extension) -> list[dict[str, Any]]:
        return _files(extension, self.context["request"])


class ConsentInput(ActionInput):
    """A call on record in which the customer agreed; he did so when it ended.

    By link and in person the customer answers himself, so those ways cannot be entered.
    """

    call = serializers.CharField(max_length=20, help_text="Number of the call.")
    answered_by = serializers.CharField(
        max_length=60, default="", allow_blank=True, help_text="Empty: the caller."
    )
    recording = serializers.CharField(max_length=60, default="", allow_blank=True)


class RefuseInput(ActionInput):
    answered_by = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=500)
    call = serializers.CharField(max_length=20, required=False, help_text="Number of the call.")


class CustomersLinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Told once: it is kept nowhere.")


class ExtensionViewSet(DeskViewSet):
    """Plan, new time and the customer's answer; `propose-extension` of a ticket makes one."""

    serializer_class = ExtensionSerializer
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Extension]:
        found = Extension.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("ticket__contact", "proposed_by", "call")

    @verb(ConsentInput)
    def consent(self, obj: Extension, data: dict[str, Any]) -> Extension:
        """The customer agreed on the telephone. By link he agrees himself; see `link`."""
        data["call"] = self._call(obj, data["call"])
        data["at"] = timezone.now()
        return extensions.consent(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(RefuseInput)
    def refuse(self, obj: Extension, data: dict[str, Any]) -> Extension:
        if "call" in data:
            data["call"] = self._call(obj, data["call"])
        return extensions.refuse(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]

    def _call(self, extension: Extension, number: str) -> Call:
        actor = self.request.actor  # type: ignore[attr-defined]
        found = calls_to_name(extension, actor).filter(number=number).first()
        if found is None:
            raise serializers.ValidationError(
                {"call": _("No call of this store since the proposal has this number.")}
            )
        return found

    @extend_schema(request=None, responses={200: CustomersLinkSerializer})
    @action(detail=True, methods=["post"])
    def link(self, request: Request, **kwargs: Any) -> Response:
        """A one-time link by which the customer reads plan and files, and agrees or refuses.

        A link made before dies. No `Idempotency-Key`: an answer that is kept would keep the token.
        """
        token = extensions.make_link(
            self.get_object(),
            **device(request),
            at=timezone.now(),
            by=request.actor,  # type: ignore[attr-defined]
        )
        url = f"{settings.BASE_URL}{reverse('documents:sign', args=[token])}"
        return Response({"url": url})

    @verb(ActionInput)
    def withdraw(self, obj: Extension, data: dict[str, Any]) -> Extension:
        return extensions.withdraw(obj, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    router.register("tickets", TicketViewSet, basename="ticket")
    router.register("handovers", HandoverViewSet, basename="handover")
    router.register("extensions", ExtensionViewSet, basename="extension")
