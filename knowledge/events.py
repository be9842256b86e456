"""What happens to knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class CategoryCreated(Event):
    type: ClassVar[str] = "category.created"
    label = _("Fault category created")
    detail = "{path}"
    icon = "folder-plus"
    category_id: int
    path: str


@dataclass(frozen=True, kw_only=True)
class CategoryEdited(Event):
    type: ClassVar[str] = "category.edited"
    label = _("Fault category changed")
    detail = "{old_path} → {path}"
    icon = "edit"
    category_id: int
    old_path: str
    path: str


@dataclass(frozen=True, kw_only=True)
class CategoryDeactivated(Event):
    type: ClassVar[str] = "category.deactivated"
    label = _("Fault category taken out of use")
    detail = "{path}"
    icon = "archive"
    category_id: int
    path: str


@dataclass(frozen=True, kw_only=True)
class CategoryReactivated(Event):
    type: ClassVar[str] = "category.reactivated"
    label = _("Fault category taken into use again")
    detail = "{path}"
    icon = "archive-off"
    category_id: int
    path: str


@dataclass(frozen=True, kw_only=True)
class ArticleCreated(Event):
    type: ClassVar[str] = "article.created"
    label = _("Knowledge entry written")
    detail = "{title}"
    icon = "file-plus"
    article_id: int
    number: str
    title: str


@dataclass(frozen=True, kw_only=True)
class ArticleEdited(Event):
    type: ClassVar[str] = "article.edited"
    label = _("Knowledge entry changed")
    icon = "edit"
    article_id: int
    number: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArticlePublished(Event):
    type: ClassVar[str] = "article.published"
    label = _("Knowledge entry published")
    detail = "{title}"
    icon = "checks"
    article_id: int
    number: str
    title: str


@dataclass(frozen=True, kw_only=True)
class ArticleRetired(Event):
    type: ClassVar[str] = "article.retired"
    label = _("Knowledge entry retired")
    detail = "{reason}"
    icon = "archive"
    article_id: int
    number: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ArticleUsed(Event):
    """A solution helped again (REM-4); the case it helped in is among the subjects."""

    type: ClassVar[str] = "article.used"
    label = _("Knowledge entry helped")
    detail = "{number} {title}"
    icon = "thumb-up"
    article_id: int
    number: str
    title: str
