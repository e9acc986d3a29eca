package v1alpha1

// Condition types.
const (
	// ConditionReady, on issuers: True when spec and bundles hold and the endpoint answers. On orders: True when the
	// certificate is there; while False its reason says what the order is waiting for, or why it failed. Unknown until
	// the controller has looked at the object for the first time.
	ConditionReady = "Ready"
	// ConditionTrustOverlap, on issuers: True while spec.trust.responses leads to certificates that an authority of
	// spec.trust.issuance issues, which would let its customers sign responses. Its message names the authority. Absent
	// where the bundles are separated, and not changed while they cannot be read. It has no part in Ready.
	ConditionTrustOverlap = "TrustOverlap"
	// ConditionSubmitted, on CertificateRequests: True once the service has accepted the request. Its reason is the
	// operation, its message the RetrievalId, its lastTransitionTime when the service accepted. Absent before, and until
	// the certificate is there or 15 seconds have passed; False where the service has said that the RetrievalId is
	// another's. It is for people: nothing reads it back.
	ConditionSubmitted = "varmenne.dev/Submitted"
	// ConditionRenewalFailing, on CertificateRequests: True while a certificate in use is to be replaced and that needs
	// somebody's attention. Its reason is what hinders it, its message says when the certificate expires and how long
	// that is from now. False when it is over, absent where there was no trouble.
	ConditionRenewalFailing = "varmenne.dev/RenewalFailing"
)

// Conditions of a ManualOrder beside Ready.
const (
	// ConditionPersonDue is True while a person has to do something. Its reason is what, its message how, and
	// status.instructions has all the steps.
	ConditionPersonDue = "PersonDue"
)

// Conditions of a TrackedCertificate beside Ready, which is True when it can be read and has not ended.
const (
	// ConditionExpiringSoon is True from spec.remindBefore on before the end. Its message says what to do.
	ConditionExpiringSoon = "ExpiringSoon"
	// ConditionNoticeDue is True while status.notice is to be sent to somebody.
	ConditionNoticeDue = "NoticeDue"
)

// Reasons of a TrackedCertificate's conditions, and of the events about them.
const (
	// ReasonTracked: the certificate is read and watched over.
	ReasonTracked = "Tracked"
	// ReasonSourceNotFound: what spec.source names does not exist, or may not be read.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSourceInvalid: what spec.source names holds no certificate.
	ReasonSourceInvalid = "SourceInvalid"
	// ReasonExpiringSoon: the certificate ends soon, and somebody has to get another one.
	ReasonExpiringSoon = "ExpiringSoon"
	// ReasonExpired: the certificate has ended.
	ReasonExpired = "Expired"
	// ReasonChanged: facts of spec.changeNotice have changed, and somebody has to be told.
	ReasonChanged = "Changed"
	// ReasonAcknowledged: whom it concerns knows of the certificate as it is.
	ReasonAcknowledged = "Acknowledged"
)

// Conditions of a MessagesPassword beside Ready, which is True while the service takes the password of the Secret and
// rotations go as planned.
const (
	// ConditionRotating is True while a rotation is in flight.
	ConditionRotating = "Rotating"
	// ConditionNeedsPerson is True while nothing goes on without a person. Its message says what to ask of whom.
	ConditionNeedsPerson = "NeedsPerson"
	// ConditionPasswordOld is True when the password is older than six months, after which the owner of the service
	// recommends a rotation, and with another reason when it is older than the year after which it demands one.
	ConditionPasswordOld = "PasswordOld"
	// ConditionRetrievalLate is True when the last retrieval of end users' messages is longer ago than
	// spec.retrieval.maxAge. Absent without spec.retrieval.
	ConditionRetrievalLate = "RetrievalLate"
)

