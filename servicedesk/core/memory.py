"""The memory of a web process: what lives as long as it does, and what lives for one request."""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave to itself what was loaded at the start; look for garbage after more than one page's worth.

    Models, forms and templates are some hundred thousand objects that never go. Python would look
    through them again and again while pages are made, which took up to a third of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
