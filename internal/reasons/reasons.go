// Package reasons says what each reason of the API means for whoever decides by it: one row for each. What has no row
// warns, holds a renewal up at once, and leaves credentials spent.
package reasons

import (
	"maps"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Meaning is a row of the table. The zero Meaning is the cautious one.
type Meaning struct {
	// Quiet: nobody has to do anything, so that its event is Normal. Others are Warnings.
	Quiet bool
	// Usual: every order comes to it when nothing goes wrong. Its status says so, and an event would be one more write.
	Usual bool
	// Renewal is how a renewal stands that the reason holds up.
	Renewal Renewal
	// Credentials is what becomes of transfer credentials whose order has failed for the reason.
	Credentials Credentials
	// Refuses is which requests can only be made anew when their order has failed for the reason.
	Refuses Refusal
	// MayPass: an order that has failed for the reason shows nothing about the next one, so that a renewal is tried
	// again, unless somebody has bought transfer credentials to get past it.
	MayPass bool
	// Waiting: an order waits for somebody other than the service, and once that is over the reason is out of date.
	Waiting bool
	// Momentary: it lasts for moments, and what the request has said before is still true.
	Momentary bool
	// Turn is who has to act before it is over.
	Turn Turn
	// Alert of the chart that names the reason; empty if none does.
	Alert string
}

// Renewal is how a renewal stands.
type Renewal int

// A renewal that Fails needs somebody at once. One that Stalls goes on by itself when something else passes: it needs
// somebody after some minutes. One that Proceeds does once half of its time is gone.
const (
	Fails Renewal = iota
	Stalls
	Proceeds
)

// Credentials is what transfer credentials are worth after a failed order.
type Credentials int

// Credentials are Spent, or Unspent, or Judged: the service has spoken about them, and others in their place may be
// used.
const (
	Spent Credentials = iota
	Unspent
	Judged
)

// Refusal is which requests an order's failure refuses for good.
type Refusal int

// A failure refuses RefusesNone, RefusesRenewals, or RefusesAll of them.
const (
	RefusesNone Refusal = iota
	RefusesRenewals
	RefusesAll
)

// Turn is who has to act next.
type Turn int

// It is the turn of a Person; or of the Service, the authority or the way to them, so that a person waits; or of
// Nobody, because the controller goes on by itself, or nothing is left to be done.
const (
	Person Turn = iota
	Service
	Nobody
)

// Names of the chart's alerts that are about reasons.
const (
	alertNotReady    = "VarmenneIssuerNotReady"
	alertUntrusted   = "VarmenneIssuerUntrusted"
	alertCredentials = "VarmenneWaitingForCredentials"
	alertHeldUp      = "VarmenneRequestHeldUp"
	alertFailed      = "VarmenneRequestFailed"
	alertStuck       = "VarmenneOrderStuck"
	alertPersonDue   = "VarmennePersonDue"
	alertExpiring    = "VarmenneTrackedCertificateExpiring"
	alertUrgent      = "VarmenneTrackedCertificateUrgent"
	alertRefused     = "VarmenneMessagesPasswordRefused"
	alertNeedsPerson = "VarmenneMessagesNeedsPerson"
	alertRetrieval   = "VarmenneMessagesRetrievalLate"
	alertOld         = "VarmenneMessagesPasswordOld"
	alertTooOld      = "VarmenneMessagesPasswordTooOld"
	alertUnready     = "VarmenneMessagesPasswordNotReady"
)

// NamesRequest reports whether an alert names the CertificateRequest that has the reason.
func (m Meaning) NamesRequest() bool {
	return m.Alert == alertCredentials || m.Alert == alertHeldUp || m.Alert == alertFailed
}

// Of is what a reason means.
func Of(reason string) Meaning { return meanings[reason] }

// All are the rows by reason.
func All() map[string]Meaning { return maps.Clone(meanings) }

// meanings is the table; a test compares it with the constants of the API and the alerts, and the reference is
// generated from it.
var meanings = map[string]Meaning{
	// Of issuers.
	v1alpha1.ReasonNotChecked:           {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonChecked:              {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonInvalidSpec:          {Alert: alertNotReady},
	v1alpha1.ReasonBundleNotFound:       {Alert: alertNotReady},
	v1alpha1.ReasonBundleInvalid:        {Alert: alertNotReady},
	v1alpha1.ReasonEndpointNotAllowed:   {Alert: alertNotReady},
	v1alpha1.ReasonEndpointUnreachable:  {Alert: alertNotReady, Turn: Service},
	v1alpha1.ReasonEndpointUntrusted:    {Alert: alertUntrusted},
	v1alpha1.ReasonWrongEnvironment:     {Alert: alertNotReady},
	v1alpha1.ReasonUntrustedCertificate: {Alert: alertUntrusted},
	v1alpha1.ReasonUntrustedResponse:    {Alert: alertUntrusted},
	v1alpha1.ReasonSharedAuthority:      {},

	// Of orders on their way.
	v1alpha1.ReasonOrderCreated: {Quiet: true, Usual: true, Renewal: Proceeds, Momentary: true, Turn: Nobody},
	v1alpha1.ReasonSubmitting: {
		Quiet: true, Usual: true, Renewal: Proceeds, Momentary: true, Alert: alertStuck, Turn: Service,
	},
	v1alpha1.ReasonRetryingSubmission:    {Quiet: true, Renewal: Stalls, Turn: Service},
	v1alpha1.ReasonSubmissionFailing:     {MayPass: true, Alert: alertStuck},
	v1alpha1.ReasonUncertain:             {Renewal: Stalls, Alert: alertStuck, Turn: Service},
	v1alpha1.ReasonAwaitingCertificate:   {Quiet: true, Usual: true, Renewal: Proceeds, Turn: Service},
	v1alpha1.ReasonRetrievalOverdue:      {Alert: alertStuck},
	v1alpha1.ReasonWrongCertificate:      {Alert: alertStuck},
	v1alpha1.ReasonIssuerNotFound:        {Quiet: true, Renewal: Stalls, Waiting: true, Alert: alertHeldUp},
	v1alpha1.ReasonIssuerNotReady:        {Quiet: true, Renewal: Stalls, Waiting: true},
	v1alpha1.ReasonIssuerChanged:         {Waiting: true, Credentials: Unspent, Alert: alertStuck},
	v1alpha1.ReasonWaitingForCredentials: {Quiet: true, Waiting: true, Alert: alertCredentials},
	v1alpha1.ReasonRetrievalIDNotAdopted: {Waiting: true, Alert: alertStuck},
	v1alpha1.ReasonClusterError:          {Renewal: Stalls, Waiting: true},

	// Of orders that a person fills.
	v1alpha1.ReasonApplicationDue: {Renewal: Proceeds, Waiting: true, Alert: alertPersonDue},
	v1alpha1.ReasonAwaitingAuthority: {
		Quiet: true, Renewal: Proceeds, Waiting: true, Alert: alertPersonDue, Turn: Service,
	},
	v1alpha1.ReasonCertificateRejected: {Renewal: Stalls, Waiting: true, Alert: alertPersonDue},
	v1alpha1.ReasonAwaitingValidity:    {Quiet: true, Renewal: Proceeds, Alert: alertPersonDue, Turn: Nobody},
	v1alpha1.ReasonApplicationStale:    {Waiting: true, Alert: alertPersonDue},

	// Of tracked certificates.
	v1alpha1.ReasonTracked:        {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonSourceNotFound: {Alert: alertPersonDue},
	v1alpha1.ReasonSourceInvalid:  {Alert: alertPersonDue},
	v1alpha1.ReasonExpiringSoon:   {Alert: alertExpiring},
	v1alpha1.ReasonExpired:        {Alert: alertUrgent},
	v1alpha1.ReasonChanged:        {Alert: alertPersonDue},
	v1alpha1.ReasonAcknowledged:   {Quiet: true, Turn: Nobody},

	// Of passwords.
	v1alpha1.ReasonPasswordProved:     {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonProvingPassword:    {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonRotated:            {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonNotRotating:        {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonRotationPrepared:   {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonRotationSent:       {Quiet: true, Turn: Service},
	v1alpha1.ReasonRotationUncertain:  {Alert: alertUnready, Turn: Service},
	v1alpha1.ReasonChangeRefused:      {Alert: alertNeedsPerson, Turn: Service},
	v1alpha1.ReasonPasswordRefused:    {Alert: alertRefused},
	v1alpha1.ReasonServiceUnavailable: {Alert: alertUnready, Turn: Service},
	v1alpha1.ReasonLoginsExhausted:    {Alert: alertUnready, Turn: Nobody},
	v1alpha1.ReasonEventsRefused:      {Alert: alertNeedsPerson},
	v1alpha1.ReasonSecretNotFound:     {Alert: alertNeedsPerson},
	v1alpha1.ReasonSecretInvalid:      {Alert: alertNeedsPerson},
	v1alpha1.ReasonUsernameChanged:    {Alert: alertNeedsPerson},
	v1alpha1.ReasonSecretShared:       {Alert: alertNeedsPerson},
	v1alpha1.ReasonStagingLost:        {Alert: alertRefused},
	v1alpha1.ReasonStagingNameTaken:   {Alert: alertNeedsPerson},
	v1alpha1.ReasonSuspended:          {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonPasswordFresh:      {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonAgeUnknown:         {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonSixMonthsOld:       {Alert: alertOld},
	v1alpha1.ReasonOneYearOld:         {Alert: alertTooOld},
	v1alpha1.ReasonRetrieved:          {Quiet: true, Turn: Nobody},
	v1alpha1.ReasonRetrievalLate:      {Alert: alertRetrieval},

	// Of orders that have ended.
	v1alpha1.ReasonIssued:             {Quiet: true, Usual: true, Turn: Nobody},
	v1alpha1.ReasonCredentialsRefused: {Credentials: Judged, Refuses: RefusesRenewals, MayPass: true},
	v1alpha1.ReasonRequestRefused:     {Credentials: Unspent, Refuses: RefusesAll},
	v1alpha1.ReasonSignatureRefused:   {Refuses: RefusesAll, MayPass: true},
	v1alpha1.ReasonRenewalRefused:     {},
	v1alpha1.ReasonCertificateExpired: {},
	v1alpha1.ReasonResponseLost:       {Credentials: Judged},
	v1alpha1.ReasonWithdrawn:          {Quiet: true, Renewal: Stalls, Credentials: Unspent, Turn: Nobody},

	// Of requests.
	v1alpha1.ReasonInvalidRequest:        {Alert: alertFailed},
	v1alpha1.ReasonDenied:                {Alert: alertFailed},
	v1alpha1.ReasonWaitingForApproval:    {Quiet: true, Renewal: Stalls, Alert: alertHeldUp},
	v1alpha1.ReasonWaitingForCertificate: {Quiet: true, Renewal: Stalls, Alert: alertHeldUp},
	v1alpha1.ReasonWaitingForWindow:      {Quiet: true, Renewal: Proceeds, Turn: Nobody},
	v1alpha1.ReasonWaitingForTurn:        {Quiet: true, Usual: true, Renewal: Proceeds, Turn: Nobody},
	v1alpha1.ReasonLargeKey:              {Turn: Nobody},
	v1alpha1.ReasonRenewalFailing:        {},
}
