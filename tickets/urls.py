from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tickets.views import calls, intake, messages, promises, referrals, remote, tickets

app_name = "tickets"

telephone: list[URLPattern | URLResolver] = [
    path("calls/", calls.call_list, name="calls"),
    path("calls/new/", intake.intake, name="intake"),
    path("calls/new/draft/", intake.draft, name="intake_draft"),
    path("calls/new/discard/", intake.discard, name="intake_discard"),
    path("calls/new/callers/", intake.callers, name="intake_callers"),
    path("calls/new/pick/", intake.pick, name="intake_pick"),
    path("calls/new/referrals/", intake.referrals, name="intake_referrals"),
    path("calls/new/knowledge/", intake.knowledge, name="intake_knowledge"),
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

desk: list[URLPattern | URLResolver] = [
    path("", tickets.ticket_list_page, name="list"),
    path("views/", tickets.save_view, name="save_view"),
    path("views/<uuid:uid>/delete/", tickets.delete_view, name="delete_view"),
    path("bulk-assign/", tickets.bulk_assign, name="bulk_assign"),
    path("colleagues/", tickets.worker_options, name="worker_options"),
    path("handovers/<uuid:uid>/<slug:verb>/", tickets.act_on_handover, name="handover_act"),
    path("extensions/<slug:number>/link/", tickets.extension_link, name="extension_link"),
    path(
        "extensions/<slug:number>/hand-over/",
        tickets.hand_over_extension,
        name="extension_hand_over",
    ),
    path("extensions/<slug:number>/<slug:verb>/", tickets.act_on_extension, name="extension_act"),
    path("remote/", remote.session_list, name="remote_list"),
    path("remote/<slug:number>/", remote.session_page, name="remote"),
    path("remote/<slug:number>/<slug:verb>/", remote.act, name="remote_act"),
    # Numbers begin with TK-, so they meet none of the words above.
    path("<slug:number>/", tickets.ticket_page, name="ticket"),
    path("<slug:number>/changes/", tickets.ticket_changes, name="changes"),
    path("<slug:number>/edit/", tickets.edit, name="edit"),
    path("<slug:number>/remote/", remote.prepare, name="prepare_remote"),
    path("<slug:number>/<slug:verb>/", tickets.act, name="act"),
]

# /tickets/
urlpatterns: list[URLPattern | URLResolver] = [*telephone, *desk]
