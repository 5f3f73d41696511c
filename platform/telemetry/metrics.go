package telemetry

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build says what a binary was made of.
type Build struct {
	Version  string // module version, or (devel)
	Revision string // commit, with "+dirty" behind if the tree had changes; "unknown" without version control
	Go       string
	Platform string // operating system/architecture
}

// ReadBuild reads what the linker wrote into the running binary. A version
// set at build time stands before it.
func ReadBuild(version string) Build {
	b := Build{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if made, ok := debug.ReadBuildInfo(); ok {
		b.Version = made.Main.Version
		b.Revision = revision(made.Settings, b.Revision)
	}
	if version != "" {
		b.Version = version
	}
	return b
}

func revision(settings []debug.BuildSetting, otherwise string) string {
	dirty := ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			otherwise = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	return otherwise + dirty
}

// NewRegistry makes a registry that holds the Go runtime's and the process's
// metrics, and doustream_build_info.
func NewRegistry(b Build) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "doustream_build_info",
			Help:        "What this binary was made of; always 1.",
			ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "go": b.Go},
		}, func() float64 { return 1 }),
	)
	return r
}
