package douyintest

import (
	"cmp"
	"net/http"
	"strconv"

	"doustream/platform/douyin"

	"github.com/go-json-experiment/json"
)

// The bodies of the control API.
type (
	loginsRequest struct {
		AppID     string   `json:"app_id"`
		Users     []string `json:"users"`
		Anonymous bool     `json:"anonymous,omitempty"`
	}
	userRequest struct {
		AppID string `json:"app_id"`
		User  string `json:"user"`
	}
	appRequest struct {
		AppID  string `json:"app_id"`
		Secret string `json:"secret"`
	}
	latencyRequest struct {
		Endpoint douyin.Endpoint `json:"endpoint,omitempty"`
		Latency
	}
	refusalRequest struct {
		AppID  string `json:"app_id"`
		OpenID string `json:"open_id"`
		ErrNo  int64  `json:"err_no"`
	}
)

// maxControl bounds a control request's body: 100k users.
const maxControl = 16 << 20

func (p *Platform) newControl() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/health", func(w http.ResponseWriter, _ *http.Request) { reply(w, "ok") })
	handle(mux, "POST /_sim/apps", func(r appRequest) any {
		p.AddApp(douyin.App{ID: r.AppID, Secret: douyin.Secret(r.Secret)})
		return nil
	})
	handle(mux, "POST /_sim/logins", func(r loginsRequest) any { return p.Logins(r.AppID, r.Users, r.Anonymous) })
	handle(mux, "POST /_sim/user", func(r userRequest) any { return p.User(r.AppID, r.User) })
	handle(mux, "POST /_sim/rotate", func(r userRequest) any { return p.Rotate(r.AppID, r.User) })
	handle(mux, "PUT /_sim/faults", func(r []Fault) any { p.SetFaults(r...); return nil })
	handle(mux, "PUT /_sim/latency", func(r latencyRequest) any { p.SetLatency(r.Endpoint, r.Latency); return nil })
	handle(mux, "POST /_sim/grants", func(r []Grant) any { p.Grant(r...); return nil })
	handle(mux, "POST /_sim/refusals", func(r refusalRequest) any { return p.SetUserRefusal(r.AppID, r.OpenID, r.ErrNo) })
	mux.HandleFunc("GET /_sim/ledger", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.Summary()) })
	mux.HandleFunc("GET /_sim/ledger/codes", func(w http.ResponseWriter, r *http.Request) {
		least, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("least"), "1"))
		if err != nil {
			http.Error(w, "least: not a number", http.StatusBadRequest)
			return
		}
		reply(w, p.Codes(least))
	})
	mux.HandleFunc("GET /_sim/ledger/code/{code}", func(w http.ResponseWriter, r *http.Request) {
		h, ok := p.Code(r.PathValue("code"))
		if !ok {
			http.Error(w, "code: not issued here", http.StatusNotFound)
			return
		}
		reply(w, h)
	})
	mux.HandleFunc("GET /_sim/ledger/tokens", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.TokenFetches()) })
	mux.HandleFunc("GET /_sim/ledger/messages", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.Messages()) })
	return mux
}

func handle[R any](mux *http.ServeMux, pattern string, f func(R) any) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var req R
		if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxControl), &req, durations); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, f(req))
	})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, v, durations)
}
