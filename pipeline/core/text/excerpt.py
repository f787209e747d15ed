"""Excerpt: a long text for people, cut in its middle: what matters most is said first or last."""


def excerpt(text: str, most: int = 300) -> str:
    """At most `most` characters; a third of them from its beginning, the rest from its end."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]} … {text[len(text) - (most - head - 3) :]}"
