"""Fault categories and the knowledge that grows out of solved faults (REM-4)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Product
from knowledge.states import Status
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Named, Record
from servicedesk.core.history import tracked
from servicedesk.core.search import bigrams


class CategoryQuerySet(models.QuerySet["FaultCategory"]):
    def visible_to(self, actor: Actor) -> CategoryQuerySet:
        return self if actor.may("knowledge.see") else self.none()


class FaultCategory(Record):
    """A node of the fault tree; its roots are software and hardware."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children",
        verbose_name=_("parent category"),
    )  # fmt: skip
    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("fault category"), max_length=60)
    # "软件 / 打印": kept with the node, so that a list needs no walk up the tree.
    path = models.CharField(max_length=200, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ["path", "id"]

    def __str__(self) -> str:
        return self.path

    @property
    def depth(self) -> int:
        """0 for a root."""
        return self.path.count(" / ")


class ArticleQuerySet(models.QuerySet["Article"]):
    def visible_to(self, actor: Actor) -> ArticleQuerySet:
        """Colleagues see drafts too; integrated systems see what is published."""
        if actor.may("knowledge.write"):
            return self
        if actor.may("knowledge.see"):
            return self.filter(status=Status.PUBLISHED)
        return self.none()


class Article(Named):
    """Symptom, cause and solution of a fault (知识条目)."""

    number = models.CharField(max_length=20, unique=True)
    title = models.CharField(_("title"), max_length=120)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, verbose_name=_("product")
    )
    category = models.ForeignKey(
        FaultCategory, models.PROTECT, null=True, blank=True, verbose_name=_("fault category")
    )
    symptom = models.TextField(_("symptom"), max_length=4000)
    cause = models.TextField(_("cause"), max_length=4000, blank=True)
    solution = models.TextField(_("solution"), max_length=8000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Where it came from: (kind, id) of a remote session or visit, which this layer does not know.
    source_kind = models.CharField(max_length=60, blank=True)
    source_id = models.BigIntegerField(null=True)
    used_count = models.PositiveIntegerField(_("times used"), default=0)
    search = bigrams("title", "symptom", "cause", "solution")

    objects = ArticleQuerySet.as_manager()
    history = tracked(excluded_fields=["search", "used_count"])

    class Meta:
        ordering = ["-used_count", "-id"]
        indexes = [
            # The list of entries.
            models.Index(fields=["-used_count", "-id"], name="knowledge_article_by_use"),
            GinIndex(fields=["search"], name="knowledge_article_search"),
            models.Index(fields=["product", "category"], name="knowledge_article_suggest"),
        ]
        constraints = [
            models.CheckConstraint(
                name="knowledge_article_known_status",
                condition=Q(status__in=sorted(Status.values)),
            ),
            models.UniqueConstraint(
                fields=["source_kind", "source_id"],
                name="knowledge_article_one_per_source",
                condition=Q(source_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("knowledge:article", args=[self.number])
