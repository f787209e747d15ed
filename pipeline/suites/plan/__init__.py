"""Plan: which pieces a suite is, in which order, and which machine runs them."""
