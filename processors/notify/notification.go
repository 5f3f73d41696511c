package notify

import (
	"time"

	"doustream/schemas"
)

// notification is one order under way: taken in, and without a result yet.
type notification struct {
	id         id
	user       *user
	raw        []byte // the order as published
	templateID string
	source     schemas.Source
	owed       []schemas.Source // repeats that each are owed a result

	stage     schemas.Stage
	attempts  int // sends begun, the intended one included
	queuedAt  time.Time
	expiresAt time.Time
	retryAt   time.Time
	intentAt  time.Time
	last      outcome // of the last attempt
	sending   bool    // its request may be under way
	maybe     bool    // an attempt may have reached the user, and another is made (UnknownResend)
	done      bool    // it has its result and may still stand in its user's queue

	expiryIndex int // in Task.expiries
}

// overhead is about what a notification takes in memory beside its bytes.
const overhead = 512

func (n *notification) size() int64 { return int64(len(n.raw) + overhead) }

// outcome is what became of a notification, or of an attempt.
type outcome struct {
	status     schemas.Status
	errNo      *int64
	reason     string
	logID      string
	attempts   int
	finishedAt time.Time
}

// state is the notification as its state record.
func (n *notification) state(order schemas.Order) *schemas.NotificationState {
	s := &schemas.NotificationState{
		Stage: n.stage, Order: n.raw, NotificationID: order.NotificationID, AppID: order.AppID,
		Source: n.source, Owed: n.owed, Attempts: clampInt32(n.attempts),
		RetryAt: toMillis(n.retryAt), QueuedAt: toMillis(n.queuedAt),
		ExpiresAt: toMillis(n.expiresAt), IntentAt: toMillis(n.intentAt),
	}
	if n.maybe {
		s.Result = &schemas.NotificationResult{Status: schemas.StatusUnknown, Reason: reasonOutcomeUnknown}
	}
	return s
}

// expiries is a heap of notifications, the first to expire on top.
type expiries []*notification

func (h expiries) Len() int           { return len(h) }
func (h expiries) Less(i, j int) bool { return h[i].expiresAt.Before(h[j].expiresAt) }
func (h expiries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].expiryIndex, h[j].expiryIndex = i, j
}

func (h *expiries) Push(x any) {
	n := x.(*notification)
	n.expiryIndex = len(*h)
	*h = append(*h, n)
}

func (h *expiries) Pop() any {
	old := *h
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	n.expiryIndex = -1
	return n
}
