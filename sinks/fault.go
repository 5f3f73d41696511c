package sinks

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"
)

// fate is what an error of ClickHouse calls for.
type fate uint8

const (
	// fatePasses: the same insert may succeed later; tried again with backoff.
	fatePasses fate = iota
	// fateRow: a value in the block may be at fault; the block is bisected.
	fateRow
	// fateStops: somebody must act (a table or a right is missing); the partition
	// stops, the others go on.
	fateStops
)

// faults says for ClickHouse's error codes what they call for. A code that is
// not here stops the partition: an unknown refusal is somebody's to read, and
// trying for ever would hide it.
var faults = map[proto.Error]fate{
	proto.ErrUnexpectedEndOfFile:               fatePasses, // the connection was cut inside the block
	proto.ErrAttemptToReadAfterEOF:             fatePasses,
	proto.ErrCannotReadAllData:                 fatePasses,
	proto.ErrCannotReadFromFileDescriptor:      fatePasses,
	proto.ErrCannotWriteToFileDescriptor:       fatePasses,
	proto.ErrCannotOpenFile:                    fatePasses,
	proto.ErrCannotReadFromSocket:              fatePasses,
	proto.ErrCannotWriteToSocket:               fatePasses,
	proto.ErrUnexpectedPacketFromClient:        fatePasses, // what is left of a block that was cut short
	proto.ErrTimeoutExceeded:                   fatePasses,
	proto.ErrTooSlow:                           fatePasses,
	proto.ErrReadonly:                          fatePasses, // a server in maintenance
	proto.ErrCannotAllocateMemory:              fatePasses,
	proto.ErrDNSError:                          fatePasses,
	proto.ErrQuotaExceeded:                     fatePasses,
	proto.ErrTooManySimultaneousQueries:        fatePasses,
	proto.ErrNoFreeConnection:                  fatePasses,
	proto.ErrCannotFsync:                       fatePasses,
	proto.ErrSocketTimeout:                     fatePasses,
	proto.ErrNetworkError:                      fatePasses,
	proto.ErrNoZookeeper:                       fatePasses,
	proto.ErrAborted:                           fatePasses, // the server is shutting down
	proto.ErrMemoryLimitExceeded:               fatePasses,
	proto.ErrTableIsReadOnly:                   fatePasses, // a replica without its keeper
	proto.ErrNotEnoughSpace:                    fatePasses,
	proto.ErrTooManyParts:                      fatePasses, // merges are behind
	proto.ErrNoActiveReplicas:                  fatePasses,
	proto.ErrAllConnectionTriesFailed:          fatePasses,
	proto.ErrTooLessLiveReplicas:               fatePasses,
	proto.ErrUnsatisfiedQuorumForPreviousWrite: fatePasses,
	proto.ErrReplicaIsNotInQuorum:              fatePasses,
	proto.ErrLimitExceeded:                     fatePasses,
	proto.ErrUnknownStatusOfInsert:             fatePasses,
	proto.ErrReceivedErrorTooManyRequests:      fatePasses,
	proto.ErrSessionIsLocked:                   fatePasses,
	proto.ErrPartIsTemporarilyLocked:           fatePasses,
	proto.ErrQueryWasCancelled:                 fatePasses,
	proto.ErrAllReplicasLost:                   fatePasses,
	proto.ErrSystemError:                       fatePasses,
	proto.ErrCannotScheduleTask:                fatePasses,
	proto.ErrDeadlockAvoided:                   fatePasses,
	proto.ErrS3Error:                           fatePasses,
	proto.ErrDistributedTooManyPendingBytes:    fatePasses,
	proto.ErrTooManyMutations:                  fatePasses,
	proto.ErrUserSessionLimitExceeded:          fatePasses,
	proto.ErrCannotWriteAfterBufferCanceled:    fatePasses,
	proto.ErrQueryWasCancelledByClient:         fatePasses,
	proto.ErrServerOverloaded:                  fatePasses,
	proto.ErrKeeperException:                   fatePasses,

	proto.ErrArgumentOutOfBound:               fateRow,
	proto.ErrCannotConvertType:                fateRow,
	proto.ErrTooLargeArraySize:                fateRow,
	proto.ErrTooLargeStringSize:               fateRow,
	proto.ErrIllegalDivision:                  fateRow, // in a materialized expression
	proto.ErrValueIsOutOfRangeOfDataType:      fateRow,
	proto.ErrCannotInsertNullInOrdinaryColumn: fateRow,
	proto.ErrFunctionThrowIfValueIsNonZero:    fateRow, // in a materialized view
	proto.ErrDecimalOverflow:                  fateRow,
	proto.ErrViolatedConstraint:               fateRow,
	proto.ErrUnknownElementOfEnum:             fateRow,

	// As any code that is not here; these are listed because the server's words
	// name what is missing, and never quote a row.
	proto.ErrUnknownTable:          fateStops,
	proto.ErrUnknownDatabase:       fateStops,
	proto.ErrTableIsDropped:        fateStops,
	proto.ErrNoSuchColumnInTable:   fateStops,
	proto.ErrNotFoundColumnInBlock: fateStops,
	proto.ErrThereIsNoColumn:       fateStops,
	proto.ErrUnknownIdentifier:     fateStops,
	proto.ErrUnknownSetting:        fateStops,
	proto.ErrNotImplemented:        fateStops,
	proto.ErrAccessDenied:          fateStops,
	proto.ErrUnknownUser:           fateStops,
	proto.ErrWrongPassword:         fateStops,
	proto.ErrAuthenticationFailed:  fateStops,
}

// fateOf maps an error of an insert or a look-up to its fate. What is not the
// server's refusal (the network, a deadline, a server that is gone) passes.
func fateOf(err error) fate {
	if errors.Is(err, errVanished) || errors.Is(err, errGone) || errors.Is(err, errCut) {
		return fateStops
	}
	code, ok := codeOf(err)
	if !ok {
		return fatePasses
	}
	if f, ok := faults[code]; ok {
		return f
	}
	return fateStops
}

// codeOf is the server's error code in err's chain.
func codeOf(err error) (code proto.Error, ok bool) {
	var refused proto.Error
	if errors.As(err, &refused) {
		return refused, true
	}
	return 0, false
}
