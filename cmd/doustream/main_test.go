package main

import (
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	nothing := []string{"PATH=/bin"}
	tests := []struct {
		name    string
		environ []string
		args    []string
		code    int
		stdout  string
		stderr  string
	}{
		{"help", nothing, []string{"--help"}, exitOK, "A first start:", ""},
		{"help of a command", nothing, []string{"topics", "--help"}, exitOK, "never alters", ""},
		{"version", nothing, []string{"version"}, exitOK, "doustream ", ""},
		{"no command", nothing, nil, exitUsage, "A first start:", "a command is missing"},
		{"an unknown command", nothing, []string{"enrch"}, exitUsage, "", "enrch"},
		{"an unknown flag", nothing, []string{"topics", "--force"}, exitUsage, "", "--force"},
		{"an argument too many", nothing, []string{"version", "now"}, exitUsage, "", "now"},
		{"a role that is none", nothing, []string{"config", "enrch"}, exitUsage, "", "enrch"},
		{"a group without a command", nothing, []string{"dead-letters"}, exitUsage, "redrive", "a command is missing"},
		{"a place that is none", nothing, []string{"dead-letters", "show", "7"}, exitUsage, "", "partition/offset"},
		{"redrive of nothing named", nothing, []string{"dead-letters", "redrive"}, exitUsage, "", "--all"},
		{"tokens without a key to open them", []string{"DOUSTREAM_KAFKA_BROKERS=127.0.0.1:1"}, []string{"token"}, exitUsage, "", "DOUSTREAM_SEALING_KEYS is not set"},
		{"wrong configuration", nothing, []string{"topics"}, exitUsage, "", "DOUSTREAM_KAFKA_BROKERS is not set"},
		{"wrong configuration, shown", nothing, []string{"config"}, exitUsage, "DOUSTREAM_CODE_LIFE", "DOUSTREAM_SEALING_KEYS is not set"},
		{"kafka is not there", []string{"DOUSTREAM_KAFKA_BROKERS=127.0.0.1:1"}, []string{"topics"}, exitFailed, "", "ask kafka"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := invoke(t, tt.environ, tt.args...)
			if code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout, tt.stdout) {
				t.Errorf("stdout lacks %q:\n%s", tt.stdout, stdout)
			}
			if !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("stderr lacks %q:\n%s", tt.stderr, stderr)
			}
		})
	}
}

// I8: the table of variables shows no secret.
func TestConfigRedacts(t *testing.T) {
	t.Parallel()
	const key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
	environ := []string{
		"DOUSTREAM_KAFKA_BROKERS=127.0.0.1:9092", "DOUSTREAM_KAFKA_SASL_MECHANISM=PLAIN", "DOUSTREAM_KAFKA_SASL_USER=u",
		"DOUSTREAM_KAFKA_SASL_PASSWORD=saslsecret", "DOUSTREAM_CLICKHOUSE_DSN=clickhouse://u:dsnsecret@127.0.0.1:9000/d",
		"DOUSTREAM_APPS_0_ID=tt1", "DOUSTREAM_APPS_0_SECRET=appsecret", "DOUSTREAM_APPS_1_ID=tt2", "DOUSTREAM_APPS_1_SECRET=othersecret",
		"DOUSTREAM_SEALING_KEYS=s1:" + key, "DOUSTREAM_PERSONAL_KEYS=p1:" + key, "DOUSTREAM_PHONE_PEPPERS=h1:" + key,
		"DOUSTREAM_SCHEMA_REGISTRY_URL=http://r", "DOUSTREAM_SCHEMA_REGISTRY_PASSWORD=registrysecret", "DOUSTREAM_KAFAK=x",
	}
	code, stdout, stderr := invoke(t, environ, "config")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, secret := range []string{"saslsecret", "dsnsecret", "appsecret", "othersecret", "registrysecret", key} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	for _, want := range []string{"tt2", "<redacted> (ids s1)", "confluent", "100ms", "127.0.0.1:9092"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s is not shown:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "DOUSTREAM_KAFAK is not known") {
		t.Errorf("a misspelling is passed over: %s", stderr)
	}
}
