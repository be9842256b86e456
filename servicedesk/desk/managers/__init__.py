"""The managers' pages. Each figure opens its records; `pages` says what all of them share."""
