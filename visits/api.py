"""/api/v1/visits: read by number, and every transition as a verb."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action as route
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from accounts.models import User
from customers.api import PhoneAnswer, RevealInput
from customers.models import Contact, Installation, Store
from customers.queries import masked
from knowledge.models import FaultCategory
from servicedesk.core.api import (
    ActionInput,
    DeskViewSet,
    Problem,
    RecordField,
    StrictSerializer,
    once,
    verb,
)
from servicedesk.core.models import token_hash
from tickets.models import Ticket
from visits import actions, planning, queries
from visits.models import (
    ARRIVAL_ITEMS,
    CLOSING_ITEMS,
    DEPARTURE_ITEMS,
    Appointment,
    ContactAttempt,
    Offer,
    Part,
    VisitOrder,
    WorkRecord,
)
from visits.states import VISIT


class AppointmentOutput(serializers.ModelSerializer[Appointment]):
    class Meta:
        model = Appointment
        fields = [
            "window_from", "window_until", "agreed_with", "agreed_at", "address_verified",
            "phone_verified", "asked_by", "reason", "notice_minutes",
        ]  # fmt: skip


class PartOutput(serializers.ModelSerializer[Part]):
    code = serializers.CharField(source="stock.code", default="", read_only=True)

    class Meta:
        model = Part
        fields = ["uid", "code", "name", "quantity", "unit", "serial"]


class WorkOutput(serializers.ModelSerializer[WorkRecord]):
    category = serializers.SlugRelatedField[FaultCategory]("code", read_only=True)

    class Meta:
        model = WorkRecord
        fields = [
            "category", "people_met", "findings", "cause", "work_done", "changes_made",
            "touches_data", "data_consent_by", "tested_by", "test_result", "result", "next_step",
            "next_step_at", "advice", "other_needs",
        ]  # fmt: skip


class VisitOutput(serializers.ModelSerializer[VisitOrder]):
    ticket = serializers.SlugRelatedField[Ticket]("number", read_only=True)
    customer = serializers.SlugRelatedField[Any]("uid", read_only=True)
    store = serializers.SlugRelatedField[Store]("uid", read_only=True)
    contact = serializers.SlugRelatedField[Contact]("uid", read_only=True)
    installation = serializers.SlugRelatedField[Installation]("uid", read_only=True)
    category = serializers.SlugRelatedField[FaultCategory]("code", read_only=True)
    engineer = serializers.SlugRelatedField[User]("uid", read_only=True)
    appointments = AppointmentOutput(many=True, read_only=True)
    parts = PartOutput(many=True, read_only=True)
    work = WorkOutput(read_only=True, allow_null=True)
    contact_phone = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta:
        model = VisitOrder
        fields = [
            "number", "uid", "version", "status", "ticket", "customer", "store", "contact",
            "contact_name", "contact_phone", "salutation", "address", "need", "task", "bring",
            "installation",
            "category", "is_urgent", "is_complaint", "ordered_at", "engineer", "accepted_at",
            "first_judgement", "unclear", "window_from", "window_until", "travel_minutes",
            "leave_at", "planned_from", "planned_until", "departed_at", "arrived_at", "waiting_since", "started_at", "finished_at",
            "signed_at", "signature_refused", "handed_in_at", "archived_at", "followed_up_at",
            "follow_up_result", "cancelled_reason", "appointments", "parts", "work", "actions",
        ]  # fmt: skip

    def get_contact_phone(self, visit: VisitOrder) -> str:
        """Masked for all but the engineer of the order; `reveal-phone` shows it, with a reason."""
        if queries.may_call(visit, self.context["request"].actor):
            return visit.contact_phone
        return masked(visit.contact_phone)

    def get_actions(self, visit: VisitOrder) -> list[str]:
        return [t.name for t in VISIT.open_to(self.context["request"].actor, visit.status)]


# --- inputs -----------------------------------------------------------------------------------


def _text(longest: int, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=longest, **more)


def _free(longest: int) -> serializers.CharField:
    return _text(longest, default="", allow_blank=True)


def _ticks(items: Any) -> serializers.MultipleChoiceField:
    return serializers.MultipleChoiceField(choices=list(items.items()), allow_empty=True)


class Happened(ActionInput):
    """`at` may lie in the past (reported later), not in the future."""

    def validate_at(self, at: Any) -> Any:
        if at > timezone.now() + queries.AHEAD:
            raise serializers.ValidationError("This lies in the future.")
        return at


class OrderInput(Happened):
    """From a ticket (`ticket` alone is enough), or for a store."""

    ticket = RecordField(slug_field="number", queryset=Ticket.objects, required=False)
    store = RecordField(slug_field="uid", queryset=Store.objects, required=False)
    contact = RecordField(slug_field="uid", queryset=Contact.objects, required=False)
    contact_name = _free(60)
    contact_phone = _free(30)
    address = _free(300)
    need = _free(4000)
    task = _free(1000)
    installation = RecordField(slug_field="uid", queryset=Installation.objects, required=False)
    category = RecordField(slug_field="code", queryset=FaultCategory.objects, required=False)
    bring = _free(1000)
    is_urgent = serializers.BooleanField(default=False)


class AssignInput(Happened):
    engineer = RecordField(slug_field="uid", queryset=User.objects)


class BringInput(Happened):
    bring = _text(1000, allow_blank=True)


class PlanInput(Happened):
    engineer = RecordField(slug_field="uid", queryset=User.objects)
    window_from = serializers.DateTimeField()
    window_until = serializers.DateTimeField()


class SlotInput(StrictSerializer):
    window_from = serializers.DateTimeField()
    window_until = serializers.DateTimeField()


class OfferInput(StrictSerializer):
    """`asked_by` and `reason`: only to move an appointment that stands."""

    slots = SlotInput(many=True)
    asked_by = serializers.ChoiceField(Appointment.AskedBy.choices, required=False)
    reason = _free(300)


class OfferOutput(serializers.Serializer[Any]):
    """`url`: the one-time link, shown this once."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ProposalOutput(serializers.Serializer[planning.Proposal]):
    """A window that fits. `late`: there is none before the time limit, this one is after it."""

    engineer = serializers.UUIDField(source="engineer.uid")
    window_from = serializers.DateTimeField()
    window_until = serializers.DateTimeField()
    travel_minutes = serializers.IntegerField(source="slot.travel")
    reasons = serializers.ListField(child=serializers.CharField())
    late = serializers.BooleanField()


