"""PromQL tree: a query as the parser's nodes, or a ValueError, whatever the parser does."""

from typing import TYPE_CHECKING

from davy.checks.samples.selectors import plain_quotes

if TYPE_CHECKING:
    import promql_parser as promql


def parsed(query: str) -> "promql.Expr":
    """Raises ValueError where it is no PromQL, also where the parser itself panics."""
    import promql_parser as promql  # noqa: PLC0415 - heavy, and only linting needs it

    try:
        return promql.parse(plain_quotes(query))
    except BaseException as error:
        # The parser is Rust: where it panics, PyO3 raises what is no Exception, by a name that cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("it holds a number or a duration that no parser can read") from error
