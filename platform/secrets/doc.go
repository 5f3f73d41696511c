// Package secrets keeps what must not be read: values that print as
// <redacted>, and keyrings that seal records with AES-256-GCM, under a subkey of
// each record's own (Keyring.Seal: what others open, and what is sealed seldom) or
// of a run of records (Sealer: state that a process seals for each event).
package secrets
