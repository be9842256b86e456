"""Journal, outbox, numbers, documents, signatures, files, rule results, the phone's commands.

The journal, its seals, documents' frozen content and signatures are append-only; triggers of
the database (migration 0001) refuse what these classes refuse.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Func, Q, TextField
from django.db.models.functions import Cast, Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from servicedesk.core.fields import uuid7
from servicedesk.core.search import bigrams


class AppendOnly(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only.")


class Entry(AppendOnly):
    """One thing that happened. Written by `events.record`, in the transaction of the change."""

    uid = models.UUIDField(default=uuid7, unique=True)
    type = models.CharField(max_length=60)
    # When it happened, as the actor says; and when we heard of it.
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    # The name as it was then: people marry, leave and are deleted.
    actor_label = models.CharField(max_length=200)
    data = models.JSONField(encoder=DjangoJSONEncoder)
    # The writing transaction: the sealer takes only what no running one can still precede.
    transaction = models.BigIntegerField(
        db_default=Cast(
            Cast(Func(function="pg_current_xact_id"), TextField()), models.BigIntegerField()
        )
    )

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["type", "at"], name="core_entry_type_at"),
            models.Index(fields=["actor_id", "at"], name="core_entry_actor_at"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.at:%Y-%m-%d %H:%M}"


class EntrySubject(AppendOnly):
    """An entry appears on several timelines: the visit's, its ticket's, its customer's."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="subjects")
    kind = models.CharField(max_length=60)
    object_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "entry"], name="core_entrysubject_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.object_id}"


class Seal(AppendOnly):
    """The link of one entry in the hash chain: SHA-256 over the previous link and the entry."""

    entry = models.OneToOneField(Entry, models.PROTECT, related_name="seal")
    sequence = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash[:12]}"


class Unsealed(models.Model):
    """What the sealer still has to do; a trigger adds each new entry. So its cost grows with
    what is new, not with the length of the journal."""

    entry = models.OneToOneField(Entry, models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.entry_id)


class NumberSeries(models.Model):
    """The last number given out per prefix and day (forms.md: gap-free, never reused)."""

    prefix = models.CharField(max_length=4)
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prefix", "day"], name="core_numberseries_once")
        ]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.day:%Y%m%d}-{self.last:04d}"


