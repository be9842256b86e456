from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from visits.views import board, offers, phone, public, visits

app_name = "visits"

# /visits/
urlpatterns: list[URLPattern | URLResolver] = [
    path("", visits.visit_list, name="list"),
    path("today/", phone.today, name="today"),
    path("board/", board.board, name="board"),
    path("unassigned/", visits.unassigned, name="unassigned"),
    path("new/", visits.order, name="order"),
    path("t/<str:token>/", offers.choose, name="choose_time"),
    path("t/<str:token>/visit.ics", offers.calendar_file, name="calendar_file"),
    path("b/<str:token>/", public.badge, name="badge"),
    path("b/<str:token>/photo/", public.badge_photo, name="badge_photo"),
    path("n/<str:token>/", public.note, name="note_link"),
    path("<str:number>/", visits.visit, name="visit"),
    path("<str:number>/sign/", phone.sign, name="sign"),
    path("<str:number>/hand-over/", phone.hand_over, name="hand_over"),
    path("<str:number>/share/", phone.share, name="share"),
    path("<str:number>/badge/", phone.badge, name="my_badge"),
    path("<str:number>/note/", phone.note, name="note"),
    path("<str:number>/phone/", visits.phone, name="phone"),
    path("<str:number>/resolve-ticket/", visits.resolve_ticket, name="resolve_ticket"),
    path("<str:number>/<str:verb>/", visits.act, name="act"),
]
