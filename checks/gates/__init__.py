"""Gates: questions that a release asks before it begins."""
