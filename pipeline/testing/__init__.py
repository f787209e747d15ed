"""Testing: how suites are spread, tried again and judged, and how clouds are spoken to; all of it pure."""
