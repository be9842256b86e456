"""All that can happen here, one module per thing it happens to."""
