package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// strikePlatform gives the platform a bad day for a while, beside those that
// the traffic's apps always have.
func (h *havoc) strikePlatform(ctx context.Context, f fault) error {
	bad := douyintest.Fault{Until: time.Now().Add(f.lasts)}
	switch f.kind {
	case faultRefuse:
		bad.Mode = douyintest.ModeRefuse
	case faultHang:
		bad.Mode, bad.Share = douyintest.ModeHang, .5
	case faultGarbage:
		bad.Mode, bad.Share = douyintest.ModeHTML, .5
	case faultReset:
		bad.Mode, bad.After, bad.Share = douyintest.ModeReset, true, .5
	case faultThrottle:
		bad.Mode, bad.Share = douyintest.ModeThrottle, .5
	case faultBusy:
		bad.Mode, bad.ErrNo, bad.Share, bad.Endpoint = douyintest.ModeErrNo, -1, .5, douyin.EndpointCode2Session
	default:
		return fmt.Errorf("there is no fault %q", f.kind)
	}
	if err := h.setPlatform(ctx, func() { h.active = append(h.active, bad) }); err != nil {
		return err
	}
	rest(ctx, f.lasts)
	return h.setPlatform(context.WithoutCancel(ctx), func() {
		h.active = slices.DeleteFunc(h.active, func(o douyintest.Fault) bool { return o == bad })
	})
}

func (h *havoc) setPlatform(ctx context.Context, change func()) error {
	h.platform.Lock()
	defer h.platform.Unlock()
	change()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return h.control.SetFaults(ctx, append(traffic.Faults(), h.active...)...)
}
