// Package request imports another controller.
package request

import _ "github.com/varmenne/varmenne-issuer/internal/controller/issuer"
