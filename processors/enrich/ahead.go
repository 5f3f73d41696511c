package enrich

// ahead is how many exchanges beyond a bound may be written down, so that one is
// ready to leave whenever another ends: what Kafka takes for a SENT does not
// count for what the platform bears. They are as many as end while one is
// written down, which is measured, and as many again, since times vary.
type ahead struct {
	ended int     // exchanges, ever
	mean  float64 // of how many ended while one was written down
}

const (
	leastAhead = 4
	aheadOf    = 64 // exchanges that the mean is taken of, about
)

// beyond answers a bound and what may be ahead of it, most at most.
func (a *ahead) beyond(bound float64, most int) float64 {
	return bound + min(2*a.mean+leastAhead, float64(most))
}

// stands notes that the SENT of an exchange stands that was begun to be written
// when so many had ended.
func (a *ahead) stands(since int) {
	a.mean += (float64(a.ended-since) - a.mean) / aheadOf
}
