"""What the scripts of the engineer's telephone need from the page they stand on."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from servicedesk.core.assets import asset_version
from servicedesk.core.phone import unsent_at

register = template.Library()


@register.simple_tag(takes_context=True)
def makes_visits(context: dict[str, Any]) -> bool:
    """Whoever makes visits has the outbox, on every page that he opens."""
    request = context.get("request")
    actor = getattr(request, "actor", None)
    return actor is not None and actor.may("visits.work")


@register.simple_tag(takes_context=True)
def phone_user(context: dict[str, Any]) -> SafeString:
    """Whose outbox it is, as attributes of <body>."""
    return format_html(' data-user="{}"{}', context["request"].user.uid, phone_basics())


@register.simple_tag(takes_context=True)
def unsent_here(context: dict[str, Any]) -> int:
    """What the person's phone still held by its last report; its own script knows better."""
    request = context["request"]
    return unsent_at(request.actor.id, request.headers.get("User-Agent", ""))


@register.simple_tag
def phone_basics() -> SafeString:
    """What is the same for everybody: the version of the scripts, and their words."""
    words = json.dumps(_words(), ensure_ascii=False)
    return format_html(' data-app="{}" data-phone-words="{}"', asset_version(), words)


def _words() -> dict[str, str]:
    return {
        # the bar
        "unsent": _("{1} not sent yet · oldest {2}"),
        "unsentLogin": _("{1} not sent yet · log in to send them"),
        "waiting": _("{1} wait for what was done before"),
        "stuck": _("{1} not accepted: please look"),
        "offline": _("No network: what you record is kept on this phone"),
        "online": _("Connected"),
        "foreign": _("Somebody else is logged in on this phone; your entries wait for you"),
        "slow": _("The phone's clock is {1} min slow"),
        "fast": _("The phone's clock is {1} min fast"),
        "clockRight": _("The phone's clock is right"),
        "clockUnknown": _("The phone's clock has not been compared yet"),
        # acts
        "stored": _("Recorded on this phone; it is sent as soon as there is a network."),
        "storedLogin": _("Recorded on this phone; it is sent after you log in."),
        "storedHere": _("Keep this page open, or open it again later: then it is sent."),
        "notStored": _("Nothing was recorded: this browser does not let us store anything."),
        "full": _("Nothing was recorded: the storage of this phone is full."),
        "notStoredHelp": _("What you typed is still here. Make room, then try again; or, with a network:"),
        "sendDirectly": _("Send directly"),
        "takePhoto": _("Take a photo"),
        "waitLeft": _("Wait another {1}; then you may leave the note"),
        "waitTime": _("{1} min {2} s"),
        "waitOver": _("15 minutes are over: you may leave the note"),
        "waitBell": _("Tell me when it is over"),
        "foundParts": _("Parts of the list"),
        "scan": _("Scan a code"),
        "noCamera": _("The camera cannot be used here; type the code."),
        # pages of the phone itself
        "today": _("Today"),
        "todayCount": _("Today · {1} visits"),
        "asOf": _("As of {1}"),
        "noNetwork": _("No network"),
        "noPack": _("Nothing is on this phone yet. Open this page once with a network."),
        "notHere": _("This visit is not on this phone. It opens when there is a network."),
        "needsNetwork": _("This needs a network."),
        "nextNeedsNetwork": _("Next: “{1}”. This needs a network."),
        "tryAgain": _("Connect again"),
        "nothing": _("Nothing to do now"),
        "clash": _("Clash: {1} {2}"),
        "notSent": _("{1} not sent"),
        "onThisPhone": _("Recorded on this phone, not sent yet"),
        "speak": _("Say"),
        "more": _("More"),
        "customersAnswer": _("The customer's answer"),
        "customerDone": _("The customer has answered. It is sent as soon as there is a network."),
        "signHere": _("Let the customer sign"),
        # the queue
        "queue": _("Not sent yet"),
        "toQueue": _("See what is not sent"),
        "allSent": _("Everything is sent"),
        "headRefused": _("Not accepted: please decide"),
        "headElsewhere": _("Sent from another phone of yours"),
        "headUnsent": _("Not sent yet"),
        "headSent": _("Sent lately ({1})"),
        "stateUnsent": _("waits for a network"),
        "stateTried": _("tried, not confirmed yet"),
        "stateWaiting": _("waits for what was done before"),
        "stateRefused": _("not accepted"),
        "stateBroken": _("could not be sent"),
        "content": _("What was entered"),
        "photos": _("Photos or files: {1}"),
        "mend": _("Mend and send again"),
        "toVisit": _("To the visit"),
        "discard": _("Throw away"),
        "whyDiscard": _("Why is it thrown away?"),
        "sureRemove": _("It never reached the service desk. Throw it away for good?"),
        "sendNow": _("Send now"),
        "export": _("Save as a file"),
        "loginTitle": _("Your session has ended. Nothing is lost: log in, and all is sent."),
        "login": _("Log in"),
        "loggedOut": _("Not logged in"),
        "othersUnsent": _("{1} entries of a colleague wait on this phone. They are sent when the colleague logs in."),
        "thisPhone": _("This phone"),
        "persisted": _("The browser keeps the entries for good"),
        "notPersisted": _("The browser may clear the entries after a week without a visit: send them soon"),
        "used": _("Storage used: {1} MB"),
        # leaving, installing
        "notOut": _("{1} entries are not sent yet. You stay logged in, so that they are not lost."),
        "install": _("Add this page to the home screen (browser menu): it then starts without a network, too."),
        "installShort": _("Put the desk on the home screen: it then starts without a network, too."),
        "installNow": _("Add"),
        "installWeChat": _("In WeChat this works only while it is open: choose “open in browser” in the menu, for visits without a network."),
        "close": _("Close"),
    }  # fmt: skip
