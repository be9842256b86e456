from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from servicedesk.core import archive_views, file_views, signing_views
from servicedesk.core import document_views as views

app_name = "documents"

# /documents/
urlpatterns: list[URLPattern | URLResolver] = [
    path("", archive_views.archive, name="archive"),
    path("exports/", archive_views.exports_list, name="exports"),
    path("exports/new/", archive_views.request_export, name="request_export"),
    path("exports/<uuid:uid>/", archive_views.export, name="export"),
    path("exports/<uuid:uid>/download/", archive_views.export_file, name="export_file"),
    path("verify/", views.verify_file, name="verify_file"),
    path("verify/<str:number>/<str:code>/", views.verify, name="verify"),
    path("s/<str:token>/", signing_views.sign, name="sign"),
    path("s/<str:token>/copy/", signing_views.signed_copy, name="signed_copy"),
    path("s/<str:token>/files/<uuid:uid>/", signing_views.link_file, name="link_file"),
    path("handed-over/", signing_views.handed_over, name="handed_over"),
    path("handed-over/back/", signing_views.take_back, name="take_back"),
    path("handed-over/next/", signing_views.next_signer, name="next_signer"),
    path("handed-over/files/<uuid:uid>/", signing_views.handed_over_file, name="handed_over_file"),
    path("files/<uuid:uid>/", file_views.file, name="file"),
    path("<uuid:uid>/", views.document, name="document"),
    path("<uuid:uid>/sign/", views.sign_own, name="sign_own"),
    path("<uuid:uid>/hand-over/", views.hand_over, name="hand_over"),
    path("<uuid:uid>/mail/", archive_views.mail, name="mail"),
    path("<uuid:uid>/download/", views.download, name="download"),
]
