"""Source: the commit, its tree and its history."""
