"""`davy judge` and `davy slo`."""
