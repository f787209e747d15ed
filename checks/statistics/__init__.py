"""Statistics: the formulas. Pure, on numbers alone."""
