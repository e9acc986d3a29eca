// Package request imports another controller.
package veroorder

import _ "github.com/varmenne/varmenne-issuer/internal/controller/issuer"