// Reasons of a MessagesPassword's conditions, and of the events about it.
const (
	// ReasonPasswordProved: the service takes the password of the Secret.
	ReasonPasswordProved = "PasswordProved"
	// ReasonProvingPassword: the password of the Secret is about to be proved.
	ReasonProvingPassword = "ProvingPassword"
	// ReasonRotated: the Secret has a new password, which the service takes.
	ReasonRotated = "Rotated"
	// ReasonNotRotating: no rotation is in flight.
	ReasonNotRotating = "NotRotating"
	// ReasonRotationPrepared: a new password is there, and nothing was sent.
	ReasonRotationPrepared = "RotationPrepared"
	// ReasonRotationSent: the new password was sent, and is about to be proved.
	ReasonRotationSent = "RotationSent"
	// ReasonRotationUncertain: it is not known whether the service has taken the new password. Both are kept, and it is
	// asked.
	ReasonRotationUncertain = "RotationUncertain"
	// ReasonChangeRefused: the service refuses to change the password, and still takes the one of the Secret. It is tried
	// again.
	ReasonChangeRefused = "ChangeRefused"
	// ReasonPasswordRefused: the service refuses every password that there is: they are wrong, or the account is locked
	// for a while. It is asked again.
	ReasonPasswordRefused = "PasswordRefused"
	// ReasonServiceUnavailable: the service cannot be reached, or does not answer as it should.
	ReasonServiceUnavailable = "ServiceUnavailable"
	// ReasonLoginsExhausted: there were as many failed log-ins in the last hour as there may be; the next one waits.
	ReasonLoginsExhausted = "LoginsExhausted"
	// ReasonEventsRefused: the service gives a token for the password, and refuses the events that a token is for.
	ReasonEventsRefused = "EventsRefused"
	// ReasonSecretNotFound: the Secret does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretInvalid: the Secret lacks a key, or holds what can be no password.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonUsernameChanged: the Secret has another username than the rotation in flight.
	ReasonUsernameChanged = "UsernameChanged"
	// ReasonSecretShared: another MessagesPassword rotates the same account, and goes first.
	ReasonSecretShared = "SecretShared"
	// ReasonStagingLost: somebody has deleted the Secret with the new password before it was known whether the service
	// takes it.
	ReasonStagingLost = "StagingLost"
	// ReasonStagingNameTaken: a Secret that no rotation has made has the name under which the next one keeps its password.
	ReasonStagingNameTaken = "StagingNameTaken"
	// ReasonSuspended: spec.suspend keeps rotations from beginning.
	ReasonSuspended = "Suspended"
	// ReasonPasswordFresh: the password is younger than six months.
	ReasonPasswordFresh = "PasswordFresh"
	// ReasonAgeUnknown: as PasswordFresh, of a password that a person has put there, and counted from its first sight.
	ReasonAgeUnknown = "AgeUnknown"
	// ReasonSixMonthsOld: the password is older than six months.
	ReasonSixMonthsOld = "SixMonthsOld"
	// ReasonOneYearOld: the password is older than a year.
	ReasonOneYearOld = "OneYearOld"
	// ReasonRetrieved: messages of end users were fetched in time.
	ReasonRetrieved = "Retrieved"
	// ReasonRetrievalLate: messages of end users were not fetched in time.
	ReasonRetrievalLate = "RetrievalLate"
)

// Reasons of a ManualOrder's conditions, and of the events about them.
const (
	// ReasonApplicationDue: somebody has to carry the request to the authority.
	ReasonApplicationDue = "ApplicationDue"
	// ReasonAwaitingAuthority: the request was carried there; what comes back is awaited, and somebody has to bring it.
	ReasonAwaitingAuthority = "AwaitingAuthority"
	// ReasonCertificateRejected: what was brought back cannot be used; the message says why. Something else may be
	// brought in its place.
	ReasonCertificateRejected = "CertificateRejected"
	// ReasonAwaitingValidity: the certificate is there, and begins later. The one in use stays until then.
	ReasonAwaitingValidity = "AwaitingValidity"
	// ReasonApplicationStale: no CertificateRequest waits for this key and these names any more. Whoever has applied has
	// to stop the application.
	ReasonApplicationStale = "ApplicationStale"
)

// Reasons of an issuer's Ready condition.
const (
	// ReasonNotChecked: Ready is Unknown; the controller has not checked the issuer yet. The API server writes it. Also on
	// tracked certificates that were not read yet.
	ReasonNotChecked = "NotChecked"
	// ReasonChecked: Ready; bundles were read and the endpoint completed a TLS handshake.
	ReasonChecked = "Checked"
	// ReasonInvalidSpec: a field breaks a rule of the certificate service.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonBundleNotFound: a ConfigMap, Secret or key that spec.trust (of a MessagesPassword, spec.tls) names does not
	// exist.
	ReasonBundleNotFound = "BundleNotFound"
	// ReasonBundleInvalid: a bundle of spec.trust (of a MessagesPassword, spec.tls) holds no usable certificates.
	ReasonBundleInvalid = "BundleInvalid"
	// ReasonEndpointNotAllowed: the controller's --allowed-endpoints does not let spec.url be called; nothing is connected
	// to.
	ReasonEndpointNotAllowed = "EndpointNotAllowed"
	// ReasonEndpointUnreachable: no connection to the service.
	ReasonEndpointUnreachable = "EndpointUnreachable"
	// ReasonEndpointUntrusted: the service's TLS certificate does not verify.
	ReasonEndpointUntrusted = "EndpointUntrusted"
	// ReasonWrongEnvironment: the service has answered PKI005; it is not of spec.environment. Also on orders.
	ReasonWrongEnvironment = "WrongEnvironment"
	// ReasonUntrustedCertificate: an issued certificate does not chain to spec.trust.issuance. Also on orders.
	ReasonUntrustedCertificate = "UntrustedCertificate"
	// ReasonUntrustedResponse: the signature of a response does not verify with spec.trust.responses. Also on orders.
	ReasonUntrustedResponse = "UntrustedResponse"
)

// Reasons of an issuer's TrustOverlap condition, and of the event about it.
const (
	// ReasonSharedAuthority: an authority that issues certificates is in spec.trust.responses and in
	// spec.trust.issuance.
	ReasonSharedAuthority = "SharedAuthority"
)