class OutboxMessage(models.Model):
    """What leaves the house is a row first, written in the transaction of its cause."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        DEAD = "dead", _("Given up")
        # Of readers with a cap per hour (`core.digests`).
        HELD = "held", _("Held back")
        COLLECTED = "collected", _("Waits for the digest")
        DIGESTED = "digested", _("Sent in a digest")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    uid = models.UUIDField(default=uuid7, unique=True)
    channel = models.CharField(max_length=20)
    recipient = models.CharField(max_length=500)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    dedup_key = models.CharField(max_length=200, unique=True)
    status = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Whose hourly cap it counts for (a primary key; this app knows no people), and when it was let go.
    reader = models.BigIntegerField(null=True)
    released_at = models.DateTimeField(null=True)
    # The message that names this one.
    digest = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="digested", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            # What is held back until its moment, and how much a reader got this hour.
            models.Index(
                fields=["next_attempt_at", "id"],
                name="core_outbox_held",
                condition=Q(status__in=["held", "collected"]),
            ),
            models.Index(
                fields=["reader", "released_at"],
                name="core_outbox_released",
                condition=Q(released_at__isnull=False),
            ),
            # The two halves of the claim in `outbox.deliver`.
            models.Index(
                fields=["next_attempt_at", "id"],
                name="core_outbox_due",
                condition=Q(status="queued"),
            ),
            models.Index(
                fields=["lease_until"], name="core_outbox_lease", condition=Q(status="sending")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="core_outbox_known_status",
                condition=Q(
                    status__in=[
                        "queued",
                        "sending",
                        "sent",
                        "dead",
                        "held",
                        "collected",
                        "digested",
                        "withdrawn",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="core_outbox_digest",
                condition=Q(status="digested", digest__isnull=False)
                | (~Q(status="digested") & Q(digest__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} → {self.recipient}"


class OutboxAttempt(AppendOnly):
    message = models.ForeignKey(OutboxMessage, models.CASCADE, related_name="log")
    at = models.DateTimeField()
    succeeded = models.BooleanField()
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.detail}"


class Document(models.Model):
    """A form: frozen content, its signatures, and the sealed PDF (forms.md “Signature and seal”).

    `data` is what is printed, `data_sha256` the hash of its canonical JSON. Both never change;
    a correction is a new version with `supersedes`.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("To be signed")
        COMPLETE = "complete", _("Being sealed")
        SEALED = "sealed", _("Sealed")
        FAILED = "failed", _("Sealing failed")
        VOID = "void", _("Replaced before sealing")

    uid = models.UUIDField(default=uuid7, unique=True)
    kind = models.CharField(max_length=30)
    number = models.CharField(max_length=20)
    version = models.PositiveSmallIntegerField(default=1)
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    title = models.CharField(max_length=200)
    # Names that the archive is searched by: customer, store, person.
    keywords = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=10, default="zh-hans")
    data = models.JSONField(encoder=DjangoJSONEncoder)
    data_sha256 = models.CharField(max_length=64)
    # All words of the form, and who signed it.
    text = models.TextField(blank=True)
    signers = models.CharField(max_length=1000, blank=True)
    search = bigrams("number", "title", "keywords", "signers", "text")
    # The places to be signed, in their order; and whose those of the house are: place → user id.
    blocks = models.JSONField(default=list)
    signer_ids = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    frozen_at = models.DateTimeField()
    verify_code = models.CharField(max_length=16)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)
    file = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_size = models.PositiveIntegerField(null=True)
    sealed_at = models.DateTimeField(null=True)
    # When and by whom the seal was stamped (RFC 3161).
    stamped_at = models.DateTimeField(null=True)
    stamped_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="core_document_subject"),
            # The archive, by the day of the form.
            models.Index(fields=["frozen_at", "id"], name="core_document_archive"),
            GinIndex(fields=["search"], name="core_document_search"),
            models.Index(
                fields=["id"], name="core_document_to_seal", condition=Q(status="complete")
            ),
            models.Index(fields=["file_sha256"], name="core_document_file"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number", "version"], name="core_document_number"),
            models.CheckConstraint(
                name="core_document_known_status",
                condition=Q(status__in=["open", "complete", "sealed", "failed", "void"]),
            ),
            models.CheckConstraint(
                name="core_document_sealed_has_file",
                condition=~Q(status="sealed")
                | (~Q(file="") & ~Q(file_sha256="") & Q(sealed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.number if self.version == 1 else f"{self.number} v{self.version}"


class DocumentExport(models.Model):
    """A ZIP of sealed forms that a worker makes for one person (`core.exports`)."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting for a worker")
        RUNNING = "running", _("Being packed")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Deleted")

    uid = models.UUIDField(default=uuid7, unique=True)
    # What was asked for, in the words of the archive's filter, and the forms that were found then.
    selection = models.JSONField(default=dict)
    documents = ArrayField(models.BigIntegerField())
    requested_by_id = models.BigIntegerField()
    requested_by_label = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    total = models.PositiveIntegerField()
    packed = models.PositiveIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)
    failure = models.TextField(blank=True)
    file = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["id"],
                name="core_documentexport_open",
                condition=Q(status__in=["queued", "running"]),
            ),
            models.Index(fields=["requested_by_id", "-id"], name="core_documentexport_own"),
        ]
        constraints = [
            models.CheckConstraint(
                name="core_documentexport_known_status",
                condition=Q(status__in=["queued", "running", "done", "failed", "expired"]),
            ),
            models.CheckConstraint(
                name="core_documentexport_done_has_file",
                condition=~Q(status="done") | ~Q(file=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.uid)


class Ink(AppendOnly):
    """Something drawn: vector strokes with times, and the shape by which it is known again."""

    # [[{"x", "y", "t"(ms), "p"(pressure)}, …], …] in the units of a 600 × 200 box.
    strokes = models.JSONField()
    # core.ink: points along the line, in a box of 1 × 1; the rest is what the index finds it by.
    shape = models.JSONField()
    middle_x = models.FloatField()
    middle_y = models.FloatField()
    first_x = models.FloatField()
    first_y = models.FloatField()

    class Meta:
        abstract = True
        indexes = [
            # Was this drawn before?
            models.Index(
                fields=["middle_x", "middle_y", "first_x", "first_y"], name="core_%(class)s_shape"
            )
        ]


class Signature(Ink):
    """One person's own act of signing, bound to the hash of what he was shown (GEN-2)."""

    class Method(models.TextChoices):
        HANDED_OVER = "L1", _("On the engineer's phone, handed over")
        OFFLINE = "L1-offline", _("On the engineer's phone, handed over without network")
        OWN_DEVICE = "L2", _("On the signer's own device, one-time link")
        ACCOUNT = "account", _("By the colleague's own log-in")

    document = models.ForeignKey(Document, models.PROTECT, related_name="signatures")
    block = models.CharField(max_length=30)
    signer_name = models.CharField(max_length=100)
    method = models.CharField(max_length=10, choices=Method)
    # What a customer signed by: the link, or what his engineer's phone had been given for it.
    link = models.OneToOneField(
        "core.SignLink", models.PROTECT, null=True, related_name="signature"
    )
    pad = models.OneToOneField(
        "core.OfflinePad", models.PROTECT, null=True, related_name="signature"
    )
    shown_sha256 = models.CharField(max_length=64)
    answers = models.JSONField(default=dict)
    signed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta(Ink.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["document", "block"], name="core_signature_once"),
            # GEN-2: an account signs as itself, a customer by what was made for him, once.
            models.CheckConstraint(
                name="core_signature_by_whom",
                condition=Q(
                    method="account",
                    actor_kind="user",
                    actor_id__isnull=False,
                    link__isnull=True,
                    pad__isnull=True,
                )
                | Q(
                    method__in=["L1", "L2"],
                    actor_kind="contact",
                    link__isnull=False,
                    pad__isnull=True,
                )
                | Q(
                    method="L1-offline",
                    actor_kind="contact",
                    link__isnull=True,
                    pad__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signer_name} ({self.block})"


class KeptSignature(Ink):
    """Drawn without network under something else than the form that was frozen: evidence only.

    It counts as no signature. The person is asked to sign the form as it is.
    """

    document = models.ForeignKey(Document, models.PROTECT, related_name="kept_signatures")
    block = models.CharField(max_length=30)
    pad = models.OneToOneField("core.OfflinePad", models.PROTECT, related_name="kept_signature")
    signer_name = models.CharField(max_length=100)
    # The rows that the phone showed, and which of them the form has otherwise.
    rows = models.JSONField()
    differing = models.JSONField()
    answers = models.JSONField(default=dict)
    signed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta(Ink.Meta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.signer_name} ({self.block})"


class SignLink(models.Model):
    """A one-time link for one block of one document; only the token's SHA-256 is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    document = models.ForeignKey(Document, models.CASCADE, related_name="links")
    block = models.CharField(max_length=30)
    method = models.CharField(max_length=10, choices=Signature.Method)
    signer_name = models.CharField(max_length=100, blank=True)
    contact_id = models.BigIntegerField(null=True)
    phone_last4 = models.CharField(max_length=4, blank=True)
    # Of the digits (L2), or of the PIN by which the engineer gets his phone back (L1).
    tries_left = models.PositiveSmallIntegerField(default=5)
    # Who made it, and with what: a signature from the same device is a question (GEN-2).
    made_by_kind = models.CharField(max_length=10)
    made_by_id = models.BigIntegerField(null=True)
    made_by_label = models.CharField(max_length=200)
    made_ip = models.GenericIPAddressField(null=True)
    made_user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # One living link a block: making another revokes the former.
            models.UniqueConstraint(
                fields=["document", "block"],
                name="core_signlink_one_alive",
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="core_signlink_asks_digits",
                condition=~Q(method="L2") | Q(phone_last4__regex=r"^[0-9]{4}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document}/{self.block}"


class OfflinePad(models.Model):
    """What an engineer's phone is given so that one customer can sign on it without network.

    One record, one place on its form, one signature. Only the token's SHA-256 is kept.
    """

    token_sha256 = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=30)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    block = models.CharField(max_length=30)
    contact_id = models.BigIntegerField(null=True)
    made_by_id = models.BigIntegerField()
    made_by_label = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="core_offlinepad_subject")
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.block}"


class Attachment(models.Model):
    """A file on a record: type checked by content, images re-encoded, named by us."""

    uid = models.UUIDField(default=uuid7, unique=True)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    purpose = models.CharField(max_length=30, blank=True)
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    file = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    added_by_id = models.BigIntegerField(null=True)
    added_by_label = models.CharField(max_length=200)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="core_attachment_subject")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        return reverse("documents:file", args=[self.uid])

    @property
    def added_by(self) -> str:
        return self.added_by_label


class RuleResult(models.Model):
    """The last answer of one handbook rule about one record, kept for the handbook's figures.

    Triggers of the database (migration 0003) put down each day whose answers change.
    """

    class Answer(models.TextChoices):
        KEPT = "kept", _("Followed")
        BROKEN = "broken", _("Broken")
        NOT_PROVABLE = "not_provable", _("Not provable")
        NOT_APPLICABLE = "not_applicable", _("Not applicable")

    rule = models.CharField(max_length=20)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    answer = models.CharField(max_length=15, choices=Answer)
    note = models.CharField(max_length=300, blank=True)
    evidence = models.JSONField(default=list)
    # The moment the record counts for (its month on the handbook's page).
    counts_at = models.DateTimeField()
    person_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    # Whose record it is about, and which product, where the record knows.
    customer_id = models.BigIntegerField(null=True)
    product_id = models.BigIntegerField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        ordering = ["-counts_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject_kind", "subject_id"], name="core_ruleresult_once"
            )
        ]
        indexes = [
            models.Index(fields=["rule", "counts_at", "answer"], name="core_ruleresult_rate"),
            # Counting what no roll-up has: of a day, of a customer, of several filters at once.
            models.Index(
                fields=["counts_at"],
                include=["rule", "answer", "person_id", "team_id", "customer_id", "product_id"],
                name="core_ruleresult_counted",
            ),
            models.Index(
                fields=["customer_id", "counts_at"],
                include=["rule", "answer", "person_id", "team_id", "product_id"],
                name="core_ruleresult_customer",
                condition=Q(customer_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.answer}"


class RuleDay(models.Model):
    """How often a rule was kept on one day (core.rule_days): of all, a team, a person, a product."""

    class Dimension(models.TextChoices):
        ALL = "all"
        TEAM = "team"
        PERSON = "person"
        PRODUCT = "product"

    day = models.DateField()
    rule = models.CharField(max_length=20)
    dimension = models.CharField(max_length=10, choices=Dimension)
    # The primary key of the team, person or product; 0 of none, and of all.
    key = models.BigIntegerField(default=0)
    kept = models.PositiveIntegerField()
    broken = models.PositiveIntegerField()
    not_provable = models.PositiveIntegerField()

    class Meta:
        constraints = [
            # Also the index that all rules of one team, person or product are read by.
            models.UniqueConstraint(
                fields=["dimension", "key", "day", "rule"],
                include=["kept", "broken", "not_provable"],
                name="core_ruleday_once",
            )
        ]
        indexes = [
            # One rule by team or by person.
            models.Index(
                fields=["rule", "dimension", "day"],
                include=["key", "kept", "broken", "not_provable"],
                name="core_ruleday_rule",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.rule} {self.dimension}:{self.key}"


class StaleRuleDay(models.Model):
    """A day whose answers changed since its `RuleDay` rows were made; triggers add it.

    `moment` lies on that day in every time zone: it is cut to a quarter of an hour.
    """

    moment = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.moment:%Y-%m-%d %H:%M}"


class IdempotencyKey(models.Model):
    """The stored answer of a POST, written in the same transaction as its effect.

    It repeats what the record said then, so it is not kept for longer than a client may repeat.
    """

    KEPT = timedelta(days=1)

    client_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    request_sha256 = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client_id", "key"], name="core_idempotencykey_once")
        ]

    def __str__(self) -> str:
        return self.key


class PhoneDevice(models.Model):
    """A telephone or tablet of one person: when it was last heard of, and what it still holds."""

    device = models.UUIDField()
    user_id = models.BigIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # As the device itself says: commands that it has not sent yet, and since when.
    unsent = models.PositiveIntegerField(default=0)
    oldest_unsent_at = models.DateTimeField(null=True)
    # Server minus device, in milliseconds; null: never measured.
    clock_offset_ms = models.BigIntegerField(null=True)
    app = models.CharField(max_length=40, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "device"], name="core_phonedevice_once")
        ]

    def __str__(self) -> str:
        return str(self.device)


class PhoneCommand(models.Model):
    """One act that somebody tapped on the phone, with what became of it (core.phone).

    Written in the transaction of its effect and never deleted: a repeat gets the stored answer,
    however late it comes.
    """

    class State(models.TextChoices):
        DONE = "done", _("Recorded")
        REFUSED = "refused", _("Not accepted")
        WAITING = "waiting", _("Waits for what was done before")
        DISCARDED = "discarded", _("Thrown away")

    op_id = models.UUIDField(unique=True)
    device = models.UUIDField()
    user_id = models.BigIntegerField()
    user_label = models.CharField(max_length=200)
    kind = models.CharField(max_length=60)
    number = models.CharField(max_length=40)
    # Null where there is no such record, or where it never was this person's.
    subject_id = models.BigIntegerField(null=True)
    verb = models.CharField(max_length=40)
    fields = models.JSONField(default=dict)
    files = models.JSONField(default=dict)
    base_version = models.PositiveIntegerField(null=True)
    # The command before this one on the same device and record; it may still be under way.
    after = models.UUIDField(null=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", db_index=False
    )
    # By the device's clock; how wrong that is; when it came; and what it counts for.
    happened_at = models.DateTimeField()
    clock_offset_ms = models.BigIntegerField(null=True)
    received_at = models.DateTimeField()
    at = models.DateTimeField()
    app = models.CharField(max_length=40, blank=True)
    request_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tried_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    # The answer.
    code = models.CharField(max_length=20, blank=True)
    message = models.TextField(blank=True)
    errors = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    next_url = models.CharField(max_length=200, blank=True)
    # The versions that this command made: all after the first up to the second.
    version_before = models.PositiveIntegerField(null=True)
    version_after = models.PositiveIntegerField(null=True)
    status_after = models.CharField(max_length=20, blank=True)
    discard_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            # What the person has to mend; what the desk sees on the record.
            models.Index(
                fields=["user_id", "id"],
                name="core_phonecommand_open",
                condition=Q(state__in=["waiting", "refused"]),
            ),
            models.Index(fields=["kind", "subject_id"], name="core_phonecommand_subject"),
            # Those that wait for one.
            models.Index(
                fields=["after"],
                name="core_phonecommand_after",
                condition=Q(after__isnull=False),
            ),
            models.Index(
                fields=["received_at"],
                name="core_phonecommand_waiting",
                condition=Q(state="waiting"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="core_phonecommand_known_state",
                condition=Q(state__in=["done", "refused", "waiting", "discarded"]),
            ),
            models.CheckConstraint(
                name="core_phonecommand_done",
                condition=~Q(state="done")
                | Q(
                    subject_id__isnull=False,
                    version_before__isnull=False,
                    version_after__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="core_phonecommand_discarded_why",
                condition=~Q(state="discarded") | ~Q(discard_reason=""),
            ),
            models.CheckConstraint(
                name="core_phonecommand_not_after_itself", condition=~Q(after=models.F("op_id"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.verb} {self.state}"


class PhoneUpload(models.Model):
    """A file on its way from a phone, piece by piece; a command names it when it is whole."""

    uid = models.UUIDField(default=uuid7, unique=True)
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    received = models.PositiveIntegerField(default=0)
    # Where the pieces lie, in their order.
    pieces = models.JSONField(default=list)
    created_at = models.DateTimeField()
    last_piece_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # The nightly purge.
            models.Index(fields=["last_piece_at"], name="core_phoneupload_age"),
        ]
        constraints = [
            # The same content again goes on where it stopped.
            models.UniqueConstraint(
                fields=["user_id", "sha256", "size", "name"], name="core_phoneupload_once"
            ),
            models.CheckConstraint(
                name="core_phoneupload_received", condition=Q(received__lte=models.F("size"))
            ),
            models.CheckConstraint(
                name="core_phoneupload_complete",
                condition=Q(completed_at__isnull=True) | Q(received=models.F("size")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """The last tick of one worker process; silence is shown as an alarm (reliability.md §3.1)."""

    process = models.CharField(max_length=100, unique=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.process


def token_hash(token: str) -> str:
    """How a secret of ≥ 128 random bits is stored and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()
