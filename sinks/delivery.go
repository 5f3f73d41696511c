package sinks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"doustream/platform/sabotage"
)

// rows is a block as the delivery protocol sees it: rows of one topic-partition
// in the order of their offsets.
type rows interface {
	// offsets are the rows' offsets, ascending; not to be changed.
	offsets() []int64
	// pick answers a block of the rows that keep marks.
	pick(keep []bool) rows
}

// commits is a group's hold on the offset of one topic-partition.
type commits interface {
	// commit sets offset and metadata as a member of the current generation.
	// After an error it is unknown whether they stand.
	commit(ctx context.Context, offset int64, metadata string) error
}

// store is the table that one topic-partition's rows go into.
type store interface {
	// insert writes all rows in one block under a deduplication token. After an
	// error that does not come from the server's refusal it is unknown whether
	// they are there.
	insert(ctx context.Context, block rows, token string) error
	// present reports which of the block's rows the table holds.
	present(ctx context.Context, block rows) ([]bool, error)
	// derive brings what is derived from the block's rows up to date, where an
	// insert may have ended between the table and its views. Repeating it changes
	// nothing.
	derive(ctx context.Context, block rows) error
}

// rejects takes the rows that the table will never hold.
type rejects interface {
	// reject sees to it that the record at the offset is a dead letter, for
	// cause. It may be called again for an offset after a failure.
	reject(ctx context.Context, offset int64, cause error) error
}

// errVanished: rows that were inserted several times under different tokens are
// not found. Something (a TTL, a mutation, a look-up on a replica that lags)
// takes them away; going on would insert without end.
var errVanished = errors.New("inserted rows are not found in the table")

// maxRounds bounds the tokens that one range's rows are inserted under.
const maxRounds = 4

// delivery brings one topic-partition's blocks into their table, each row once,
// in three steps: commit the old offset with the range in its metadata, insert,
// commit the offset after the range (with the next range, where there is one).
// One goroutine owns it.
//
// What makes it exactly-once: a range is in the metadata before its first row
// can be in the table, so whoever takes over rebuilds exactly this range and
// inserts it under exactly this token, which a late insert of the predecessor
// carries as well; and a look-up precedes every insert that is not the first of
// its range, which covers what is older than the deduplication window.
type delivery struct {
	place   place
	commits commits
	store   store
	rejects rejects
	poison  func(error) bool // whether an insert's error may be one row's fault

	committed int64 // the group's offset; -1: none yet
	pending   *span // the range that the group's metadata announces
	tried     bool  // pending may have been inserted already, by us or a predecessor
	suspect   int64 // what lies before this offset others may have inserted, metadata or not
	rejected  map[int64]bool
}

// resume takes over what the group knows, its offset and the range in its
// metadata, and where the log ends now: what lies before the end may have been
// inserted by anybody (an operator may have set the offset back, with a tool
// that drops the metadata); what is written from now on has been tried by no one.
func (d *delivery) resume(committed int64, pending *span, end int64) {
	d.committed, d.pending, d.tried, d.suspect = committed, pending, pending != nil, end
	d.rejected = nil
}

// announce is step one. It does nothing where the metadata stands already.
func (d *delivery) announce(ctx context.Context, s span) error {
	if d.pending != nil && *d.pending == s {
		return nil
	}
	offset := d.committed
	if offset < 0 {
		offset = s.First
	}
	if err := d.commits.commit(ctx, offset, s.metadata()); err != nil {
		return fmt.Errorf("announce range: %w", err)
	}
	d.committed, d.pending, d.tried, d.rejected = offset, &s, false, nil
	return nil
}

// insert is step two: afterwards the table holds every row of the announced
// range, or it is a dead letter.
func (d *delivery) insert(ctx context.Context, block rows) error {
	look := (d.tried || d.pending.First < d.suspect) && !sabotage.BlindInsert
	d.tried = true
	missing := make([]bool, len(block.offsets()))
	for i, offset := range block.offsets() {
		missing[i] = !d.rejected[offset]
	}
	for round := 0; round < maxRounds; round++ {
		if look {
			left, err := d.look(ctx, block, missing)
			if err == nil && round == 0 && left < len(missing) {
				err = d.store.derive(ctx, block)
			}
			if err != nil || left == 0 {
				return err
			}
		}
		if err := d.put(ctx, block, missing, 0, len(missing), round); err != nil {
			return err
		}
		if !look {
			return nil // the first insert of its range: nothing it could be mistaken for
		}
	}
	if left, err := d.look(ctx, block, missing); err != nil || left == 0 {
		return err
	}
	return fmt.Errorf("insert range %d to %d: %w", d.pending.First, d.pending.Last, errVanished)
}

