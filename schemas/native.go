package schemas

import "time"

// native is goavro's form of a record. Its readers answer the zero value for a
// field that the record's schema version does not have, which is what every
// schema of ours has as its default.
type native map[string]any

// member looks through a union.
func (n native) member(name string) any {
	v := n[name]
	if union, ok := v.(map[string]any); ok && len(union) == 1 {
		for branch, inner := range union {
			if branchNames[branch] {
				return inner
			}
		}
	}
	return v
}

// branchNames are the names that goavro gives the branches of our unions, and
// of those that a foreign event may have.
var branchNames = map[string]bool{
	"string": true, "bytes": true, "long": true, "int": true, "double": true, "float": true,
	"long.timestamp-millis": true, "long.timestamp-micros": true,
	"doustream.Profile": true, "doustream.Phone": true, "doustream.Location": true, "doustream.Address": true,
	"doustream.Device": true, "doustream.Subscription": true, nameNotificationResult: true,
}

func get[T any](n native, name string) T {
	v, _ := n.member(name).(T)
	return v
}

func (n native) text(name string) string  { return get[string](n, name) }
func (n native) bytes(name string) []byte { return get[[]byte](n, name) }
func (n native) int(name string) int32    { return get[int32](n, name) }
func (n native) long(name string) int64   { return get[int64](n, name) }
func (n native) bool(name string) bool    { return get[bool](n, name) }

func (n native) millis(name string) int64 {
	switch t := n.member(name).(type) {
	case time.Time:
		return t.UnixMilli()
	case int64:
		return t
	}
	return 0
}

func (n native) double(name string) float64 { return get[float64](n, name) }

func (n native) doubleOrNil(name string) *float64 {
	if f, ok := n.member(name).(float64); ok {
		return &f
	}
	return nil
}

func (n native) longOrNil(name string) *int64 {
	if i, ok := n.member(name).(int64); ok {
		return &i
	}
	return nil
}

// record answers a nested record, nil where it is null.
func (n native) record(name string) native { return get[map[string]any](n, name) }

func (n native) records(name string) []native {
	items := get[[]any](n, name)
	records := make([]native, 0, len(items))
	for _, item := range items {
		if r, ok := item.(map[string]any); ok {
			records = append(records, r)
		}
	}
	return records
}

func (n native) source(name string) Source { return sourceFromNative(n.record(name)) }

func sourceFromNative(n native) Source {
	return Source{Topic: n.text("topic"), Partition: n.int("partition"), Offset: n.long("offset")}
}
