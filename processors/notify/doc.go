// Package notify turns notification orders into messages that the open
// platform sends to users, and answers every order with one result.
//
// In the flow it stands behind the order topics and before
// notifications.results. It is one stream.Task that one instance owns while
// the others stand by (stream.SingleOwner); the owner alone holds and fetches
// the platform's tokens. An order is taken into the state topic
// doustream.notifications in the transaction that commits its offset, and
// walks there from QUEUED by INTENT to RETRY or RESULT; a request leaves only
// after the transaction with its INTENT is known to have succeeded.
package notify