class SendAnotherInput(AssignInput):
    reason = _text(300)


class ReasonInput(Happened):
    reason = _text(300)


class AcceptInput(Happened):
    first_judgement = _text(1000)
    unclear = _free(1000)


class ConsultInput(Happened):
    source = _text(120)  # type: ignore[assignment]
    learned = _free(500)


class AttemptInput(Happened):
    outcome = serializers.ChoiceField(ContactAttempt.Outcome.choices)
    phone = _free(30)
    next_try_at = serializers.DateTimeField(required=False)
    note = _free(300)


class WindowInput(Happened):
    window_from = serializers.DateTimeField()
    window_until = serializers.DateTimeField()
    agreed_with = _text(60)
    travel_minutes = serializers.IntegerField(min_value=0, max_value=600, required=False)


class AppointInput(WindowInput):
    address_verified = serializers.BooleanField(default=False)
    phone_verified = serializers.BooleanField(default=False)
    address = _free(300)
    contact_phone = _free(30)


class RearrangeInput(WindowInput):
    asked_by = serializers.ChoiceField(Appointment.AskedBy.choices)
    reason = _text(300)


class LateInput(Happened):
    expected_at = serializers.DateTimeField()
    reason = _free(200)


class PrepareInput(Happened):
    ticked = _ticks(DEPARTURE_ITEMS)
    usb_drive = _free(40)
    usb_scanned_at = serializers.DateTimeField(required=False)


class WaitInput(Happened):
    asked = _free(300)


class NoteInput(Happened):
    left_with = _text(120)
    phone = _free(60)
    proposed_from = serializers.DateTimeField(required=False)
    proposed_until = serializers.DateTimeField(required=False)


class StartInput(Happened):
    ticked = _ticks(ARRIVAL_ITEMS)
    people_met = _free(120)