// Reasons of an order's Ready condition, and of the events about it.
const (
	// ReasonIssuerNotFound: the issuer is gone; the order goes on when it is back.
	ReasonIssuerNotFound = "IssuerNotFound"
	// ReasonIssuerNotReady: the issuer is not Ready; nothing is sent.
	ReasonIssuerNotReady = "IssuerNotReady"
	// ReasonIssuerChanged: the issuer now names another customer or environment than the order.
	ReasonIssuerChanged = "IssuerChanged"
	// ReasonWaitingForCredentials: transfer credentials are missing, incomplete, or not those the order was made with.
	ReasonWaitingForCredentials = "WaitingForCredentials"
	// ReasonRetrievalIDNotAdopted: what the annotation varmenne.dev/adopt-retrieval-id holds was not taken over, because
	// it is no RetrievalId, or because the order has its certificate, or a RetrievalId that a verified response carried.
	// An order that was not accepted yet is not sent before the annotation is corrected or removed.
	ReasonRetrievalIDNotAdopted = "RetrievalIDNotAdopted"
	// ReasonSubmitting: the request is being sent.
	ReasonSubmitting = "Submitting"
	// ReasonRetryingSubmission: the request will be sent again after a passing failure.
	ReasonRetryingSubmission = "RetryingSubmission"
	// ReasonSubmissionFailing: as RetryingSubmission, for the fifth time and more.
	ReasonSubmissionFailing = "SubmissionFailing"
	// ReasonUncertain: the request was sent and no response that can be relied on came back.
	ReasonUncertain = "SubmissionUncertain"
	// ReasonAwaitingCertificate: accepted; the certificate is being made.
	ReasonAwaitingCertificate = "AwaitingCertificate"
	// ReasonRetrievalOverdue: accepted, but still without a certificate after retrievalTimeout; asked for hourly.
	ReasonRetrievalOverdue = "RetrievalOverdue"
	// ReasonWrongCertificate: the service answered with a certificate that is not the one that was asked for.
	ReasonWrongCertificate = "WrongCertificate"
	// ReasonIssued: the certificate is there.
	ReasonIssued = "Issued"
	// ReasonCredentialsRefused: failed; PKI020, the customer id or the transfer credentials are wrong or used.
	ReasonCredentialsRefused = "CredentialsRefused"
	// ReasonRequestRefused: failed; PKI030, the service does not take the certificate signing request.
	ReasonRequestRefused = "RequestRefused"
	// ReasonSignatureRefused: failed; PKI010, the service does not accept the signature of the renewal.
	ReasonSignatureRefused = "SignatureRefused"
	// ReasonRenewalRefused: failed; PKI015, the certificate cannot be renewed (revoked, or not the service's).
	ReasonRenewalRefused = "RenewalRefused"
	// ReasonCertificateExpired: failed; the certificate expired before it could be renewed. Of events about Certificates:
	// as RenewalFailing, when it is too late for a renewal.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonResponseLost: failed; the request was sent and its response was lost. What the service may have made of it
	// cannot be fetched, and its transfer credentials may be spent.
	ReasonResponseLost = "ResponseLost"
	// ReasonClusterError: the cluster has refused something to the controller, for want of a permission for instance; the
	// message says what. It is tried again.
	ReasonClusterError = "ClusterError"
	// ReasonWithdrawn: failed; nobody wanted the certificate any more. Nothing was spent.
	ReasonWithdrawn = "Withdrawn"
)

// Reasons of events about CertificateRequests that are not reasons of orders.
const (
	// ReasonInvalidRequest: the CertificateRequest can never be satisfied.
	ReasonInvalidRequest = "InvalidRequest"
	// ReasonDenied: an approver has denied the CertificateRequest.
	ReasonDenied = "Denied"
	// ReasonWaitingForApproval: no approver has spoken yet.
	ReasonWaitingForApproval = "WaitingForApproval"
	// ReasonWaitingForCertificate: the Certificate behind the CertificateRequest is gone, or has another private key in
	// preparation than the request's; nothing is spent on a key that nobody has.
	ReasonWaitingForCertificate = "WaitingForCertificate"
	// ReasonWaitingForWindow: the current certificate cannot be renewed yet.
	ReasonWaitingForWindow = "WaitingForWindow"
	// ReasonWaitingForTurn: many requests have come at once, and nothing was sent for this one yet.
	ReasonWaitingForTurn = "WaitingForTurn"
	// ReasonLargeKey: the private key is larger than the service's owner says to support. It is sent all the same.
	ReasonLargeKey = "LargeKey"
	// ReasonOrderCreated: a VeroOrder was made for the CertificateRequest. Also on orders, from the API server, until the
	// controller has looked at them, and while they wait for their turn.
	ReasonOrderCreated = "OrderCreated"
	// ReasonRenewalFailing, of events about Certificates: ConditionRenewalFailing has become True, or time is running out.
	ReasonRenewalFailing = "RenewalFailing"
)
