# The image of varmenne-issuer for people who build images with an engine:
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" --build-arg COMMIT="$(git rev-parse HEAD)" \
#     --tag varmenne/varmenne-issuer:local .
#
# `make image` makes the same image without one. What is in it is decided in tools/image, for both.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY . .
ARG TARGETARCH=amd64 VERSION=unknown COMMIT=unknown
RUN make rootfs ROOTFS=/rootfs ARCHITECTURE="$TARGETARCH" VERSION="$VERSION" COMMIT="$COMMIT"

FROM scratch
ARG VERSION=unknown COMMIT=unknown
LABEL org.opencontainers.image.description="cert-manager issuer for the certificate service of the Finnish Tax Administration" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.source="https://github.com/varmenne/varmenne-issuer" \
      org.opencontainers.image.title="varmenne-issuer" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /rootfs /
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/varmenne-issuer"]
