"""A Dockerfile for each feature that not every builder knows. `base` stands for an image that is there."""

from davy.pipeline.builds.dockerfile.features import FRONTEND, GIT, HEREDOCS, PLATFORM_IN_FROM, SUBSTITUTION

SUM = "sha256:" + "0" * 64
SAMPLES = {
    "RUN --mount": "FROM base\nRUN --mount=type=cache,target=/c true\n",
    "RUN --network": "FROM base\nRUN --network=none true\n",
    "RUN --security": "FROM base\nRUN --security=sandbox true\n",
    "RUN --device": "FROM base\nRUN --device=a.example/b true\n",
    "COPY --chmod": "FROM base\nCOPY --chmod=0755 a /\n",
    "COPY --link": "FROM base\nCOPY --link a /\n",
    "COPY --parents": "FROM base\nCOPY --parents a /\n",
    "COPY --exclude": "FROM base\nCOPY --exclude=b a /\n",
    "ADD --chmod": "FROM base\nADD --chmod=0755 a /\n",
    "ADD --link": "FROM base\nADD --link a /\n",
    "ADD --exclude": "FROM base\nADD --exclude=b a /\n",
    "ADD --checksum": f"FROM base\nADD --checksum={SUM} https://127.0.0.1:1/x /\n",
    "ADD --keep-git-dir": "FROM base\nADD --keep-git-dir=true a /\n",
    "ADD --unpack": "FROM base\nADD --unpack=true https://127.0.0.1:1/x.tar /\n",
    "HEALTHCHECK --start-interval": "FROM base\nHEALTHCHECK --start-interval=5s CMD true\n",
    HEREDOCS: "FROM base\nCOPY <<E /x\nhi\nE\n",
    FRONTEND: "# syntax=frontend.example/mine:1\nFROM base\nCOPY a /\n",
    PLATFORM_IN_FROM: "FROM --platform=$BUILDPLATFORM base\nCOPY a /\n",
    SUBSTITUTION: "FROM base\nARG V=v1\nLABEL v=${V#v}\n",
    GIT: "FROM base\nADD https://127.0.0.1:1/x.git /\n",
}
