"""Condition parser: what `pipeline.conditions` asks of an answer, read out of what a person wrote."""

import re
from collections.abc import Iterator

from davy.pipeline.config.parsing.condition import (
    Amount,
    Compared,
    Condition,
    Constant,
    Each,
    Item,
    Joined,
    Length,
    Negated,
    Quantified,
    ResultValue,
    Test,
    Truth,
)
from davy.pipeline.core.text.shares import share_of

NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*%?"
TOKEN = re.compile(rf"\s*(?:{NUMBER}|[A-Za-z_]\w*|[<>=!]=|&&|\|\||[-+<>!()\[\],#{{}}])", re.ASCII)
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
QUANTIFIERS = ("all", "any", "none")
TESTS = ("isNaN", "isInf")
SAME = {"and": "&&", "or": "||", "not": "!"}
DEEPEST = 30


def condition(text: str) -> Condition:
    """The condition a text means. Raises ValueError where it is none."""
    try:
        reader = _Reader(text)
        tree = reader.whole()
    except ValueError as error:
        how = "write it like `>= 0.95`, `< 5%` or `result[0] >= 0.95`"
        raise ValueError(f"{text!r} is no condition; {how} ({error})") from None
    return Condition(text=" ".join(text.split()), tree=tree, short=reader.short)


class _Reader:
    """Reads one text, left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]
        self._place = 0
        self._depth = 0
        self._inside = False
        self._names_result = False
        self.short = False

    def whole(self) -> Truth:
        """All of it."""
        found = _truth(self._either(), "it")
        if self._next:
            raise ValueError(f"{self._next!r} is one too many")
        if self.short and self._names_result:
            raise ValueError("it mixes `result` with a comparison that has no left side")
        return found

    @property
    def _next(self) -> str:
        return self._tokens[self._place]

    def _take(self, *wanted: str) -> str:
        token = self._next
        if wanted and token not in wanted:
            raise ValueError(f"{' or '.join(wanted)} is missing{f' before {token!r}' if token else ' at its end'}")
        if not token:
            raise ValueError("something is missing at its end")
        self._place += 1
        return token

    def _either(self) -> Truth | Amount:
        left = self._both()
        while self._next == "||":
            self._take()
            left = Joined(operator="||", left=_truth(left, "||"), right=_truth(self._both(), "||"))
        return left

    def _both(self) -> Truth | Amount:
        left = self._plain()
        while self._next == "&&":
            self._take()
            left = Joined(operator="&&", left=_truth(left, "&&"), right=_truth(self._plain(), "&&"))
        return left

    def _plain(self) -> Truth | Amount:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("it is nested too deep")
        found = self._single()
        self._depth -= 1
        return found

    def _single(self) -> Truth | Amount:
        if self._next == "!":
            self._take()
            return Negated(of=_truth(self._plain(), "!"))
        if self._next in COMPARISONS:
            self.short = self.short or not self._inside
            return self._compared(Each())
        left = self._operand()
        return self._compared(left) if self._next in COMPARISONS else left

    def _compared(self, left: Truth | Amount) -> Truth:
        operator = self._take()
        return Compared(operator=operator, left=_amount(left, operator), right=_amount(self._operand(), operator))

    def _operand(self) -> Truth | Amount:
        word = self._take()
        if word == "(":
            found = self._either()
            self._take(")")
            return found
        if word == "#":
            if not self._inside:
                raise ValueError("# stands only inside all, any and none")
            return Each()
        if word in ("-", "+"):
            number = _number(self._take())
            return Constant(value=-number if word == "-" else number)
        return self._named(word)

    def _named(self, word: str) -> Truth | Amount:
        if word == "result":
            return self._answer()
        if word == "len":
            self._names_result = True
            for token in ("(", "result", ")"):
                self._take(token)
            return Length()
        if word in TESTS:
            self._take("(")
            found = _amount(self._operand(), word)
            self._take(")")
            return Test(name=word, of=found)
        return self._quantified(word) if word in QUANTIFIERS else Constant(value=_number(word))

    def _answer(self) -> Amount:
        self._names_result = True
        if self._next != "[":
            return ResultValue()
        self._take("[")
        place = _number(self._take())
        self._take("]")
        if place != int(place):
            raise ValueError("a place in the result is a whole number")
        return Item(place=int(place))

    def _quantified(self, name: str) -> Truth:
        self._names_result = True
        for token in ("(", "result", ","):
            self._take(token)
        braces = self._next == "{"
        if braces:
            self._take()
        before, self._inside = self._inside, True
        found = _truth(self._either(), name)
        self._inside = before
        if braces:
            self._take("}")
        self._take(")")
        return Quantified(name=name, of=found)


def _truth(node: Truth | Amount, who: str) -> Truth:
    if isinstance(node, Amount):
        raise ValueError("it compares nothing" if who == "it" else f"{who} takes conditions, not numbers")
    return node


def _amount(node: Truth | Amount, who: str) -> Amount:
    if isinstance(node, Truth):
        raise ValueError(f"{who} takes numbers, not conditions")
    return node


def _tokens(text: str) -> Iterator[str]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = TOKEN.match(text, place)
        if not found:
            raise ValueError(f"{text[place:].strip()[:20]!r} means nothing here")
        place = found.end()
        token = found.group().strip()
        yield SAME.get(token, token)


def _number(token: str) -> float:
    try:
        return share_of(float(token[:-1])) if token.endswith("%") else float(token)
    except ValueError:
        raise ValueError(f"{token!r} is no number") from None
