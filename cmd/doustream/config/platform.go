package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
)

// AppsSection is the mini-apps that are served.
type AppsSection struct {
	Apps []App `envPrefix:"APPS_"`
}

// App is one mini-app.
type App struct {
	ID     string        `env:"ID" doc:"app id of a mini-app; further ones under APPS_1_, APPS_2_, …"`
	Secret douyin.Secret `env:"SECRET" doc:"and its AppSecret"`

	NotifyDriver   string  `env:"NOTIFY_DRIVER" oneof:"v1,v2" doc:"this app's way to send; default NOTIFY_DRIVER"`
	NotifyToken    string  `env:"NOTIFY_TOKEN" oneof:"access_token,client_token,stable_client_token" doc:"this app's kind of token; default NOTIFY_TOKEN, or what its driver sends by"`
	NotifyRate     float64 `env:"NOTIFY_RATE" min:"0" max:"100000" doc:"this app's notifications a second; 0: NOTIFY_RATE"`
	NotifyInFlight int     `env:"NOTIFY_IN_FLIGHT" min:"0" max:"10000" doc:"this app's sends under way at once; 0: NOTIFY_IN_FLIGHT"`
}

// Title names the section.
func (AppsSection) Title() string { return "Mini-apps" }

func (s *AppsSection) check(_ *Config, faults *Faults) {
	if len(s.Apps) == 0 {
		faults.add(Prefix+"APPS_0_ID", "is not set: there must be at least one mini-app, counted from 0")
		faults.add(Prefix+"APPS_0_SECRET", "is not set")
	}
	var seen []string
	for i, app := range s.Apps {
		id, secret := fmt.Sprintf("%sAPPS_%d_ID", Prefix, i), fmt.Sprintf("%sAPPS_%d_SECRET", Prefix, i)
		switch {
		case app.ID == "":
			faults.add(id, "is not set")
		case strings.Contains(app.ID, "|"):
			faults.add(id, "is %q: a | stands between ids in keys", app.ID)
		case slices.Contains(seen, app.ID):
			faults.add(id, "is %q, which an app before it has", app.ID)
		}
		if app.Secret == "" {
			faults.add(secret, "is not set")
		}
		seen = append(seen, app.ID)
	}
}

var appVariable = regexp.MustCompile(`^` + Prefix + `APPS_(\d+)_`)

// checkIndexes finds apps behind a gap in the numbers, which would be left out.
func checkIndexes(values map[string]string, read int, faults *Faults) {
	for name := range values {
		match := appVariable.FindStringSubmatch(name)
		if match == nil || read == 0 {
			continue
		}
		if n, err := strconv.Atoi(match[1]); err != nil || n >= read {
			faults.add(name, "is set, and %sAPPS_%d_ID is not: apps count from 0 without a gap", Prefix, read)
		}
	}
}

// Douyin lists the apps as the platform's client takes them.
func (s AppsSection) Douyin() []douyin.App {
	apps := make([]douyin.App, len(s.Apps))
	for i, app := range s.Apps {
		apps[i] = douyin.App{ID: app.ID, Secret: app.Secret}
	}
	return apps
}

// PlatformSection is the open platform.
type PlatformSection struct {
	AppsURL string        `env:"DOUYIN_APPS_URL" envDefault:"https://developer.toutiao.com" doc:"the open platform's host for code exchange, access tokens and v1 notifications"`
	OpenURL string        `env:"DOUYIN_OPEN_URL" envDefault:"https://open.douyin.com" doc:"and the one for client tokens and v2 notifications"`
	Timeout time.Duration `env:"DOUYIN_TIMEOUT" envDefault:"5s" min:"100ms" max:"1m" doc:"how long one request may take"`
}

// Title names the section.
func (PlatformSection) Title() string { return "Open platform" }

func (s *PlatformSection) check(_ *Config, faults *Faults) {
	checkURL(Prefix+"DOUYIN_APPS_URL", s.AppsURL, faults)
	checkURL(Prefix+"DOUYIN_OPEN_URL", s.OpenURL, faults)
}

// SealingSection is the keys of doustream's own state.
type SealingSection struct {
	Keys *secrets.Keyring `env:"SEALING_KEYS,required,notEmpty" doc:"id:base64(32 bytes),… for doustream's own state; the first seals, all open"`
}

// Title names the section.
func (SealingSection) Title() string { return "Sealing" }

// TransactionSection is common to the roles that write transactions.
type TransactionSection struct {
	CommitInterval time.Duration `env:"COMMIT_INTERVAL" envDefault:"100ms" min:"5ms" max:"5s" doc:"how often enrich commits: what a reader waits at most, beside the work itself"`
}

// Title names the section.
func (TransactionSection) Title() string { return "Transactions" }
