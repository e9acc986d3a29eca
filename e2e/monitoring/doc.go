// Package monitoring proves that the alerts and the dashboard of the chart fit the controller: its tests let every
// trouble happen that an alert or a panel is about, in a world where everything is real, record what the replicas tell
// of it every second, and ask the recording.
//
// It is a module of its own because Prometheus brings many others along.
package monitoring