class RecordInput(Happened):
    """What is not sent stays as it is."""

    category = RecordField(
        slug_field="code", queryset=FaultCategory.objects, required=False, allow_null=True
    )
    people_met = _text(120, required=False, allow_blank=True)
    findings = _text(4000, required=False, allow_blank=True)
    cause = _text(4000, required=False, allow_blank=True)
    work_done = _text(4000, required=False, allow_blank=True)
    changes_made = _text(2000, required=False, allow_blank=True)
    touches_data = serializers.BooleanField(required=False)
    data_consent_by = _text(60, required=False, allow_blank=True)
    tested_by = _text(60, required=False, allow_blank=True)
    test_result = _text(300, required=False, allow_blank=True)
    result = serializers.ChoiceField(WorkRecord.Result.choices, required=False)
    next_step = _text(300, required=False, allow_blank=True)
    next_step_at = serializers.DateTimeField(required=False, allow_null=True)
    advice = _text(2000, required=False, allow_blank=True)
    other_needs = _text(2000, required=False, allow_blank=True)


class PartInput(Happened):
    """`code` of the stock list, which says the name then; or any `name`."""

    code = _free(30)
    name = _free(80)
    quantity = serializers.IntegerField(min_value=1, max_value=999, default=1)
    serial = _free(60)


class RemovePartInput(Happened):
    part = serializers.UUIDField()


class FinishInput(Happened):
    ticked = _ticks(CLOSING_ITEMS)


class HandInInput(Happened):
    usb_scanned_at = serializers.DateTimeField(required=False)


class FollowUpInput(Happened):
    result = _text(500)
    satisfied = serializers.BooleanField()


class TextInput(Happened):
    text = _text(1000)


class FileInput(Happened):
    file = serializers.FileField()
    purpose = _free(30)


