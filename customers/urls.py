from __future__ import annotations

from django.urls import path

from customers.views import choices, imports, lists, parts, records

app_name = "customers"

# /customers/
urlpatterns = [
    path("", lists.customers, name="list"),
    path("stores/", lists.stores, name="stores"),
    path("products/", lists.products, name="products"),
    path("new/", records.customer_new, name="customer_new"),
    path("products/new/", records.product_new, name="product_new"),
    path("products/<uuid:uid>/", records.product_edit, name="product_edit"),
    path("stores/<uuid:uid>/", records.store, name="store"),
    path("stores/<uuid:uid>/edit/", records.store_edit, name="store_edit"),
    path("stores/<uuid:uid>/contacts/new/", records.store_contact_new, name="store_contact_new"),
    path("stores/<uuid:uid>/installations/new/", records.installation_new, name="installation_new"),
    path("contacts/<uuid:uid>/", records.contact_edit, name="contact_edit"),
    path("contracts/<uuid:uid>/", records.contract_edit, name="contract_edit"),
    path("installations/<uuid:uid>/", records.installation_edit, name="installation_edit"),
    path("parts/", parts.stock_parts, name="parts"),
    path("parts/new/", parts.part_new, name="part_new"),
    path("parts/import/", parts.part_import, name="part_import"),
    path("parts/<uuid:uid>/", parts.part_edit, name="part_edit"),
    # Answers to fields and dialogs.
    path("options/customers/", choices.customer_options, name="customer_options"),
    path("options/stores/", choices.store_options, name="store_options"),
    path("options/contacts/", choices.contact_options, name="contact_options"),
    path("options/contracts/", choices.contract_options, name="contract_options"),
    path("options/products/", choices.product_options, name="product_options"),
    path("duplicates/", choices.duplicates, name="duplicates"),
    # From a file.
    path("import/", imports.upload, name="import"),
    path("import/template/", imports.template, name="import_template"),
    path("import/<uuid:uid>/", imports.preview, name="import_preview"),
    # One customer, after all fixed words.
    path("<uuid:uid>/", records.customer, name="customer"),
    path("<uuid:uid>/edit/", records.customer_edit, name="customer_edit"),
    path("<uuid:uid>/contracts/new/", records.contract_new, name="contract_new"),
    path("<uuid:uid>/stores/new/", records.store_new, name="store_new"),
    path("<uuid:uid>/contacts/new/", records.customer_contact_new, name="customer_contact_new"),
    path("<slug:kind>/<uuid:uid>/phone/", records.phone, name="phone"),
    path(
        "<slug:kind>/<uuid:uid>/deactivate/",
        records.activate,
        {"verb": "deactivate"},
        name="deactivate",
    ),
    path(
        "<slug:kind>/<uuid:uid>/reactivate/",
        records.activate,
        {"verb": "reactivate"},
        name="reactivate",
    ),
]
