"""Story: one run as events: composed, shown, written down."""
