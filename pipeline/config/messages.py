"""Messages: what pydantic has against a value, said for people."""

from collections.abc import Mapping
from typing import Any

from davy.pipeline.config.document import Config
from davy.pipeline.config.parsing import section
from davy.pipeline.config.parsing.section import Section
from davy.pipeline.config.parsing.yaml_tree import Place, shown
from davy.pipeline.config.sections.images.keys import ImageConfig
from davy.pipeline.core.text.excerpt import excerpt

KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to texts",
    "dataclass_type": "a mapping with keys of its own",
    "model_type": "a mapping with keys of its own",
    "time_delta_type": "a duration, like 500ms, 15s, 1m30s or 2h",
    "time_delta_parsing": "a duration, like 500ms, 15s, 1m30s or 2h",
}
LIMITS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}
OF_OTHERS = {
    "annotations": "`labels` are the manifest's annotations, too",
    "inherits": "`<<: *name` of YAML takes keys of another image, `matrix` makes several of one",
    "dockerfile_inline": "davy builds by files: write it into one, and name that by `dockerfile`",
    "load": "davy pushes each image, and names it by digest from there on",
    "output": "davy pushes each image, and names it by digest from there on",
    "privileged": "did you mean `entitlements: [security.insecure]`?",
    "pull": "bases go by their digest: `davy build lock --update` renews it",
    **dict.fromkeys(("no_cache", "no_cache_filter"), "`davy build --no-cache` takes no step from a cache"),
    **dict.fromkeys(("build_args", "buildargs"), "did you mean `args`?"),
    **dict.fromkeys(("additional_contexts", "build_contexts"), "did you mean `contexts`?"),
    **dict.fromkeys(("add_hosts", "add_host", "hosts"), "did you mean `extra_hosts`?"),
    "allow": "did you mean `entitlements`?",
}
"""What build options of Compose, Bake and Docker are called here."""
SURE = 0.75
"""So alike are a key that is known elsewhere and the one beside it that was meant: `image` and `images`."""

PATTERNS = {
    r"^\d+(Ki|Mi|Gi)$": "must be a size, like 512Mi or 2Gi",
}
NAMES = "must be letters, digits, `-`, `_` or `.`, and begin and end with a letter or digit"


def part_at(place: Place) -> type[Section] | None:
    """The part of the configuration that a place is in."""
    kind: type[Section] | None = Config
    for step in place:
        if isinstance(step, int):
            continue
        field = section.keys(kind).get(step) if kind else None
        kind = next(iter(section.held(field.type)), None) if field else None
    return kind


def homes(kind: type[Section], place: Place = ()) -> dict[str, Place]:
    """For each key of the file, where it belongs; the shallowest place where there are several."""
    found: dict[str, Place] = {}
    for key, field in section.keys(kind).items():
        found.setdefault(key, place)
        for inner in section.held(field.type):
            for deeper, home in homes(inner, (*place, key)).items():
                found.setdefault(deeper, home)
    return found


def unknown(place: Place) -> str:
    """For a key that is not known: which one may have been meant, or where it belongs."""
    key, kind = str(place[-1]), part_at(place[:-1])
    known = list(section.keys(kind)) if kind else []
    other = OF_OTHERS.get(key.replace("-", "_")) if kind is ImageConfig else None
    if other:
        return f"unknown key; {other}"
    home = homes(Config).get(key)
    elsewhere = f"`{key}` belongs under `{shown(home)}`" if home else ""
    import difflib  # noqa: PLC0415 - only for a strange key

    close = difflib.get_close_matches(key, known, n=1, cutoff=SURE if home else 0.6)
    if close:
        return f"unknown key; did you mean `{close[0]}`?" + (f" ({elsewhere})" if elsewhere else "")
    if elsewhere:
        return f"unknown key here; {elsewhere}"
    return f"unknown key; known here: {', '.join(sorted(known))}"


def sentence(error: Mapping[str, Any], place: Place) -> str:
    """What is wrong and what would be right, of one of pydantic's errors."""
    kind, context, value = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return f"is missing{_told(place)}"
    if kind == "extra_forbidden":
        return unknown(place)
    if kind == "value_error":
        return str(context["error"])
    if kind in KINDS:
        return f"must be {KINDS[kind]}, not {told(value)}" + (
            '; put it in quotes: "…"' if kind == "string_type" and isinstance(value, bool | int | float) else ""
        )
    if kind in LIMITS:
        name, words = LIMITS[kind]
        return f"{words} {told_limit(context[name])}"
    return _rest(kind, context, value, str(error["msg"]))


def _rest(kind: str, context: Mapping[str, Any], value: object, said: str) -> str:
    match kind:
        case "literal_error":
            choices = str(context["expected"]).replace("'", "`")
            return f"must be {choices}, not {told(value)}"
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], NAMES) + f", not {told(value)}"
        case "string_too_short" | "too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case _:
            return said[:1].lower() + said[1:]


def _told(place: Place) -> str:
    kind = part_at(place[:-1])
    field = section.keys(kind).get(str(place[-1])) if kind else None
    said = field.metadata.get("description") if field else None
    return f": {said}" if said else ""


def told_limit(limit: object) -> str:
    """A limit without a needless `.0`."""
    return f"{limit:g}" if isinstance(limit, int | float) else str(limit)


def told(value: object) -> str:
    """What a value is, in plain words."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:60] + "…")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {excerpt(str(value), 60)}"
    words = {type(None): "nothing", list: "a list", tuple: "a list", dict: "a mapping"}
    return words.get(type(value), "that")
