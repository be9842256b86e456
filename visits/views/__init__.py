"""The pages of visits: the desk's, the engineer's telephone, and what a customer may see."""
