from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tickets.views import calls, intake, messages, promises, referrals

app_name = "tickets"

telephone: list[URLPattern | URLResolver] = [
    path("calls/", calls.call_list, name="calls"),
    path("calls/new/", intake.intake, name="intake"),
    path("calls/new/draft/", intake.draft, name="intake_draft"),
    path("calls/new/discard/", intake.discard, name="intake_discard"),
    path("calls/new/callers/", intake.callers, name="intake_callers"),
    path("calls/new/pick/", intake.pick, name="intake_pick"),
    path("calls/new/referrals/", intake.referrals, name="intake_referrals"),
    path("calls/<slug:number>/", calls.call_page, name="call"),
    path("calls/<slug:number>/done/", intake.done, name="call_done"),
    path("inbox/", messages.message_list, name="inbox"),
    path("inbox/messages/<uuid:uid>/", messages.message_page, name="message"),
    path("inbox/messages/<uuid:uid>/<slug:verb>/", messages.act, name="message_act"),
    path("inbox/callbacks/", promises.promise_list, name="promises"),
    path("inbox/callbacks/<uuid:uid>/", promises.promise_page, name="promise"),
    path("inbox/callbacks/<uuid:uid>/<slug:verb>/", promises.act, name="promise_act"),
    path("referrals/", referrals.directory, name="referrals"),
    path("referrals/<uuid:uid>/", referrals.edit, name="referral"),
    path("referrals/<uuid:uid>/retire/", referrals.retire, name="referral_retire"),
]

# /tickets/
urlpatterns: list[URLPattern | URLResolver] = [*telephone]
