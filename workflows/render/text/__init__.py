"""Plain text: lines, tables, summaries."""
