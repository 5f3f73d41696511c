package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/schemas"
)

// gather waits for quiet and collects what there is to judge by.
func (d *demo) gather(ctx context.Context, sent []traffic.Sent, h *havoc) (evidence, error) {
	e := evidence{sent: sent, keys: newReaderKeys(d.world.env), enforced: d.traffic.Enforced}
	if err := d.awaitResults(ctx, &e); err != nil {
		return e, err
	}
	e.unready = d.awaitReady(ctx)
	e.spans, e.ends = h.history(), h.endings()
	var err error
	if e.open, err = awaitTransactions(ctx, d.world.env, transactionPatience); err != nil {
		return e, err
	}
	if e.consents, err = readConsents(ctx, d.world.env); err != nil {
		return e, err
	}
	if e.tokens, err = readTokens(ctx, d.world.env, e.keys); err != nil {
		return e, err
	}
	if err := d.askPlatform(ctx, &e); err != nil {
		return e, err
	}
	if e.codeFacts, err = readCodeFacts(ctx, d.world.env); err != nil {
		return e, err
	}
	hunt := newSecretHunt(d.world.env, sent, e.codes)
	if d.world.clickhouse != nil {
		if err := d.gatherRows(ctx, &e, hunt); err != nil {
			return e, err
		}
	}
	err = errors.Join(hunt.searchTopics(ctx, d.world.env), hunt.searchLogs(d.world, h.everybody()), hunt.searchMetrics(ctx, d.running()))
	e.leaks = hunt.leaks()
	return e, err
}

// transactionPatience is how long a transaction may be open: its time-out, and
// some.
const transactionPatience = 25 * time.Second

// awaitTransactions waits until no transaction is open in what doustream writes,
// and names those that stay: of an output, whose readers stand before it, as of a
// state, whose next owner does.
func awaitTransactions(ctx context.Context, env environment, patience time.Duration) (open []string, err error) {
	topics := outputTopics(env)
	for _, state := range []string{schemas.TopicConsents, schemas.TopicSessions, schemas.TopicParked, schemas.TopicNotifications, schemas.TopicTokens} {
		topics = append(topics, env["DOUSTREAM_TOPIC_PREFIX"]+state)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if open, err = openTransactions(ctx, env, topics...); err != nil || len(open) == 0 {
			return open, err
		}
		if !rest(waiting, quietPause/3) {
			return open, context.Cause(ctx)
		}
	}
}

// askPlatform has the simulated platform tell what it was asked.
func (d *demo) askPlatform(ctx context.Context, e *evidence) error {
	codes, err1 := d.control.Codes(ctx, 1)
	messages, err2 := d.control.Messages(ctx)
	fetches, err3 := d.control.TokenFetches(ctx)
	e.codes, e.messages, e.fetches, e.tokenLife = codes, messages, fetches, tokenLife
	return errors.Join(err1, err2, err3)
}

// awaitResults reads inputs and results until every input has one, or nothing
// has come for a while.
func (d *demo) awaitResults(ctx context.Context, e *evidence) (err error) {
	if e.inputs, err = readInputs(ctx, d.world.env); err != nil {
		return err
	}
	for newest := time.Now(); ; {
		before := len(e.outputs)
		if e.outputs, e.garbled, err = readOutputs(ctx, d.world.env, e.keys); err != nil {
			return err
		}
		missing := e.missing()
		if len(e.outputs) > before {
			newest = time.Now()
		}
		switch {
		case missing == 0:
			return d.awaitCommits(ctx, e)
		case time.Since(newest) > d.patience:
			d.say("nothing has come for %s, and %d of %d are missing", d.patience, missing, len(e.inputs))
			return nil
		}
		d.say("%d of %d finished", len(e.inputs)-missing, len(e.inputs))
		if !rest(ctx, quietPause) {
			return context.Cause(ctx)
		}
	}
}

// awaitCommits waits until nobody has anything left to do again, and reads once
// more: what is behind its answers may answer twice.
func (d *demo) awaitCommits(ctx context.Context, e *evidence) (err error) {
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	err = poll(waiting, func() error { return rolesAreDone(waiting, d.world.env, e.inputs) })
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err != nil {
		e.behind = strings.Split(err.Error(), "\n")
	}
	e.outputs, e.garbled, err = readOutputs(ctx, d.world.env, e.keys)
	return err
}

// quietPause lies between two looks at whether all is done.
const quietPause = 3 * time.Second

// missing is how many inputs nothing has come of.
func (e *evidence) missing() (n int) {
	answered := map[schemas.Source]bool{}
	for _, s := range e.outputs {
		answered[s.source] = true
	}
	for _, in := range e.inputs {
		if !answered[in.source] {
			n++
		}
	}
	return n
}

// takeOver is how long a killed sink may hold its partitions up, and some.
const takeOver = 40 * time.Second

// gatherRows waits until ClickHouse holds as much as Kafka, asks it for every
// row and user, and has doustream's own comparison done.
func (d *demo) gatherRows(ctx context.Context, e *evidence, hunt *secretHunt) error {
	house, err := openWarehouse(d.world.env)
	if err != nil {
		return err
	}
	defer house.close() //nolint:errcheck // only read from
	waiting, cancel := context.WithTimeout(ctx, d.patience+takeOver)
	defer cancel()
	if have, err := house.await(waiting, uint64(len(e.outputs))); have < uint64(len(e.outputs)) {
		d.say("ClickHouse holds %d rows of %d (%v)", have, len(e.outputs), err)
	}
	// A row is in its table before it is in what hangs on the table.
	waiting, cancel = context.WithTimeout(ctx, d.patience)
	defer cancel()
	if err := poll(waiting, func() error { return sinkIsDone(waiting, d.world.env) }); err != nil {
		e.behind = append(e.behind, strings.Split(err.Error(), "\n")...)
	}
	e.asked = true
	if e.rows, err = house.outcomes(ctx); err != nil {
		return err
	}
	if e.users, err = house.users(ctx); err != nil {
		return err
	}
	if err := house.eachText(ctx, hunt.search); err != nil {
		return err
	}
	out, err := d.programs.run(ctx, "verify", "--quiet")
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		e.verify = []string{strings.Join(strings.Fields(out), " ")}
		return nil
	}
	return err
}
