package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Connect answers the options that every Kafka client needs: seed brokers,
// TLS, SASL.
func (s KafkaSection) Connect() ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(s.Brokers...), kgo.SoftwareNameAndVersion("doustream", "1")}
	encryption, err := s.tlsConfig()
	if err != nil {
		return nil, fmt.Errorf("set up tls: %w", err)
	}
	if encryption != nil {
		opts = append(opts, kgo.DialTLSConfig(encryption))
	}
	if mechanism := s.mechanism(); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

func (s KafkaSection) mechanism() sasl.Mechanism {
	user, password := s.SASLUser, s.SASLPassword.Reveal()
	switch s.SASLMechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	}
	return nil
}

// tlsConfig is nil without TLS. Its errors are Faults.
func (s KafkaSection) tlsConfig() (*tls.Config, error) {
	if !s.UsesTLS() {
		return nil, nil //nolint:nilnil // no TLS is an answer
	}
	return clientTLS("KAFKA_TLS", s.TLSCAFile, s.TLSCertFile, s.TLSKeyFile)
}

// clientTLS reads the files that the variables <name>_CA_FILE, _CERT_FILE and
// _KEY_FILE name. Its errors are Faults.
func clientTLS(name, ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	pool, err := authorities(Prefix+name+"_CA_FILE", ca)
	if err != nil {
		return nil, err
	}
	config.RootCAs = pool
	switch {
	case cert == "" && key == "":
	case cert == "":
		return nil, Fault{Prefix + name + "_CERT_FILE", "is not set, and the key is"}
	case key == "":
		return nil, Fault{Prefix + name + "_KEY_FILE", "is not set, and the certificate is"}
	default:
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, Fault{Prefix + name + "_CERT_FILE", fmt.Sprintf("and its key cannot be used: %v", err)}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// authorities reads a PEM file; nil, for the system's, without one.
func authorities(variable, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nil is what crypto/tls calls the system's
	}
	text, err := os.ReadFile(path)
	if err == nil {
		pool := x509.NewCertPool()
		if pool.AppendCertsFromPEM(text) {
			return pool, nil
		}
		err = errors.New("no certificate in it")
	}
	return nil, Fault{variable, fmt.Sprintf("cannot be used: %v", err)}
}
