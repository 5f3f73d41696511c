// Package sinks is where results land: the records of the output topics
// (enriched users, notification results, consents, dead letters), and
// ClickHouse, which the sink role fills from those topics with each row once.
// It stands at the end of the flow: processors hand their results to Topics,
// ClickHouse reads what Topics wrote.
//
// # Non-obvious
//
// Each of these is a counterexample that a model or a test has found.
//
//   - A range stands in the group's metadata before its first row can be in the
//     table, so that whoever takes over rebuilds exactly this block and inserts
//     it under exactly this token; a late insert of the predecessor carries it
//     too.
//   - What lay in the log when an owner began may have been inserted by anybody
//     (an operator may have set the offset back with a tool that drops the
//     metadata): it is looked up before and after its insert. Only what was
//     written since has been tried by no one.
//   - A deduplicated insert may be one whose part was lost in a kill -9, so rows
//     that are still missing go in under another token.
//   - A block that the table refuses is halved by its range, never by what is
//     missing of it, and a part with a refused row is never inserted as one: who
//     tries again makes the same parts under the same tokens.
//   - A table and its views are written one after another. Where a look-up finds
//     rows before this owner inserted any, the views' own queries are run over
//     the range once more, and a view's refusal is told from a row's by a look-up.
//   - A log may be cut and grow past its cut, or its topic be made anew: then other
//     records stand where rows came from, and a look-up would take them for those.
//     Commits carry the leader's epoch, and a look-up compares Kafka timestamps.
//   - A dead letter of the sink leaves before its range is committed: whoever tries
//     the range again looks for it in the topic first.
//   - A range is rebuilt whole, however little memory its new owner has: pausing
//     in the middle of it would wait for ever.
//   - Records that were polled are in their partition's queue before a rebalance
//     goes on, or a later ownership would take their gap for a hole.
package sinks
