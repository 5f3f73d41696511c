package schemas

var notificationResults = recordCodec[NotificationResult]{
	name: nameNotificationResult,
	to:   notificationResultToNative,
	from: notificationResultFromNative,
}

func notificationResultToNative(r *NotificationResult) map[string]any {
	return map[string]any{
		"notification_id": r.NotificationID,
		"app_id":          r.AppID,
		"open_id":         r.OpenID,
		"template_id":     r.TemplateID,
		"order_id":        textOrNull(r.OrderID),
		"status":          r.Status.String(),
		"err_no":          pointerOrNull("long", r.ErrNo),
		"reason":          r.Reason,
		"log_id":          textOrNull(r.LogID),
		"attempts":        r.Attempts,
		"finished_at":     nativeTime(r.FinishedAt),
		"source":          r.Source.native(),
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
