package sinks

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// resultRows writes notifications.results into notifications.
type resultRows struct {
	decoder *schemas.Decoder

	notificationID, openID, orderID, logID text
	appID, templateID, reason, sourceTopic *word
	status                                 numberColumn[int8]
	errNo                                  nullableColumn[int64]
	attempts, sourcePartition              numberColumn[int32]
	finishedAt, sourceOffset               numberColumn[int64]
}

func newResultRows(d *schemas.Decoder) *resultRows {
	return &resultRows{decoder: d, appID: newDictionary(), templateID: newDictionary(), reason: newDictionary(), sourceTopic: newDictionary()}
}

func (r *resultRows) columns() []namedColumn {
	return []namedColumn{
		{"notification_id", &r.notificationID},
		{"app_id", r.appID},
		{"open_id", &r.openID},
		{"template_id", r.templateID},
		{"order_id", &r.orderID},
		{"status", &r.status},
		{"err_no", &r.errNo},
		{"reason", r.reason},
		{"log_id", &r.logID},
		{"attempts", &r.attempts},
		{"finished_at", &r.finishedAt},
		{"source_topic", r.sourceTopic},
		{"source_partition", &r.sourcePartition},
		{"source_offset", &r.sourceOffset},
	}
}

func (r *resultRows) write(rec *kgo.Record) error {
	n, err := r.decoder.NotificationResult(rec.Value)
	if err != nil {
		return err
	}
	r.notificationID.append(n.NotificationID)
	r.appID.append(n.AppID)
	r.openID.append(n.OpenID)
	r.templateID.append(n.TemplateID)
	r.orderID.append(n.OrderID)
	r.status.append(int8(n.Status))
	r.errNo.append(n.ErrNo)
	r.reason.append(n.Reason)
	r.logID.append(n.LogID)
	r.attempts.append(n.Attempts)
	r.finishedAt.append(clampTime(n.FinishedAt))
	r.sourceTopic.append(n.Source.Topic)
	r.sourcePartition.append(n.Source.Partition)
	r.sourceOffset.append(n.Source.Offset)
	return nil
}
