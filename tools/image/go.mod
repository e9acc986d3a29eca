// The program that makes the container image, in a module of its own so that its dependencies do not reach
// the product. What is in the image is pinned here: among it the CA certificates, which are Mozilla's.
module github.com/varmenne/varmenne-issuer/tools/image

go 1.26.0

require (
	github.com/google/go-containerregistry v0.22.1
	golang.org/x/crypto/x509roots/fallback v0.0.0-20261030153154-30a33513ff6d
)

require (
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
