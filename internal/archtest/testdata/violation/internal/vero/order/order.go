// Package order imports another controller.
package order

import _ "github.com/varmenne/varmenne-issuer/internal/vero/issuer"
