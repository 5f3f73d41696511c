// Package telemetry is how a process shows itself to its operators: logs on
// one stream, a registry of metrics, and an HTTP server for metrics and
// health. It knows nothing of what the process does.
package telemetry
