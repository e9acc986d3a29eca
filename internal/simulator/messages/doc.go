// Package messages stands for the REST API of Suomi.fi Messages, as far as its password goes: tokens for a password, a
// change of the password, and events that a token opens. Where the real service is not documented it is as strict as
// its probable backend, Amazon Cognito: one password at a time, a history of old ones, a lock-out that grows and
// refuses the right password with the same 400, and a limit of changes.
//
//	POST /v1/token             username, password                        ──▶ access_token, or 400
//	POST /v1/change-password   accessToken, currentPassword, newPassword ──▶ 200, or 400, for an old token too
//	GET  /v2/events            Authorization: Bearer TOKEN, or TOKEN     ──▶ at most 1,000 events, or 401
//
// Passwords are kept as digests, with a key that is another in every process: the ledger tells which are equal, and
// nothing else.
package messages
