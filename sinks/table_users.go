package sinks

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

type (
	text  = stringColumn
	word  = dictionaryColumn
	float = nullableColumn[float64]
)

// userRows writes users.enriched into user_events.
type userRows struct {
	reader *schemas.UserReader

	eventID, sessionID, openID, unionID, anonymousOpenID text
	kind                                                 numberColumn[int8]
	appID, sourceTopic                                   *word
	occurredAt, enrichedAt, sourceOffset                 numberColumn[int64]
	sourcePartition                                      numberColumn[int32]

	profile      profileColumns
	phone        phoneColumns
	location     locationColumns
	address      addressColumns
	device       deviceColumns
	subscription subscriptionColumns

	kinds struct{ profile, phone, location, address, device, subscription *kind }
	all   []namedColumn
}

func newUserRows(d *schemas.Decoder) *userRows {
	r := &userRows{reader: schemas.NewUserReader(d), appID: newDictionary(), sourceTopic: newDictionary()}
	r.profile, r.phone, r.location = newProfileColumns(), newPhoneColumns(), newLocationColumns()
	r.address, r.device, r.subscription = newAddressColumns(), newDeviceColumns(), newSubscriptionColumns()
	r.kinds.profile = newKind(r.profile.named())
	r.kinds.phone = newKind(r.phone.named("phone_"))
	r.kinds.location = newKind(r.location.named())
	r.kinds.address = newKind(r.address.named())
	r.kinds.device = newKind(r.device.named())
	r.kinds.subscription = newKind(r.subscription.named())
	r.all = []namedColumn{
		{"event_id", &r.eventID},
		{"kind", &r.kind},
		{"app_id", r.appID},
		{"session_id", &r.sessionID},
		{"open_id", &r.openID},
		{"union_id", &r.unionID},
		{"anonymous_open_id", &r.anonymousOpenID},
		{"occurred_at", &r.occurredAt},
		{"enriched_at", &r.enrichedAt},
		{"source_topic", r.sourceTopic},
		{"source_partition", &r.sourcePartition},
		{"source_offset", &r.sourceOffset},
	}
	for _, k := range []*kind{r.kinds.profile, r.kinds.phone, r.kinds.location, r.kinds.address, r.kinds.device, r.kinds.subscription} {
		r.all = append(r.all, k.columns...)
	}
	return r
}

func (r *userRows) columns() []namedColumn { return r.all }

func (r *userRows) write(rec *kgo.Record) error {
	u, err := r.reader.Read(rec.Value)
	if err != nil {
		return err
	}
	r.add(u)
	return nil
}

func (r *userRows) add(u *schemas.EnrichedUser) {
	before := r.eventID.rows
	r.eventID.append(u.EventID)
	r.kind.append(int8(u.Kind))
	r.appID.append(u.AppID)
	r.sessionID.append(u.SessionID)
	r.openID.append(u.OpenID)
	r.unionID.append(u.UnionID)
	r.anonymousOpenID.append(u.AnonymousOpenID)
	r.occurredAt.append(clampTime(u.OccurredAt))
	r.enrichedAt.append(clampTime(u.EnrichedAt))
	r.sourceTopic.append(u.Source.Topic)
	r.sourcePartition.append(u.Source.Partition)
	r.sourceOffset.append(u.Source.Offset)
	r.addKind(u, before)
}

func (r *userRows) addKind(u *schemas.EnrichedUser, before int) {
	if u.Profile != nil {
		r.kinds.profile.begin(before)
		r.profile.append(u.Profile)
	}
	if u.Phone != nil {
		r.kinds.phone.begin(before)
		r.phone.append(u.Phone)
	}
	if u.Location != nil {
		r.kinds.location.begin(before)
		r.location.append(u.Location)
	}
	if u.Address != nil {
		r.kinds.address.begin(before)
		r.address.append(u.Address)
	}
	if u.Device != nil {
		r.kinds.device.begin(before)
		r.device.append(u.Device)
	}
	if u.Subscription != nil {
		r.kinds.subscription.begin(before)
		r.subscription.append(u.Subscription)
	}
}
