// Package stream is the Kafka runtime that the roles with state are built on:
// tasks that own the partitions of one number, a leading topic, one queue per
// key and topic, a window that retires results in offset order, one Kafka
// transaction around outputs, state and offsets, state restored up to one's
// own marker, and revocation that changes nothing afterwards. It knows none
// of doustream's events.
//
// # The life of a record
//
// The poller fetches it (poller.go) and posts it to its task's loop; workers
// prepare it (partition.go); it waits for the leading topic (gate.go), enters
// its window and waits for its key (input.go), and is handed to the task. Done,
// in whatever order, it retires in offset order (pump.go, window.go) into the
// task's outbox. The transactor (transactor.go) collects the outboxes of all
// tasks for a commit interval, producing meanwhile (round.go), adds the
// frontier of offsets (commit.go) and ends the transaction (ending.go); then
// its room in the window is free (settle.go).
//
// A Run is a row of sessions (run.go). A session is one membership of the group
// with the clients and goroutines that hang on it (session.go); whatever cannot
// be mended inside ends it, and the next restores everything. A task's tenure
// begins when the offsets of its partitions were fetched (assign.go, tenure.go),
// restores itself (tail.go) and is handed over or lost (revoke.go, drain.go).
//
// # Non-obvious
//
//   - A transaction's offsets carry the member and generation from before its
//     first result was taken: a rebalance in between refuses them, and the results
//     are produced again under the new generation. That is the fence of a zombie,
//     and the reason why a transaction that only emits commits an offset as well.
//   - A member that the group put out while it stood still, and that finds out as
//     it joins, joins as a new one, and the client says nothing of it: what it held
//     seems to have stayed. So tasks know the member that they were given to, and
//     nothing of another's is committed (membership.go).
//   - An abort rewinds nothing. Results stay in the outbox until they are
//     committed; the inputs are not handed over again.
//   - An end of a transaction that is not answered by a plain yes or no is
//     neither. The session ends, and the next finds out by reading.
//   - The client leaves a transaction open that it thinks is empty. So offsets
//     without any output are committed outside one, fenced by the generation.
//   - A static member does not leave its group by closing its client; an orderly
//     end takes it out by its instance id, after everything is committed.
//   - Markers that end transactions are fetched too. They have offsets: without
//     them a position never reaches the end of a topic that ends with one, the
//     leading topic never counts as caught up, and the lag never reaches zero.
//   - State is read up to a marker that was written after the offsets were
//     fetched. A bound by the high watermark can wait for ever; one by the last
//     stable offset misses what stands behind an open transaction.
//   - All owners' markers of a partition have one key, and compaction keeps the
//     last. Who does not find its own where it was written restores anew, up to
//     another: whose stands behind it, and what it read behind that, is not known.
//   - State is not read while only its owner writes it, who knows its own records by
//     their acknowledgement. It is read on when one leaves something out, when the
//     log goes beyond what was known a moment later, and under another leader: from
//     a place whose leader epoch is known, which the acknowledgements do not tell,
//     and the ends that were asked for do (rest.go).
//   - What is asked of a whole topic, extents at an assignment, the leading topic's
//     ends and those of state, counts as far as it was answered: a partition without a leader
//     must not hold up the others.
//   - The lease has heartbeats of its own: the client's do not tell when they were
//     sent and what was answered. An answer that says a rebalance is under way
//     does not extend it.
//   - A record that was polled just before its partition was revoked cannot reach
//     the partition's next tenure: that one waits for the next poll to begin.
//   - No offset is ever reset. Left alone, the client would begin an input that is
//     out of range at its start and double everything. Here it ends the session,
//     and the next decides (cut.go): what retention deleted unread is counted as
//     lost and passed over; a log that lacks what was committed stops the role.
//   - A log that was cut off and has grown past the cut looks whole. What tells is
//     the leader epoch beside every committed offset, which the client has the
//     broker check before it reads on. An operator's tool commits without one.
//   - A client drops what it has fetched for a partition that it then pauses, and
//     one that is resumed waits for the fetch under way. A fetch is small beside a
//     window for that reason, a full window ends the commit interval, and it is
//     paused only when no commit has made room in it for a while (ease.go).
package stream
