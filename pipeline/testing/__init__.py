"""Testing: suites as parts, how they are spread, and what their tries add up to. Pure."""
