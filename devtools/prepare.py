"""Tables and translations, in one process, because starting Django takes longer than the work.

Runs in the environment of the product; its last line says whether there are people yet, and
which log-ins the demo data has: none, where the product comes without it.
"""

from __future__ import annotations

import io
import json

import django
from django.core.management import call_command, get_commands


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    call_command("migrate", verbosity=0)
    call_command("catalogue", "compile")
    logins = io.StringIO()
    if "demo" in get_commands():
        call_command("demo", "--logins", stdout=logins)
    users = get_user_model().objects.exists()
    print(json.dumps({"logins": logins.getvalue(), "users": users}))


if __name__ == "__main__":
    main()