class VisitViewSet(DeskViewSet):
    serializer_class = VisitOutput
    lookup_field = "number"
    lookup_url_kwarg = "number"

    def get_queryset(self) -> Any:
        request: Any = self.request
        found = queries.for_page(VisitOrder.objects.visible_to(request.actor))
        if status := request.query_params.get("status"):
            found = found.filter(status=status)
        return found

    def _do(self, verb_name: str, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        getattr(actions, verb_name)(visit, **data, by=self.request.actor)  # type: ignore[attr-defined]
        found: VisitOrder = self.get_object()
        return found

    @extend_schema(
        request=RevealInput, responses={200: PhoneAnswer, 403: Problem, 404: Problem, 409: Problem}
    )
    @route(detail=True, methods=["post"], url_path="reveal-phone")
    @once
    def reveal_phone(self, request: Request, **kwargs: Any) -> Response:
        """The whole number. Who asked, and what for, is written into the journal."""
        data = self.input(RevealInput)
        phone = actions.reveal_phone(self.get_object(), **data, by=request.actor)  # type: ignore[attr-defined]
        return Response({"phone": phone})

    @verb(OrderInput, detail=False)
    def order(self, _none: None, data: dict[str, Any]) -> VisitOrder:
        actor = self.request.actor  # type: ignore[attr-defined]
        visit: VisitOrder = actions.order_visit(**data, by=actor)
        return visit

    @verb(AssignInput)
    def assign(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("assign", visit, data)

    @verb(BringInput)
    def note_bring(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("note_bring", visit, data)

    @verb(PlanInput)
    def plan(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        """Give it to an engineer for a time that the customer is still to agree to."""
        return self._do("plan", visit, data)

    @extend_schema(request=OfferInput, responses={200: OfferOutput})
    @route(detail=True, methods=["post"], url_path="offer-times")
    def offer_times(self, request: Request, **kwargs: Any) -> Response:
        """A one-time link by which the customer chooses one of the times.

        A link made before dies. No `Idempotency-Key`: an answer that is kept would keep the token.
        """
        data = self.input(OfferInput)
        slots = [(slot["window_from"], slot["window_until"]) for slot in data.pop("slots")]
        token = actions.offer_times(
            self.get_object(),
            slots=slots,
            **data,
            at=timezone.now(),
            by=request.actor,  # type: ignore[attr-defined]
        )
        offer = Offer.objects.get(token_sha256=token_hash(token))
        url = f"{settings.BASE_URL}{reverse('visits:choose_time', args=[token])}"
        return Response(OfferOutput({"url": url, "expires_at": offer.expires_at}).data)

    @extend_schema(responses={200: ProposalOutput(many=True)})
    @route(detail=True, pagination_class=None, filter_backends=[])
    def proposals(self, request: Request, **kwargs: Any) -> Response:
        """Free windows before the time limit, the best first, with the reasons."""
        actor = request.actor  # type: ignore[attr-defined]
        if not actor.may("visits.plan"):
            raise PermissionDenied
        found = planning.proposals(
            self.get_object(), planning.engineers_of(actor), now=timezone.now()
        )
        return Response(ProposalOutput(found, many=True).data)  # type: ignore[arg-type]

    @verb(SendAnotherInput)
    def send_another(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        """The engineer under way or on site does not go on."""
        return self._do("send_another", visit, data)

    @verb(SendAnotherInput)
    def pass_on_form(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        """The work is done; a colleague has the form signed and hands it in."""
        return self._do("pass_on_form", visit, data)

    @verb(ReasonInput)
    def cancel(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("cancel", visit, data)

    @verb(AcceptInput)
    def accept(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("accept", visit, data)

    @verb(ReasonInput)
    def send_back(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        # Afterwards the engineer sees it no more.
        actor = self.request.actor  # type: ignore[attr-defined]
        sent: VisitOrder = actions.send_back(visit, **data, by=actor)
        return sent

    @verb(ConsultInput)
    def consult(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("consult", visit, data)

    @verb(AttemptInput)
    def log_attempt(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("log_attempt", visit, data)

    @verb(AppointInput)
    def appoint(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("appoint", visit, data)

    @verb(RearrangeInput)
    def rearrange(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("rearrange", visit, data)

    @verb(ReasonInput)
    def refuse_new_time(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("refuse_new_time", visit, data)

    @verb(LateInput)
    def tell_late(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("tell_late", visit, data)

    @verb(PrepareInput)
    def prepare(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("prepare", visit, data)

    @verb(Happened)
    def depart(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("depart", visit, data)

    @verb(Happened)
    def arrive(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("arrive", visit, data)

    @verb(WaitInput)
    def wait_for_customer(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("wait_for_customer", visit, data)

    @verb(Happened)
    def meet(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("meet", visit, data)

    @verb(NoteInput)
    def leave_note(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("leave_note", visit, data)

    @verb(StartInput)
    def start_work(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("start_work", visit, data)

    @verb(ReasonInput)
    def interrupt(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("interrupt", visit, data)

    @verb(Happened)
    def resume(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("resume", visit, data)

    @verb(RecordInput)
    def record_work(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("record_work", visit, data)

    @verb(PartInput)
    def add_part(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("add_part", visit, data)

    @verb(RemovePartInput)
    def remove_part(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        part = Part.objects.filter(visit=visit, uid=data.pop("part")).first()
        if part is None:
            raise NotFound
        return self._do("remove_part", visit, {**data, "part": part})

    @verb(FinishInput)
    def finish(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("finish", visit, data)

    @verb(ReasonInput)
    def revise(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("revise", visit, data)

    @verb(Happened)
    def present_form(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("present_form", visit, data)

    @verb(ReasonInput)
    def refuse_signature(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("refuse_signature", visit, data)

    @verb(HandInInput)
    def hand_in(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("hand_in", visit, data)

    @verb(ReasonInput)
    def return_form(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("return_form", visit, data)

    @verb(Happened)
    def archive(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("archive", visit, data)

    @verb(FollowUpInput)
    def follow_up(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("follow_up", visit, data)

    @verb(TextInput)
    def flag_complaint(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        return self._do("flag_complaint", visit, data)

    @verb(FileInput)
    def attach(self, visit: VisitOrder, data: dict[str, Any]) -> VisitOrder:
        file: UploadedFile[Any] = data.pop("file")
        return self._do("attach", visit, {**data, "file": file})


def register(router: BaseRouter) -> None:
    """The resources of this app below /api/v1/."""
    router.register("visits", VisitViewSet, basename="visit")
