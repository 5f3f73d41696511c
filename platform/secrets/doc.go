// Package secrets keeps what must not be read: values that print as
// <redacted>, and keyrings that seal records with AES-256-GCM under a subkey
// of each record's own.
package secrets
