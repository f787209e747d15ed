"""Text: numbers, times and foreign words as people may read them."""
