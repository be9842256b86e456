"""Fault categories and knowledge entries over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.routers import BaseRouter

from customers.models import Product
from knowledge import actions, queries
from knowledge.models import Article, FaultCategory
from knowledge.states import ARTICLE
from servicedesk.core.api import ActionInput, DeskViewSet, RecordField, verb

SEARCH = OpenApiParameter("q", str, description="Words of the title, symptom, cause or solution")


class CategorySerializer(serializers.ModelSerializer[FaultCategory]):
    parent = serializers.SlugRelatedField[FaultCategory](  # type: ignore[assignment]
        slug_field="uid", read_only=True
    )
    actions = serializers.SerializerMethodField()

    class Meta:
        model = FaultCategory
        fields = ["uid", "code", "name", "path", "parent", "is_active", "actions"]

    def get_actions(self, category: FaultCategory) -> list[str]:
        if not self.context["request"].actor.may("knowledge.manage_categories"):
            return []
        return ["edit", "deactivate" if category.is_active else "reactivate"]


class ArticleSerializer(serializers.ModelSerializer[Article]):
    product = serializers.SlugRelatedField[Product](slug_field="uid", read_only=True)
    category = serializers.SlugRelatedField[FaultCategory](slug_field="uid", read_only=True)
    author = serializers.CharField(source="author.name", read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Article
        fields = [
            "number", "title", "status", "product", "category", "symptom", "cause", "solution",
            "author", "used_count", "created_at", "actions",
        ]  # fmt: skip

    def get_actions(self, article: Article) -> list[str]:
        return [t.name for t in ARTICLE.open_to(self.context["request"].actor, article.status)]


class EditCategoryInput(ActionInput):
    """The whole place of the category: without `parent` it becomes a root."""

    name = serializers.CharField(max_length=60)
    parent = RecordField(  # type: ignore[assignment]
        slug_field="uid", queryset=FaultCategory.objects.all(), default=None
    )


class CreateCategoryInput(EditCategoryInput):
    code = serializers.CharField(max_length=30)


class EditArticleInput(ActionInput):
    title = serializers.CharField(max_length=120, required=False)
    product = RecordField(
        slug_field="uid", queryset=Product.objects.all(), required=False, allow_null=True
    )
    category = RecordField(
        slug_field="uid", queryset=FaultCategory.objects.all(), required=False, allow_null=True
    )
    symptom = serializers.CharField(max_length=4000, required=False)
    cause = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    solution = serializers.CharField(max_length=8000, required=False)


class CreateArticleInput(EditArticleInput):
    title = serializers.CharField(max_length=120)
    symptom = serializers.CharField(max_length=4000)
    solution = serializers.CharField(max_length=8000)


class RetireInput(ActionInput):
    reason = serializers.CharField(max_length=300)


class CategoryViewSet(DeskViewSet):
    serializer_class = CategorySerializer

    def get_queryset(self) -> QuerySet[FaultCategory]:
        found = FaultCategory.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("parent")

    @verb(CreateCategoryInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> FaultCategory:
        return actions.create_category(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditCategoryInput)
    def edit(self, category: FaultCategory, data: dict[str, Any]) -> FaultCategory:
        return actions.edit_category(category, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def deactivate(self, category: FaultCategory, data: dict[str, Any]) -> FaultCategory:
        return actions.deactivate_category(category, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def reactivate(self, category: FaultCategory, data: dict[str, Any]) -> FaultCategory:
        return actions.reactivate_category(category, **data, by=self.request.actor)  # type: ignore[attr-defined]


@extend_schema(parameters=[SEARCH])
class ArticleViewSet(DeskViewSet):
    serializer_class = ArticleSerializer
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Article]:
        visible = Article.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        found = queries.articles_matching(visible, self.request.query_params.get("q", "")[:60])
        return found.select_related("product", "category", "author").defer("search")

    @verb(CreateArticleInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Article:
        return actions.create_article(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditArticleInput)
    def edit(self, article: Article, data: dict[str, Any]) -> Article:
        return actions.edit(article, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def publish(self, article: Article, data: dict[str, Any]) -> Article:
        return actions.publish(article, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(RetireInput)
    def retire(self, article: Article, data: dict[str, Any]) -> Article:
        return actions.retire(article, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def use(self, article: Article, data: dict[str, Any]) -> Article:
        return actions.use(article, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    """The resources of this app below /api/v1/."""
    router.register("fault-categories", CategoryViewSet, basename="fault-category")
    router.register("articles", ArticleViewSet, basename="article")
