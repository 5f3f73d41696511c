// Package config reads doustream's environment variables: one struct for each
// role and each thing that roles share, a table of all variables with their
// effective values, and every fault at once, by variable name.
package config
