// Package issuer is the other controller.
package issuer