// look marks the rows that the table lacks and that are no dead letters.
func (d *delivery) look(ctx context.Context, block rows, missing []bool) (left int, err error) {
	there, err := d.store.present(ctx, block)
	if err != nil {
		return 0, fmt.Errorf("look up range: %w", err)
	}
	for i, offset := range block.offsets() {
		missing[i] = !there[i] && !d.rejected[offset]
		if missing[i] {
			left++
		}
	}
	return left, nil
}

// put inserts what is missing of the block's rows from lo to hi. Where the table
// refuses them for what may be one row's fault, each half goes in under a token
// of its own, down to the row at fault.
//
// The halves are halves of the range, not of what is missing, and a part with a
// refused row is never inserted as one, not even without that row: so whoever
// tries again, after a crash too, makes the same parts under the same tokens,
// and an insert that lands late is known by its token.
func (d *delivery) put(ctx context.Context, block rows, missing []bool, lo, hi, round int) error {
	keep, any := part(missing, lo, hi)
	if !any {
		return nil
	}
	if !d.refused(block.offsets()[lo:hi]) {
		refusal := d.store.insert(ctx, block.pick(keep), d.token(block, lo, hi, round))
		if refusal == nil || !d.poison(refusal) {
			return refusal
		}
		// A view may have refused what the table has taken already.
		left, err := d.look(ctx, block, missing)
		if err == nil && left < len(missing) {
			err = d.store.derive(ctx, block)
		}
		if err != nil || left == 0 {
			return err
		}
		if hi-lo == 1 && missing[lo] {
			return d.reject(ctx, block.offsets()[lo], refusal)
		}
	}
	if hi-lo == 1 {
		return nil
	}
	middle := lo + (hi-lo)/2
	if err := d.put(ctx, block, missing, lo, middle, round); err != nil {
		return err
	}
	return d.put(ctx, block, missing, middle, hi, round)
}

// part answers what is marked from lo to hi.
func part(marked []bool, lo, hi int) (keep []bool, any bool) {
	keep = make([]bool, len(marked))
	for i := lo; i < hi; i++ {
		keep[i] = marked[i]
		any = any || marked[i]
	}
	return keep, any
}

// token of the rows from lo to hi: the range's own for all of them, even where
// the log no longer holds the range's first records.
func (d *delivery) token(block rows, lo, hi, round int) string {
	if sabotage.BlindInsert {
		return rand.Text()
	}
	offsets := block.offsets()
	if lo == 0 && hi == len(offsets) {
		return d.place.token(*d.pending, round)
	}
	return d.place.token(span{First: offsets[lo], Last: offsets[hi-1]}, round)
}

func (d *delivery) refused(offsets []int64) bool {
	for _, offset := range offsets {
		if len(d.rejected) > 0 && d.rejected[offset] {
			return true
		}
	}
	return false
}

func (d *delivery) reject(ctx context.Context, offset int64, cause error) error {
	if err := d.rejects.reject(ctx, offset, cause); err != nil {
		return fmt.Errorf("dead-letter offset %d: %w", offset, err)
	}
	if d.rejected == nil {
		d.rejected = make(map[int64]bool)
	}
	d.rejected[offset] = true
	return nil
}

// settle is step three: the offset after the range, with the next range if there
// is one.
func (d *delivery) settle(ctx context.Context, next *span) error {
	metadata := ""
	if next != nil {
		metadata = next.metadata()
	}
	after := d.pending.Last + 1
	if sabotage.BlindInsert && after%8 != 0 {
		d.pending = next
		return nil
	}
	if err := d.commits.commit(ctx, after, metadata); err != nil {
		return fmt.Errorf("commit offset: %w", err)
	}
	d.committed, d.pending, d.tried, d.rejected = after, next, false, nil
	return nil
}
