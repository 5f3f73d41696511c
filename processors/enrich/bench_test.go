package enrich

import (
	"fmt"
	"testing"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// BenchmarkPhone is one phone event of a known session on one core: the bare
// calls (decode, decrypt, seal, encode), and beside them the task (join, open
// the session, order) on a loop that costs next to nothing.
func BenchmarkPhone(b *testing.B) {
	const sessions = 1024
	rig := newBench(b)
	var records []*stream.Record
	for i := range sessions {
		id := fmt.Sprintf("session-%06d", i)
		rig.code("c"+id, "open-"+id)
		rig.login(id, "c"+id)
	}
	rig.loop.settle()
	for i := range sessions {
		id := fmt.Sprintf("session-%06d", i)
		records = append(records, rig.phone(id, keyOf("c"+id)))
	}
	p := rig.proc
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			rec := records[i%sessions]
			if _, err := p.bare(rec, keyOf("c"+string(rec.Key))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("task", func(b *testing.B) {
		b.ReportAllocs()
		l := &directLoop{fakeLoop: rig.loop}
		rig.loop.task.loop = l
		defer func() { rig.loop.task.loop = rig.loop }()
		in := &directInput{}
		for i := 0; b.Loop(); i++ {
			rec := records[i%sessions]
			rig.loop.task.handle(in, rec, p.prepare(rec))
		}
		if in.enriched < b.N {
			b.Fatalf("%d of %d enriched", in.enriched, b.N)
		}
	})
}

// bare does what has to be done to a phone event, and nothing else.
func (p *processor) bare(rec *stream.Record, key douyin.SessionKey) (*stream.Record, error) {
	ev, err := schemas.DecodeEvent(schemas.TopicPhone, rec.Key, rec.Value, p.decodeOptions())
	if err != nil {
		return nil, err
	}
	enc, err := schemas.DecodeEncrypted(ev.Payload)
	if err != nil {
		return nil, err
	}
	from := prepared{event: ev, encrypted: enc}
	w := takeWorkbench()
	defer w.release()
	w.user = schemas.EnrichedUser{
		EventID: ev.EventID, Kind: schemas.KindPhone, AppID: ev.AppID, SessionID: ev.SessionID,
		OpenID: "open-" + ev.SessionID, OccurredAt: ev.OccurredAt, EnrichedAt: ev.OccurredAt,
		Source: schemas.Source{Topic: rec.Topic, Offset: rec.Offset},
	}
	reason, ok := p.phoneNumber(w, &from, &schemas.SessionOutcome{SessionKey: string(key)})
	if !ok || reason != "" {
		return nil, fmt.Errorf("decrypt: %s", reason)
	}
	return p.output.Enriched(&w.user)
}

// directLoop does work at once.
type directLoop struct{ *fakeLoop }

func (l *directLoop) Do(job stream.Job) {
	job.Work()
	job.Worked()
}

type directInput struct{ enriched int }

func (in *directInput) Done(out []*stream.Record, retired func()) {
	if len(out) == 1 && out[0].Topic == schemas.TopicUsers {
		in.enriched++
	}
	if retired != nil {
		retired()
	}
}
