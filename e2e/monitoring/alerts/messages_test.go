package alerts_test

import "time"

// Series of the process that rotates passwords, without the end of their labels.
const (
	ofMail   = `namespace="mail",name="suomifi",pod="m"`
	needed   = `varmenne_messages_person_needed_since_timestamp_seconds{` + ofMail + `,reason=`
	unready  = `varmenne_messages_password_ready{` + ofMail + `,reason=`
	hasSince = `varmenne_messages_password_since_timestamp_seconds{` + ofMail + `,origin="Found"} `
	rotates  = `varmenne_messages_next_rotation_timestamp_seconds{` + ofMail + `} `
	failed   = `varmenne_messages_failed_logins{` + ofMail + `} `
	rotator  = `{job="varmenne-messages",namespace="issuers",pod="m",instance="m:8080"} `
	describe = "kubectl describe messagespassword -n mail suomifi"
)

// ofPasswords are about the passwords of Suomi.fi Messages, and the process that rotates them.
func ofPasswords() map[string]testCase {
	return map[string]testCase{
		"the process that rotates passwords is not scraped": {
			series: []string{
				`varmenne_build_info{component="messages",job="varmenne-messages",namespace="issuers",pod="m",` +
					`instance="m:8080"} 1 stale _x58 1x200`,
				"leader_election_master_status" + rotator + "1 stale _x58 1x200",
			},
			alert: "VarmenneMessagesDown", from: 11 * time.Minute, until: 60 * time.Minute, says: []string{"look at the Pods"},
		},
		"no process that rotates passwords leads": {
			series: []string{"leader_election_master_status" + rotator + "1 0x58 1x200"},
			alert:  "VarmenneMessagesNoLeader", from: 6 * time.Minute, until: 60 * time.Minute,
			says: []string{"In namespace issuers 1 replicas"},
		},
		"both passwords are refused: one alert": {
			series: []string{
				needed + `"PasswordRefused"} 0x59` + gone, unready + `"PasswordRefused"} 0x59 1x200`,
				failed + "4x59 0x200",
			},
			alert: "VarmenneMessagesPasswordRefused", from: 5 * time.Minute, until: 60 * time.Minute,
			says: []string{"MessagesPassword mail/suomifi (PasswordRefused), since 5m 0s", describe},
		},
		"the new password was deleted": {
			series: []string{needed + `"StagingLost"} 0x59` + gone},
			alert:  "VarmenneMessagesPasswordRefused", from: 5 * time.Minute, until: 60 * time.Minute,
		},
		"the Secret is not there": {
			series: []string{needed + `"SecretNotFound"} 0x59` + gone, unready + `"SecretNotFound"} 0x59` + gone},
			alert:  "VarmenneMessagesNeedsPerson", from: 15 * time.Minute, until: 60 * time.Minute,
			says: []string{"mail/suomifi (SecretNotFound) needs a person, since 15m 0s", describe},
		},
		"the service is away, for one reason after the other": {
			series: []string{
				unready + `"ServiceUnavailable"} 0x19` + gone, unready + `"RotationUncertain"} _x20 0x39 1x200`,
			},
			alert: "VarmenneMessagesPasswordNotReady", from: 30 * time.Minute, until: 60 * time.Minute,
			says: []string{"mail/suomifi is not ready", describe},
		},
		"a rotation does not end": {
			series: []string{rotates + seconds(-5*time.Hour) + "x119 " + seconds(day) + "x200"},
			alert:  "VarmenneMessagesRotationLate", from: 76 * time.Minute, until: 2 * time.Hour,
			says: []string{"was due 6h 16m 0s ago", describe},
		},
		"log-ins fail": {
			series: []string{failed + "0x9 3x49 2x200"},
			alert:  "VarmenneMessagesFailedLogins", from: 15 * time.Minute, until: 60 * time.Minute,
			says: []string{"3 log-ins of MessagesPassword mail/suomifi", describe},
		},
		"a password gets older than six months": {
			series: []string{hasSince + seconds(-184*day) + "x119 " + seconds(2*time.Hour) + "x200"},
			alert:  "VarmenneMessagesPasswordOld", from: time.Hour + time.Minute, until: 2 * time.Hour,
			says: []string{"is 184d 1h 1m 0s old, or older", describe},
		},
		"a password gets older than a year: one alert": {
			series: []string{hasSince + seconds(-365*day+time.Minute) + "x119 " + seconds(2*time.Hour) + "x200"},
			alert:  "VarmenneMessagesPasswordTooOld", from: time.Hour + 2*time.Minute, until: 2 * time.Hour,
			says: []string{"demands a rotation at least once a year", describe},
		},
		"nobody fetches what end users send": {
			series: []string{`varmenne_messages_retrieval_late{` + ofMail + `} 0x9 1x49 0x200`},
			alert:  "VarmenneMessagesRetrievalLate", from: 25 * time.Minute, until: 60 * time.Minute,
			says: []string{"MessagesPassword mail/suomifi", describe},
		},
	}
}
