// Package monitoring proves that the alerts and the dashboard of the chart fit the controller: its tests let every
// fault happen that an alert or a panel is about, in a cluster where everything is real, record the metrics of the
// replicas every second, and ask the recording.
//
// It is a module of its own because Prometheus brings many others along.
package monitoring
