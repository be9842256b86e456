"""Knowledge entries: symptom, cause and solution of a fault."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import models
from django.utils.translation import gettext as _

from customers.models import Product
from knowledge.events import (
    ArticleCreated,
    ArticleEdited,
    ArticlePublished,
    ArticleRetired,
    ArticleUsed,
)
from knowledge.models import Article, FaultCategory
from knowledge.states import ARTICLE, Status
from servicedesk.core.actions import action, advance, begin, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record, subject_key
from servicedesk.core.models import Entry
from servicedesk.core.numbering import next_number


class ArticleFields(TypedDict, total=False):
    title: str
    product: Product | None
    category: FaultCategory | None
    symptom: str
    cause: str
    solution: str


@action
def create_article(
    *,
    title: str,
    symptom: str,
    solution: str,
    cause: str = "",
    product: Product | None = None,
    category: FaultCategory | None = None,
    source: models.Model | None = None,
    at: datetime,
    by: Actor,
) -> Article:
    """A draft. `source` is the remote session or visit it was learnt in: one entry per source."""
    require(by, "knowledge.write")
    if by.kind not in {"user", "client"} or by.id is None:
        raise Refused(_("A knowledge entry needs a colleague who wrote it."))
    kind, pk = subject_key(source) if source is not None else ("", None)
    if pk is not None and (known := Article.objects.filter(source_kind=kind, source_id=pk).first()):
        raise Refused(_("%(article)s was made of it already.") % {"article": known})
    article = Article(author_id=by.id, source_kind=kind, source_id=pk)
    _write(
        article, title=title, symptom=symptom, cause=cause, solution=solution, product=product,
        category=category,
    )  # fmt: skip
    article.number = next_number("KB", at=at)
    article.save()
    record(
        ArticleCreated(at=at, article_id=article.pk, number=article.number, title=article.title),
        about=[article, source],
        by=by,
    )
    return article


@action
def edit(article: Article, *, at: datetime, by: Actor, **changes: Unpack[ArticleFields]) -> Article:
    """Change the given fields; the field history keeps what stood there."""
    begin(ARTICLE, "edit", article, by=by)
    if changed := _write(article, **changes):
        save_changes(article, *changed)
        record(
            ArticleEdited(
                at=at, article_id=article.pk, number=article.number, fields=tuple(changed)
            ),
            about=[article],
            by=by,
        )
    return article


@action
def publish(article: Article, *, at: datetime, by: Actor) -> Article:
    """Offered at intake from now on, so it must say to which product or fault it belongs."""
    step = begin(ARTICLE, "publish", article, by=by)
    if article.category is None:
        raise Refused(_("Choose a fault category before publishing."), field="category")
    advance(article, step)
    record(
        ArticlePublished(at=at, article_id=article.pk, number=article.number, title=article.title),
        about=[article],
        by=by,
    )
    return article


@action
def retire(article: Article, *, reason: str, at: datetime, by: Actor) -> Article:
    """Not offered any more; who has its number still finds it."""
    step = begin(ARTICLE, "retire", article, by=by)
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Say why it is not right any more."), field="reason")
    advance(article, step)
    record(
        ArticleRetired(at=at, article_id=article.pk, number=article.number, reason=reason[:300]),
        about=[article],
        by=by,
    )
    return article


@action
def use(article: Article, *, case: models.Model | None = None, at: datetime, by: Actor) -> Article:
    """It helped. In the same case it counts once, however often somebody says so."""
    begin(ARTICLE, "use", article, by=by)
    if case is not None and _helped_in(article, case):
        return article
    article.used_count += 1
    save_changes(article, "used_count")
    record(
        ArticleUsed(at=at, article_id=article.pk, number=article.number, title=article.title),
        about=[article, case],
        by=by,
    )
    return article


def _helped_in(article: Article, case: models.Model) -> bool:
    kind, pk = subject_key(case)
    used = Entry.objects.filter(type=ArticleUsed.type, subjects__kind=kind, subjects__object_id=pk)
    return used.filter(data__article_id=article.pk).exists()


REQUIRED = ("title", "symptom", "solution")


def _write(article: Article, **values: Any) -> list[str]:
    changed = []
    for name, given in values.items():
        value = given.strip() if isinstance(given, str) else given
        if name in REQUIRED and not value:
            raise Refused(_("This may not be empty."), field=name)
        if getattr(article, name) != value:
            setattr(article, name, value)
            changed.append(name)
    if article.status == Status.PUBLISHED and article.category is None:
        raise Refused(_("A published entry keeps a fault category."), field="category")
    return changed
