package schemas

import (
	"errors"
	"time"
)

const (
	// maxNotificationID is how long a notification_id may be, in bytes; it is
	// the order service's own and becomes a key.
	maxNotificationID = 512
	// maxEchoedID is how long one may be and still be answered, as INVALID: it
	// stands twice in the result, whose topic bounds a record.
	maxEchoedID  = 64 << 10
	maxOrderText = 1024 // open_id, template_id, page, order_id
	maxOrderData = 64   // keywords of a template
)

// lastExpiry is the greatest expires_at; services write the year 9999 for never.
var lastExpiry = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1

// DecodeOrder reads one record of an order topic: JSON. Every error is a
// *Rejection. Where notification_id could be read, the Order holds it, with
// whatever else was readable, and Rejection.EventID repeats it: such an order
// ends in the result INVALID. One without it is a dead letter, and so is one
// whose id is over 64 KiB.
func DecodeOrder(value []byte) (Order, error) {
	framing, body := framingOf(value)
	switch framing {
	case framingEmpty:
		return Order{}, invalid("", errEmpty)
	case framingJSON:
	default:
		return Order{}, undecodable(errUnknownFraming)
	}
	var raw rawOrder
	fault := raw.read(body)
	order, invalidField := raw.order()
	if fault == nil {
		fault = invalidField
	}
	if fault != nil {
		fault.EventID = order.NotificationID
		return order, fault
	}
	return order, nil
}

// rawOrder is an order as read, before any rule is applied.
type rawOrder struct {
	notificationID, appID, openID, templateID field
	page, orderID, expiresAt                  field
	data                                      map[string]string
	dataFault                                 error
}

func (o *rawOrder) read(value []byte) *Rejection {
	o.dataFault = errMissing
	return decodeForeignObject(value, func(r *jsonReader, name []byte) {
		switch string(name) {
		case "notification_id":
			o.notificationID = r.field()
		case "app_id":
			o.appID = r.field()
		case "open_id":
			o.openID = r.field()
		case "template_id":
			o.templateID = r.field()
		case "page":
			o.page = r.field()
		case "order_id":
			o.orderID = r.field()
		case "expires_at":
			o.expiresAt = r.field()
		case "data":
			o.readData(r)
		default:
			r.skip()
		}
	})
}

func (o *rawOrder) readData(r *jsonReader) {
	if !r.atObject() {
		if v := r.value(); v.kind() != 'n' {
			o.dataFault = errWrongType
		}
		return
	}
	o.data, o.dataFault = make(map[string]string), nil
	r.members(func(name []byte) {
		keyword := string(name)
		text, ok := dataText(r.value())
		if !ok {
			o.dataFault = errWrongType
		}
		if len(o.data) == maxOrderData {
			o.dataFault = errTooLong
			return
		}
		o.data[keyword] = text
	})
}

// dataText is a keyword's text; numbers and booleans are taken as written.
func dataText(v jsonValue) (string, bool) {
	switch v.kind() {
	case '"':
		return string(unquote(v)), true
	case '0', 't', 'f':
		return string(v), true
	}
	return "", false
}

// order applies the rules. The Order holds what is right even where something
// else is wrong.
func (o *rawOrder) order() (Order, *Rejection) {
	order := Order{Data: o.data}
	var faults []*Rejection
	for _, f := range [...]struct {
		name     string
		from     field
		to       *string
		limit    int
		required bool
	}{
		{"notification_id", o.notificationID, &order.NotificationID, maxNotificationID, true},
		{"app_id", o.appID, &order.AppID, maxID, true},
		{"open_id", o.openID, &order.OpenID, maxOrderText, true},
		{"template_id", o.templateID, &order.TemplateID, maxOrderText, true},
		{"page", o.page, &order.Page, maxOrderText, false},
		{"order_id", o.orderID, &order.OrderID, maxOrderText, false},
	} {
		err := f.from.within(f.limit)
		if err == nil || f.to == &order.NotificationID && errors.Is(err, errTooLong) && len(f.from.text) <= maxEchoedID {
			*f.to = string(f.from.text)
		}
		if err == nil {
			continue
		}
		if f.required || !errors.Is(err, errMissing) && !errors.Is(err, errEmpty) {
			faults = append(faults, invalid(f.name, err))
		}
	}
	if o.dataFault != nil {
		faults = append(faults, invalid("data", o.dataFault))
	}
	var err error
	if order.ExpiresAt, err = o.expiry(); err != nil {
		faults = append(faults, invalid("expires_at", err))
	}
	if len(faults) > 0 {
		return order, faults[0]
	}
	return order, nil
}

func (o *rawOrder) expiry() (int64, error) {
	if !o.expiresAt.there || len(o.expiresAt.text) == 0 && !o.expiresAt.wrong {
		return 0, nil
	}
	if o.expiresAt.wrong {
		return 0, errWrongType
	}
	ms, err := parseTimestamp(o.expiresAt.text)
	if err != nil {
		return 0, err
	}
	if ms < 0 || ms > lastExpiry {
		return 0, errOutOfRange
	}
	return max(ms, 1), nil // 1970 is past like any other time, and 0 stands for none
}
