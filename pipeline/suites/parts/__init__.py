"""Parts: what several CI jobs ran of the same suites, and whether that is all."""
