package schemas

var notificationResults = recordCodec[NotificationResult]{
	name:  nameNotificationResult,
	write: appendNotificationResult,
	read:  (*avroReader).notificationResult,
	from:  notificationResultFromNative,
}

func appendNotificationResult(dst []byte, r *NotificationResult) []byte {
	dst = appendText(dst, r.NotificationID)
	dst = appendText(dst, r.AppID)
	dst = appendText(dst, r.OpenID)
	dst = appendText(dst, r.TemplateID)
	dst = appendOptionalText(dst, r.OrderID)
	dst = appendEnum(dst, knownNumber(uint8(r.Status), statusSymbols))
	dst = appendOptionalLong(dst, r.ErrNo)
	dst = appendText(dst, r.Reason)
	dst = appendOptionalText(dst, r.LogID)
	dst = appendLong(dst, int64(r.Attempts))
	dst = appendLong(dst, r.FinishedAt)
	return appendSource(dst, &r.Source)
}

func (r *avroReader) notificationResult(n *NotificationResult) {
	*n = NotificationResult{
		NotificationID: r.str(),
		AppID:          r.str(),
		OpenID:         r.str(),
		TemplateID:     r.str(),
		OrderID:        r.optionalStr(),
		Status:         Status(r.enum(len(statusSymbols))),
		ErrNo:          r.optionalLong(),
		Reason:         r.str(),
		LogID:          r.optionalStr(),
		Attempts:       r.int(),
		FinishedAt:     r.long(),
		Source:         r.source(),
	}
}

func notificationResultFromNative(n native) NotificationResult {
	return NotificationResult{
		NotificationID: n.text("notification_id"),
		AppID:          n.text("app_id"),
		OpenID:         n.text("open_id"),
		TemplateID:     n.text("template_id"),
		OrderID:        n.text("order_id"),
		Status:         Status(numberOf(statusSymbols, n.text("status"))),
		ErrNo:          n.longOrNil("err_no"),
		Reason:         n.text("reason"),
		LogID:          n.text("log_id"),
		Attempts:       n.int("attempts"),
		FinishedAt:     n.millis("finished_at"),
		Source:         n.source("source"),
	}
}
