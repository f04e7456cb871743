"""Reading sources and importing them."""
