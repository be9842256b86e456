"""Demo data: sixty days of a service desk, made by calling the same actions as everybody."""
