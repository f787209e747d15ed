"""Dockerfiles, each with one thing that BuildKit takes or refuses; what it said is in `dockerfile_answers.json`.

`PYTHONPATH=tests python tests/dockerfile_questions.py ORACLE` asks BuildKit's own packages anew.
"""

import json
import sys
from pathlib import Path

from build_questions import Question, asked

ANSWERS = Path(__file__).parent / "pipeline" / "dockerfile_answers.json"
NOTHING = (
    "ENV", "ARG", "WORKDIR", "USER", "STOPSIGNAL", "ONBUILD", "LABEL", "EXPOSE", "VOLUME", "CMD", "ENTRYPOINT",
    "SHELL", "MAINTAINER", "RUN", "COPY", "ADD", "HEALTHCHECK",
)  # fmt: skip
LINES = (
    *NOTHING, *(f"{name} x" for name in NOTHING), *(f"{name} x y" for name in NOTHING),
    *(f"{name} --nope x y" for name in NOTHING), *(f'{name} ["x", "y"]' for name in NOTHING),
    *(f"{name} []" for name in NOTHING), *(f'{name} ["x", 1]' for name in NOTHING),
    *(f'{name} ["x"]' for name in NOTHING),
    *(f"{name} [ x ]" for name in NOTHING), *(f"ONBUILD {name}" for name in NOTHING if name not in ("ONBUILD",
    "MAINTAINER")),
    "CMD [null]", "CMD [NaN]", 'RUN [["x"]]', 'RUN [ -f x ] || y', "RUN\u00a0x", "RUN \u00a0x", "USER a\u00a0b",
    "ENV A=1 B", "ENV A=1 B=2", "ENV A b c", "ENV =x", "ENV A=1 =2", 'ENV A="x', "ENV A='x", 'ENV A="x y" B=z',
    'ENV A="x\\"y"', "ENV A=x\\ y", "ENV A b\\", 'ENV A "x', "ENV A\tb", "ENV A=${B", "ENV A=${B^^}", "ENV A=${B-x}",
    "ENV A=${B:=x}", "ENV A=${B,,}", "ENV A=${B@Q}", "ENV A=${}", "ENV A=$", "ENV A='${B^^}'", "ENV A=\\${B^^}",
    "ENV A=${B/x}", "ENV A=${B/x/}", "ENV A=${B//x/y}", "ENV A=${B#*x}", "ENV A=${B%%x*}", "ENV A=${B:?no}",
    "ENV A=${B?}",
    "ENV ${B^^}=x", "ENV A=$(B)", "LABEL a=b c", 'LABEL "a b"=c', "LABEL a=${B^^}", 'LABEL a="x', "LABEL =x",
    "ARG =x", 'ARG A="x', "ARG A=x B", "ARG A B=c", "ARG A=${B^^}", "ARG A='x", "ARG A=${B:?no}", 'ARG "A"=x',
    "ARG A =x",
    "WORKDIR ${A^^}", 'WORKDIR "/a b"', 'WORKDIR "/a', "WORKDIR /a b", "USER ${A:-b}", 'USER "x', "USER a:b c",
    "STOPSIGNAL SIGTERM", "STOPSIGNAL term", "STOPSIGNAL 9", "STOPSIGNAL 0", "STOPSIGNAL SIGNOPE",
    "STOPSIGNAL RTMIN+3",
    "STOPSIGNAL -1", "STOPSIGNAL --x SIGTERM", "STOPSIGNAL SIGRTMAX-2", "STOPSIGNAL $A", "STOPSIGNAL ${A:-15}",
    "EXPOSE abc", "EXPOSE 80", "EXPOSE 80/tcp 90/udp", "EXPOSE 80/http", "EXPOSE 80-90", "EXPOSE 90-80",
    "EXPOSE 65536",
    "EXPOSE 80:90", "EXPOSE 0", "EXPOSE 80/", "EXPOSE /tcp", "EXPOSE -1", "EXPOSE $A", "EXPOSE ${A:-80}",
    'EXPOSE "80 90"',
    "EXPOSE 80/TCP", "EXPOSE 80/sctp", "EXPOSE 1.2.3.4:80:90", "EXPOSE x:80:90", 'EXPOSE "80', "EXPOSE 8 0",
    "EXPOSE 80,90",
    "EXPOSE 1.2.3:80:90", "EXPOSE 90-91:80-82", "EXPOSE 90-95:80", "EXPOSE x:80", "EXPOSE 80-80", "EXPOSE 80-",
    'VOLUME [""]', 'VOLUME ["/a", " "]', "VOLUME /a /b", "VOLUME $A", 'VOLUME "/a', "VOLUME ${A^^}", "VOLUME [/a]",
    'SHELL ["bash", "-c"]', "SHELL bash -c", "SHELL ['bash']", "CMD x", "ENTRYPOINT [x]", "MAINTAINER a b",
    "HEALTHCHECK NONE", "HEALTHCHECK none", "HEALTHCHECK NONE x", "HEALTHCHECK CMD", "HEALTHCHECK CMD x",
    "HEALTHCHECK x",
    'HEALTHCHECK CMD ["x"]', "HEALTHCHECK CMD []", 'HEALTHCHECK CMD ["x", 1]', "HEALTHCHECK cmd x",
    "HEALTHCHECK\tCMD\tx",
    *(f"HEALTHCHECK --{flag}={value} CMD x" for flag in ("interval", "timeout", "start-period", "start-interval")
      for value in ("5", "5s", "1m30s", "0", "", "1us", "1500us", "1ms", "-5s", ".5s", "5 s", "5S", "1d", "+5s",
    "1h2")),
    *(f"HEALTHCHECK --retries={value} CMD x" for value in ("3", "0", "-1", "x", "", "3.5", "99999999999", "+2",
    "-0")),
    "HEALTHCHECK --interval=5 NONE", "HEALTHCHECK --nope=5 CMD x", "HEALTHCHECK --interval CMD x",
    "HEALTHCHECK --interval=1s --interval=2s CMD x", "HEALTHCHECK --nope NONE", "HEALTHCHECK --retires=3 CMD x",
    *(f"COPY --chmod={mode} a.txt /" for mode in (
        "99", "755", "0755", "7777", "10000", "u=rwX", "u=rwX,go=rX", "a+x", "+x", "u+q", "x", "", "u=", "u", "8",
    "-x", "$A",
        "${A:-755}", "go-w,", "u=rw,+X", "u=g", "ug=rw-x", "1755", "0", "+t", "u+s", "077777777777777", "rwx",
    "u=rwx go=r")),
    "COPY https://example.com/x /", "COPY http://x /", 'COPY ["https://x/y", "/"]', "COPY --chmod a.txt /",
    "COPY git@x.y:a/b.git /",
    "COPY https://example.com/x.git /", "COPY ${A:-https://x/y} /", "COPY <<E /\nE", "COPY a.txt <<E\nE",
    "COPY --from= a.txt /",
    "COPY --link a.txt /", "COPY --link=true a.txt /", "COPY --link=FALSE a.txt /", "COPY --link= a.txt /",
    "COPY --link=1 a.txt /",
    "COPY --link --link a.txt /", "COPY --parents a.txt /", "COPY --parents=x a.txt /", "COPY --exclude a.txt /",
    "COPY --exclude=x --exclude=y src /", "COPY --exclude= src /", "COPY --chown=a --chown=b a.txt /",
    "COPY --chown=${A^^} a.txt /",
    "COPY --chown= a.txt /", "COPY --keep-git-dir a.txt /", "COPY --checksum=sha256:1 a.txt /",
    "COPY --form=b a.txt /",
    "COPY --FROM=b a.txt /", "COPY ${A^^} /", "COPY a.txt ${A^^}", 'COPY "a.txt /', "COPY a.txt '/",
    'COPY ["a.txt", "${A^^}"]',
    "COPY -- --link /", "COPY -x a.txt /", "COPY --from=$A a.txt /", "COPY --from=a$ x /", "COPY --from=9 x /",
    "COPY --from=x-y x /",
    *(f"ADD --checksum={value} https://example.com/x /" for value in (
        "md5:1", "sha256:1", f"sha256:{'a' * 64}", f"sha512:{'a' * 128}", f"sha384:{'a' * 96}", f"sha256:{'A' * 64}",
        f"sha256:{'g' * 64}", f"sha256:{'a' * 63}", "a" * 64, "", "$A", "sha1:" + "a" * 40, f"SHA256:{'a' * 64}")),
    f"ADD --checksum=sha256:{'a' * 64} a.txt /", f"ADD --checksum=sha256:{'a' * 64} https://x/a https://x/b /",
    f"ADD --checksum={'a' * 40} https://example.com/x/y.git /", "ADD --checksum=x https://example.com/x/y.git /",
    f"ADD --checksum={'a' * 40} git@example.com:x/y.git /", "ADD https://example.com/x /",
    "ADD git@example.com:x/y.git /",
    "ADD --keep-git-dir=true https://example.com/x/y.git /", "ADD --keep-git-dir=yes https://example.com/x/y.git /",
    "ADD --unpack https://example.com/x /", "ADD --unpack=no https://example.com/x /", "ADD --from=x a.txt /",
    "ADD --parents a.txt /",
    "ADD --chmod=99 a.txt /", "ADD --link --exclude=x src /", "ADD --chcksum=x https://x/y /",
    *(f"RUN --mount={fields} ls" for fields in (
        "type=bind,frm=busybox,target=/x", "type=bind,from=busybox,target=/x", "type=nope,target=/x",
    "type=cach,target=/x",
        "target=/x", "source=a.txt,target=/x", "src=a.txt,dst=/x", "Type=Cache,Target=/x", "type=cache",
    "type=bind", "",
        "type=cache,target=/x,sharing=locked", "type=cache,target=/x,sharing=lock",
    "type=bind,target=/x,sharing=locked",
        "type=cache,target=/x,mode=0755,uid=1,gid=2", "type=cache,target=/x,mode=999", "type=cache,target=/x,uid=x",
        "type=cache,target=/x,uid=-1", "type=bind,target=/x,mode=0755", "type=tmpfs,target=/x,uid=1",
    "type=tmpfs,target=/x,size=1g",
        "type=tmpfs,target=/x,size=1x", "type=tmpfs,target=/x,size=1.5mb", "type=tmpfs,target=/x,size=",
    "type=bind,target=/x,size=1g",
        "type=tmpfs,target=/x,size=1KiB", "type=secret,id=x", "type=secret", "type=secret,id=x,source=y",
    "type=secret,target=/x",
        "type=secret,id=x,required", "type=secret,id=x,required=maybe", "type=secret,id=x,required=true",
    "type=secret,id=x,env=X",
        "type=secret,id=x,from=y", "type=secret,id=x,sharing=locked", "type=ssh", "type=ssh,required",
    "type=ssh,id=x,mode=0600",
        "type=bind,target=/x,required", "required,type=secret,id=x", "type=cache,target=/x,required=true",
    "type=bind,target=/x,ro",
        "type=bind,target=/x,rw", "type=bind,target=/x,readonly=yes", "type=bind,target=/x,rw=false",
    "type=bind,target=/x,rw=T",
        "type=bind,target=/x,foo", "type=bind,target", "type=bind,target=/x,id=y", "type=bind,target=/x,=y",
    "type=bind,,target=/x",
        "type=$A,target=/x", "type=${A:-cache},target=/x", "type=cache,target=${A^^}", "type=cache,target=/x,mode=$A",
        "type=cache,target=/x,uid=${A:-x}", "type=bind,from=$A,target=/x", "type=bind,target=/", "type=bind,target=x",
        '\'type=bind,"target=/x"\'', '\'type=bind,"target=/x\'', '\'type=bind,tar"get=/x\'',
    "type=bind,target=/x,targt=/y",
        "type=cache,target=/x,sharing=", "type=cache,target=/x,mode=", "type=secret,id=", "type=secret,src=x",
    "type=secret,dst=/x",
        "type=bind,target=/x,readonly=true,rw", "size=1,type=tmpfs,target=/x")),
    "RUN --network=nope x", "RUN --network=none x", "RUN --network=host x", "RUN --network=default x",
    "RUN --network= x",
    "RUN --network x", "RUN --network=NONE x", "RUN --network=${A:-none} x", "RUN --security=insecure x",
    "RUN --security=sandbox x",
    "RUN --security=none x", "RUN --security= x",
    "RUN --device x", "RUN --nework=none x", "RUN --mount x", "RUN -- --mount x",
    "RUN --network=none --network=host x",
    "RUN <<E\nx\nE", "RUN <<E", 'RUN echo "x', "RUN ${A^^}", 'RUN --mount="type=cache,target=/x" ls', "CMD ${A^^}",
    'CMD "x', "ENTRYPOINT 'x",
    "ONBUILD ENV A", "ONBUILD COPY a", "ONBUILD RUN --nope x", "ONBUILD COPY --form=x a b", "ONBUILD CMD [1]",
    "ONBUILD LABEL a=b c",
    "ONBUILD EXPOSE abc", "ONBUILD ONBUILD RUN x", "ONBUILD MAINTAINER x", "ONBUILD FROM x",
    "ONBUILD copy --chmod=99 a b",
    "MAINTAINER", "RUNN x", "FORM x", "COPPY a b",
    "# " + "x" * 65_533, "# " + "x" * 65_534, "RUN " + "x" * 65_530,
    "RUN " + "x" * 65_531, "RUN " + "x" * 65_532, "RUN " + "x" * 70_000,
    "RUN " + "é" * 32_765, "RUN " + "é" * 32_766, "RUN <<E\n" + "x" * 65_536 + "\nE", "RUN x \\\n" + "y" * 65_536,
)  # fmt: skip
WHOLE = (
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nFROM a",
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nFROM b",
    "FROM alpine AS a\nCOPY --from=a /x /",
    "FROM alpine AS a\nCOPY --from=A /x /\nFROM busybox",
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nCOPY --from=a /x /",
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nCOPY --from=a /x /\nFROM scratch",
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM busybox AS b\nCOPY --from=c /x /\nFROM scratch AS c\n"
    "COPY --from=a / /\n"
    "FROM scratch",
    "FROM alpine AS a\nCOPY --from=1 /x /\nFROM busybox\nFROM a",
    "FROM alpine AS a\nCOPY --from=0 /x /",
    "FROM alpine\nCOPY --from=1 /x /\nFROM busybox",
    "FROM alpine AS a\nRUN --mount=from=b,target=/x ls\nFROM busybox AS b\nFROM a",
    "FROM alpine AS a\nRUN --mount=from=a,target=/x ls",
    "FROM alpine AS a\nFROM busybox AS b\nCOPY --from=a /x /",
    "FROM alpine AS a\nFROM a AS b\nCOPY --from=a /x /",
    "FROM alpine AS a\nCOPY --from=b /x /\nFROM a AS b",
    "FROM alpine AS a\nFROM busybox AS a\nCOPY --from=a /x /",
    "FROM alpine AS a\nONBUILD COPY --from=b /x /\nFROM busybox AS b\nFROM a",
    "FROM alpine AS a\nONBUILD COPY --from=b /x /\nFROM a AS c\nFROM busybox AS b\nFROM c",
    "FROM alpine AS a\nONBUILD COPY --from=b /x /\nFROM busybox AS b",
    "FROM alpine AS a\nONBUILD COPY x\nFROM a",
    "FROM alpine AS a\nONBUILD COPY --chmod=99 a.txt /\nFROM a",
    "FROM alpine AS a\nONBUILD EXPOSE abc\nFROM a",
    "FROM alpine AS a\nONBUILD RUN --nope x\nFROM a",
    "FROM alpine AS a\nEXPOSE abc\nFROM busybox",
    "FROM alpine AS a\nCOPY --chmod=99 a.txt /\nFROM busybox",
    "FROM alpine AS a\nENV A\nFROM busybox",
    "FROM alpine AS a\nENV A=${B^^}\nFROM busybox",
    "FROM alpine AS a\nCOPY a\nFROM busybox",
    "FROM alpine AS a\nRUN --mount=frm=b,target=/x y\nFROM busybox",
    "FROM --platform=$BULIDPLATFORM alpine", "FROM --platform=$BUILDPLATFORM alpine",
    "FROM --platform=linux/arm64 alpine",
    "FROM --platform= alpine", "FROM --platform alpine", "FROM --platform=$X alpine",
    "ARG X=linux/amd64\nFROM --platform=$X alpine",
    "ARG X\nFROM --platform=$X alpine", "FROM --platform=linux alpine", "FROM --platform=amd64 alpine",
    "FROM --platform=lnux alpine",
    "FROM --platform=linux/nope alpine", "FROM --platform=linux/arm/v7 alpine", "FROM --platform=a/b/c/d alpine",
    "FROM --platform=linux/ alpine", "FROM --platform=linux/${TARGETARCH} alpine",
    "FROM --platform=${BUILDOS}/arm64 alpine",
    "FROM --platform=* alpine", "FROM --platform=linux/* alpine", "FROM --platform=Linux/AMD64 alpine",
    "FROM --platform=AMD64 alpine",
    "FROM --platform=${X^^} alpine", "FROM --platform=${X:-linux/amd64} alpine", "FROM --plaform=linux/amd64 alpine",
    "FROM --platform=$NOPE alpine AS a\nFROM busybox", "FROM --platform=x86_64 alpine", "FROM --platform=i386 alpine",
    "FROM --platform=macos alpine", "FROM --platform=windows(10.0)/amd64 alpine", "FROM --platform=armhf alpine",
    "FROM alpine AS a\u00a0b", "FROM alpine\u00a0AS a", "\u00a0FROM alpine", "FROM ${X^^}", "FROM", "FROM a b",
    "FROM a AS",
    'ARG A="x\nFROM alpine', "ARG A=${B^^}\nFROM alpine", "ARG\nFROM alpine", "ARG =x\nFROM alpine",
    "ARG A='x y'\nFROM alpine",
    "ARG A=${B:?no}\nFROM alpine", "# escape=`\nFROM alpine\nENV A=x` y", "# escape=`\nFROM alpine\nENV A=\"x`\"\"",
    "# escape=`\nFROM alpine\nENV A=\"x\\\"", "# escape=`\nFROM alpine\nCOPY --chmod=`99 a.txt /",
)  # fmt: skip
GIVEN = (
    ('FROM alpine\nARG A="x', {"A": "y"}), ('ARG A="x\nFROM alpine', {"A": "y"}), ("FROM alpine\nARG A=${B:?no}",
    {"A": "y"}),
    ("ARG X\nFROM --platform=$X alpine", {"X": "linux/amd64"}), ("FROM scratch\nARG A\nCOPY --chmod=$A a.txt /",
    {"A": "99"}),
    ("FROM scratch\nARG A\nEXPOSE $A", {"A": "abc"}), ("FROM scratch\nARG A\nRUN --mount=type=$A,target=/x y",
    {"A": "nope"}),
)  # fmt: skip


def _line(line: str, base: str = "base") -> Question:
    named = line if len(line) < LONG else f"{line[:20]}… of {len(line)}"
    return Question(name=named if base == "base" else f"{base}: {named}", dockerfile=f"FROM {base}\n{line}\n")


LONG = 200
QUESTIONS = (
    *map(_line, dict.fromkeys(LINES)),
    *(_line(line, "scratch") for line in dict.fromkeys(LINES) if "$" in line),
    *(Question(name=text, dockerfile=f"{text}\n") for text in WHOLE),
    *(Question(name=f"{text} {args}", dockerfile=f"{text}\n", args=args) for text, args in GIVEN),
)


def refused(oracle: Path | str, every: int = 1) -> dict[str, str]:
    """What BuildKit says of each, or of every so-manieth; empty: it takes it."""
    return {name: one.get("error", "") for name, one in asked(oracle, QUESTIONS[::every]).items()}


if __name__ == "__main__":
    said = (f"{json.dumps(name)}: {json.dumps(what)}" for name, what in refused(sys.argv[1]).items())
    ANSWERS.write_text("{\n" + ",\n".join(said) + "\n}\n", encoding="utf-8")
