// Package secrets reads what the controller may know only for a moment: transfer credentials, the key of the
// certificate that is renewed, and the bundles of an issuer. It reads with an uncached reader and one get at a time,
// because the controller may neither list nor watch Secrets, and it hands out types that print as [redacted].
package secrets
