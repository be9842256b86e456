"""The pages of the administration and of the own account."""
