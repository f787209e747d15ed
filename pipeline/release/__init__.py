"""Release: its steps as a plan, and what came of them as a summary."""
