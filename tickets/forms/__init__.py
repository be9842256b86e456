"""The forms of the pages, one module per thing; each field is an argument of its action."""
