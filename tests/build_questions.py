"""Dockerfiles and trees that a build takes files from; what BuildKit answers stands in `pipeline/build_answers.json`.

`PYTHONPATH=tests python -m build_questions ORACLE` asks it anew; ORACLE is the lab's program of that name.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).parent / "pipeline" / "build_answers.json"

SHOP = {
    "Dockerfile": "FROM scratch",
    "README.md": "hello",
    "davy.yaml": "service: shop",
    "davy.lock": "version: 1",
    "go.mod": "module shop",
    "go.sum": "",
    "main.go": "package main",
    "a.txt": "a",
    "b.txt": "b",
    "b.md": "b",
    "[x].txt": "x",
    "v1/app": "1",
    "v2/app": "2",
    "dir/app": "of the base",
    "amd64/bin": "amd64",
    "arm64/bin": "arm64",
    "src/main.py": "main",
    "src/lib/one.py": "1",
    "src/lib/two.py": "2",
    "src/lib/one.pyc": "1",
    "src/lib/deep/three.py": "3",
    "src2/other.py": "2",
    "svc/web/go.mod": "module web",
    "svc/web/main.go": "package web",
    "svc/api/go.mod": "module api",
    "svc/api/inner/go.mod": "module inner",
    "svc/api/main.go": "package api",
}
LINKS = {
    "real/file": "1",
    "real/sub/x": "x",
    "real/sub/up": "-> ../file",
    "other/y": "y",
    "link": "-> real/file",
    "folder": "-> real/sub",
    "twice": "-> folder",
    "absolute": "-> /real/sub",
    "upward": "-> ../../real/file",
    "out": "-> /etc/passwd",
    "circle": "-> circle",
    "globs/one": "-> ../real/file",
    "globs/two": "2",
    "globs/not.here": "-> nowhere",
}
IGNORED = SHOP | {".dockerignore": "*.md\nsrc/**/*.pyc\nsvc/*\n!svc/web\ndavy.*\n"}
TREES = {"shop": SHOP, "links": LINKS, "ignored": IGNORED}


@dataclass(frozen=True)
class Question:
    """One build."""

    name: str
    dockerfile: str
    tree: str = "shop"
    args: dict[str, str] = field(default_factory=dict)
    target: str = ""
    platforms: tuple[str, ...] = ()
    wide: bool = False
    """True where davy cannot know what BuildKit does, and counts more."""

    def said(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dockerfile": self.dockerfile,
            "args": self.args,
            "target": self.target,
            "platforms": list(self.platforms),
            "files": TREES[self.tree],
        }


def _one(name: str, *lines: str, **more: Any) -> Question:
    return Question(name=name, dockerfile="\n".join(lines) + "\n", **more)


def _scratch(name: str, *lines: str, **more: Any) -> Question:
    return _one(name, "FROM scratch", *lines, **more)


def _base(name: str, *lines: str, **more: Any) -> Question:
    return _one(name, "FROM base", *lines, **more)


BOTH = ("linux/amd64", "linux/arm64")
QUESTIONS = (
    _scratch("a file", "COPY main.go /"),
    _scratch("a folder", "COPY src /src"),
    _scratch("a folder with a slash", "COPY src/ /src/"),
    _scratch("several", "COPY go.mod go.sum /"),
    _scratch("all", "COPY . /"),
    _scratch("all from the root", "COPY / /"),
    _scratch("dots in between", "COPY ./src/../main.go /"),
    _scratch("dots that lead out", "COPY ../../main.go /"),
    _scratch("a slash before", "COPY /main.go /"),
    _scratch("slashes", "COPY src//lib///one.py /"),
    _scratch("json", 'COPY ["main.go", "a.txt", "/"]'),
    _scratch("quotes", "COPY \"main.go\" 'a.txt' /"),
    _scratch("a star", "COPY *.txt /"),
    _scratch("a star in the midst", "COPY svc/*/go.mod /"),
    _scratch("a star that takes folders", "COPY sr* /"),
    _scratch("a question mark", "COPY ?.txt /"),
    _scratch("a set", "COPY [ab].txt /"),
    _scratch("a set that is turned", "COPY [^a].txt /"),
    _scratch("a range", "COPY v[1-2]/app /"),
    _scratch("an escaped bracket", "COPY [[]x].txt /"),
    _scratch("two stars without parents", "COPY src/** /"),
    _scratch("a star for nothing", "COPY *.nothing /"),
    _scratch("a file that is not there", "COPY nothing /"),
    _scratch("a file below a file", "COPY main.go/x /"),
    _scratch("exclude", "COPY --exclude=*.pyc src/lib /"),
    _scratch("exclude deep", "COPY --exclude=**/*.py src /"),
    _scratch("exclude twice", "COPY --exclude=lib --exclude=*.py src /"),
    _scratch("exclude with an exception", "COPY --exclude=lib --exclude=!lib/one.py src /"),
    _scratch("exclude from all", "COPY --exclude=src --exclude=svc . /"),
    _scratch("exclude of what a star takes", "COPY --exclude=*.md b.* /"),
    _scratch("exclude with a slash before", "COPY --exclude=/lib src /"),
    _scratch("parents", "COPY --parents src/lib/one.py /"),
    _scratch("parents of a folder", "COPY --parents src/lib /"),
    _scratch("parents with a star", "COPY --parents svc/*/go.mod /"),
    _scratch("parents with two stars", "COPY --parents svc/**/go.mod /"),
    _scratch("parents with a pivot", "COPY --parents svc/./**/go.mod /"),
    _scratch("parents with a pivot and a folder", "COPY --parents ./src/./lib /"),
    _scratch("parents and exclude", "COPY --parents --exclude=**/inner svc/**/go.mod /"),
    _scratch("parents that are not there", "COPY --parents src/nothing /"),
    _scratch("parents for nothing", "COPY --parents **/nothing /"),
    _scratch("parents of all", "COPY --parents **/*.go /"),
    _scratch("parents is false", "COPY --parents=false src/lib /"),
    _scratch("link and chmod", "COPY --link --chmod=755 main.go /"),
    _scratch("a heredoc", "COPY <<EOF /a", "main.go", "EOF"),
    _scratch("a heredoc and a file", "COPY a.txt <<EOF <<B /", "x", "EOF", "y", "B"),
    _scratch("add a file", "ADD a.txt /"),
    _scratch("add an address", "ADD https://example.com/a.txt /"),
    _scratch("add an address and a file", "ADD https://example.com/a.txt b.txt /"),
    _scratch("an argument", "ARG V=v1", "COPY $V/app /"),
    _scratch("an argument of the build", "ARG V=v1", "COPY ${V}/app /", args={"V": "v2"}),
    _scratch("an argument that nobody declares", "COPY v1$V/app /", args={"V": "x"}),
    _scratch("an argument without a value", "ARG V", "COPY src$V/lib /"),
    _one("a global argument", "ARG V=v1", "FROM scratch", "ARG V", "COPY $V /"),
    _one("a global argument that is not asked for", "ARG V=v1", "FROM scratch", "COPY src$V /"),
    _one("an own default before a global one", "ARG V=v1", "FROM scratch", "ARG V=v2", "COPY $V /"),
    _scratch("an argument of an argument", "ARG N=1", "ARG V=v$N", "COPY $V /", args={"N": "2"}),
    _scratch("env", "ENV V=v2", "COPY $V /"),
    _scratch("env as it was written once", "ENV V v2", "COPY $V /"),
    _scratch("env after an argument", "ARG V=v1", "ENV V=v2", "COPY $V /"),
    _scratch("an argument after env", "ENV V=v2", "ARG V=v1", "COPY $V /"),
    _scratch("env sees what was before all of it", "ENV V=v1", "ENV V=v2 W=$V", "COPY $W /"),
    _scratch("a default in the word", "COPY ${V:-v1} /"),
    _scratch("cut off the word", "ARG V=v1.0", "COPY ${V%.*} /"),
    _scratch("replaced in the word", "ARG V=v.1", "COPY ${V/./} /"),
    _one("env of the stage before", "FROM scratch AS a", "ENV V=v1", "FROM a", "COPY $V /"),
    _one("an argument of the stage before", "FROM scratch AS a", "ARG V=v1", "FROM a", "COPY $V /"),
    _base("what the base sets", "COPY $BASE/app /", wide=True),
    _base("what the base sets in an argument", "ARG V=$BASE", "COPY $V/app /", wide=True),
    _base("what the base might set", "COPY ${V:-v1} /", wide=True),
    _base("what hides the base", "ENV BASE=v1", "COPY $BASE /"),
    _scratch("the path", "COPY src$PATH /", wide=True),
    _scratch("the platform", "ARG TARGETARCH", "COPY $TARGETARCH /", platforms=BOTH),
    _scratch("one platform", "ARG TARGETARCH", "COPY $TARGETARCH /", platforms=("linux/arm64",)),
    _scratch("the platform where none is said", "ARG TARGETARCH", "COPY $TARGETARCH /", wide=True),
    _scratch("the platform without an ARG", "COPY src$TARGETARCH/lib /", platforms=BOTH),
    _scratch("the builder's platform", "ARG BUILDARCH", "COPY $BUILDARCH /", platforms=BOTH, wide=True),
    _one("the stage's name", "FROM scratch AS src", "ARG TARGETSTAGE", "COPY $TARGETSTAGE /"),
    _scratch("escape", "COPY src/\\", "  lib /"),
    _one("another escape", "# escape=`", "FROM scratch", "COPY src/`", "lib /"),
    _scratch("comments in between", "COPY main.go \\", "# a.txt \\", " b.txt /"),
    _base("a mount of all", "RUN --mount=target=/x true"),
    _base("a mount of a folder", "RUN --mount=type=bind,source=src/lib,target=/x true"),
    _base("a mount of a file", "RUN --mount=src=go.mod,dst=/go.mod true"),
    _base("a mount with a variable", "ARG V=v1", "RUN --mount=source=$V,target=/x true"),
    _base("a mount that may be written", "RUN --mount=source=src,target=/x,rw true"),
    _base("a mount of a cache", "RUN --mount=type=cache,target=/x true"),
    _base("a mount of memory", "RUN --mount=type=tmpfs,target=/x true"),
    _base("a mount of a secret", "RUN --mount=type=secret,id=a,target=/x true"),
    _base("a mount of a stage", "RUN --mount=from=other,source=/src,target=/x true"),
    _base("two mounts", "RUN --mount=source=go.mod,target=/a --mount=source=go.sum,target=/b true"),
    _base("a mount with a star", "RUN --mount=source=sr*,target=/x true"),
    _base("a mount of what is not there", "RUN --mount=source=nothing,target=/x true"),
    _base("a run", "RUN cat /main.go"),
    _base("a workdir", "WORKDIR /src", "COPY main.go ."),
    _one("a stage that is not needed", "FROM scratch AS a", "COPY src /", "FROM scratch", "COPY v1 /"),
    _one("a stage that is needed", "FROM scratch AS a", "COPY src /", "FROM scratch", "COPY --from=a /lib /"),
    _one("a stage by its number", "FROM scratch", "COPY src /", "FROM scratch", "COPY --from=0 /lib /"),
    _one("a target", "FROM scratch AS a", "COPY src /", "FROM scratch", "COPY v1 /", target="a"),
    _one("a stage in a mount", "FROM scratch AS a", "COPY v2 /", "FROM base", "RUN --mount=from=a,target=/x true"),
    _one("an image", "FROM scratch", "COPY --from=image /src /"),
    _one("onbuild of the target", "FROM scratch", "ONBUILD COPY src /"),
    _one("onbuild of the stage before", "FROM scratch AS a", "ONBUILD COPY src /", "FROM a", "COPY v1 /"),
    _one("onbuild of a stage that is copied", "FROM scratch AS a", "COPY v2 /", "ONBUILD COPY src /", "FROM scratch",
         "COPY --from=a / /"),
    _one("onbuild with a variable", "FROM scratch AS a", "ONBUILD ARG V=v1", "ONBUILD COPY $V /", "FROM a"),
    _scratch("a link", "COPY link /", tree="links"),
    _scratch("a link to a folder", "COPY folder /", tree="links"),
    _scratch("below a link", "COPY folder/x /", tree="links"),
    _scratch("a link to a link", "COPY twice/x /", tree="links"),
    _scratch("a link from the root", "COPY absolute /", tree="links"),
    _scratch("a link that leads up", "COPY upward /", tree="links"),
    _scratch("a link that leads out", "COPY out /", tree="links"),
    _scratch("a link to itself", "COPY circle /", tree="links"),
    _scratch("a link within a folder", "COPY real/sub /", tree="links"),
    _scratch("a link that a star takes", "COPY globs/o* /", tree="links"),
    _scratch("a star below a link", "COPY folder/x* /", tree="links"),
    _scratch("parents and a link", "COPY --parents real/sub/up /", tree="links"),
    _base("a mount of a link", "RUN --mount=source=folder,target=/x true", tree="links"),
    _scratch("what the rules leave", "COPY src svc README.md* /", tree="ignored"),
    _scratch("what the rules leave out", "COPY README.md /", tree="ignored"),
    _scratch("what the rules leave of a folder", "COPY svc /", tree="ignored"),
    _scratch("all that the rules leave", "COPY . /", tree="ignored"),
    _base("a mount of what the rules leave", "RUN --mount=source=svc,target=/x true", tree="ignored"),
    _scratch("a star beside the rules", "COPY b.* /", tree="ignored"),
)  # fmt: skip

PARTS = ("src", "lib", "deep", "svc", "web", "api", "*", "?", "**", "s*", "[a-v]*", "v1", "app", "*.py", "*.go", ".")
ENDS = ("main.go", "*.txt", "", "one.py", "go.mod", "*", "$V", "${W:-src}", "main.*")
FLAGS = ("", "", "", "--parents ", "--exclude=*.py ", "--exclude=**/go.mod ", "--exclude=lib --exclude=!**/one.py ")
LINKED = ("real", "sub", "folder", "link", "twice", "x", "file", "globs", "*", "o*", "absolute", "up", "..", "other")


def generated(count: int, seed: int = 1) -> tuple[Question, ...]:
    """As many random builds; the same seed, the same ones."""
    chance = random.Random(seed)
    return tuple(_generated(chance, f"generated {seed}.{number}") for number in range(count))


def _generated(chance: random.Random, name: str) -> Question:
    tree = chance.choice(("shop", "shop", "ignored", "links"))
    lines = ["ARG V=v1"]
    stages = chance.randint(1, 3)
    for number in range(stages):
        lines.append(f"FROM {chance.choice(('scratch', 'base', *(f's{one}' for one in range(number))))} AS s{number}")
        lines += [_instruction(chance, tree, number) for _ in range(chance.randint(0, 3))]
    return Question(name=name, dockerfile="\n".join(lines) + "\n", tree=tree, args=chance.choice(({}, {"V": "v2"})))


def _instruction(chance: random.Random, tree: str, number: int) -> str:
    kind = chance.randint(0, 9)
    if kind == 0:
        return chance.choice(("ARG V", "ENV V=src", "ARG W=svc", "ENV W=$V", "ARG V=v2"))
    if kind == 1 and number:
        return f"COPY --from=s{chance.randrange(number)} / /x"
    source = _source(chance, tree)
    if kind == 2:
        return f"RUN --mount=source={source.replace('*', 'x')},target=/x true"
    return f"{chance.choice(('COPY', 'COPY', 'ADD'))} {chance.choice(FLAGS)}{source} /x/".replace(
        "ADD --parents", "ADD"
    )


def _source(chance: random.Random, tree: str) -> str:
    parts = LINKED if tree == "links" else PARTS
    path = [chance.choice(parts) for _ in range(chance.randint(0, 3))]
    end = chance.choice(LINKED if tree == "links" else ENDS)
    return "/".join(filter(None, (*path, end))) or "."


def asked(oracle: Path | str, questions: tuple[Question, ...]) -> dict[str, dict[str, Any]]:
    """What BuildKit answers, by the question's name."""
    said = json.dumps([one.said() for one in questions])
    ended = subprocess.run([str(oracle)], input=said, capture_output=True, text=True, check=True)
    return {one["name"]: one for one in json.loads(ended.stdout)}


RECORDED = (*QUESTIONS, *generated(150))


def text_of(answers: dict[str, dict[str, Any]]) -> str:
    """The file's text: a line an answer."""
    kept = {name: _kept(one) for name, one in answers.items()}
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in kept.items()) + "\n}\n"


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: answer[key] for key in ("error", "fails", "images", "counts") if answer.get(key)}


if __name__ == "__main__":
    ANSWERS.write_text(text_of(asked(sys.argv[1], RECORDED)), encoding="utf-8")
