// Package password makes passwords for the REST API of Suomi.fi Messages, checks those that people bring, and keeps
// all of them out of what is printed, logged or marshaled.
package password
