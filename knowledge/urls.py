from __future__ import annotations

from django.urls import path

from knowledge import views

app_name = "knowledge"

# /knowledge/
urlpatterns = [
    path("", views.articles, name="list"),
    path("new/", views.article_new, name="new"),
    path("suggestions/", views.suggestions, name="suggestions"),
    path("categories/", views.categories, name="categories"),
    path("categories/new/", views.category_new, name="category_new"),
    path("categories/options/", views.category_options, name="category_options"),
    path("categories/<uuid:uid>/", views.category_edit, name="category_edit"),
    path(
        "categories/<uuid:uid>/deactivate/",
        views.category_activate,
        {"verb": "deactivate"},
        name="category_deactivate",
    ),
    path(
        "categories/<uuid:uid>/reactivate/",
        views.category_activate,
        {"verb": "reactivate"},
        name="category_reactivate",
    ),
    path("<str:number>/", views.article, name="article"),
    path("<str:number>/edit/", views.article_edit, name="edit"),
    path("<str:number>/<slug:verb>/", views.act, name="act"),
]
