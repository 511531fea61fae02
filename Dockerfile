# One program per image: --build-arg PROGRAM=claviger-broker | attestation-agent | claviger-controller | claviger.
# The build context is what scripts/image.sh assembles: rootfs/ with the program and the libraries it needs, so that any
# base works, the empty one too.
ARG BASE=scratch
FROM ${BASE}
ARG PROGRAM
COPY rootfs/ /
USER 65532:65532
ENV PATH=/usr/bin
LABEL org.opencontainers.image.title="${PROGRAM}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/entrypoint"]
