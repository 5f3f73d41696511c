package schemas

import (
	"syscall"
	"testing"
	"time"
)

// reportCPU reports the processor's time beside the wall clock's, which other
// work on the machine stretches.
func reportCPU(b *testing.B) {
	b.Helper()
	b.ReportAllocs()
	start := processorTime()
	b.Cleanup(func() {
		b.ReportMetric(float64(processorTime()-start)/float64(b.N), "cpu-ns/op")
	})
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

const phoneCiphertext = "aLhedzo+Z6es5zW+YHo9suhHOsThytdZajT2mbvm9sMHTFGF3MC4Z5cShzQ5IXvBXNwF/Bbjy1Zkd3R5tKxhJ6/7HL7DWlLPiMx7TKYDWWmEM8A/vwYboInegE03hph7K6regpbcwKUp1ytzeceCv5HKQGO1keHR53ly+m3OoVFoVEGR5yPSGGVgyxhMSw9vtsfN/FeVtpM2Aw4KlMLQCg=="

func benchmarkEvents() map[string][]byte {
	phone := eventAround([]byte(`{"detail":{"cloudId":"","encryptedData":"` + phoneCiphertext + `","iv":"EBESExQVFhcYGRobHB0eHw==","errMsg":"getPhoneNumber:ok"},"errMsg":"getPhoneNumber:ok"}`))
	ev, err := DecodeEvent(TopicPhone, []byte("s-91f"), phone, DecodeOptions{})
	if err != nil {
		panic(err)
	}
	avro := EventFields{EventID: ev.EventID, AppID: ev.AppID, SessionID: ev.SessionID, OccurredAt: ev.OccurredAt, Payload: string(ev.Payload)}
	return map[string][]byte{"phone/json": phone, "phone/avro": avro.Encode()}
}

func BenchmarkDecodeEvent(b *testing.B) {
	events := benchmarkEvents()
	events["device/json"] = eventAround(callbacks(b)["tt.getSystemInfo"])
	opts := DecodeOptions{Now: testNow, Known: func(app string) bool { return app == "tt60d4166" }}
	for name, value := range events {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(value)))
			reportCPU(b)
			for b.Loop() {
				if _, err := DecodeEvent(TopicPhone, []byte("s-91f"), value, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodePayload(b *testing.B) {
	all := callbacks(b)
	for name, decode := range map[string]func([]byte) error{
		"tt.login":                   func(p []byte) error { _, err := DecodeLogin(p); return err },
		"tt.getPhoneNumber":          func(p []byte) error { _, err := DecodeEncrypted(p); return err },
		"tt.getLocation":             func(p []byte) error { _, err := DecodeLocation(Event{Payload: p}); return err },
		"tt.getSystemInfo":           func(p []byte) error { _, err := DecodeDevice(p); return err },
		"tt.requestSubscribeMessage": func(p []byte) error { _, err := DecodeSubscription(p); return err },
	} {
		payload := []byte(all[name])
		b.Run(name, func(b *testing.B) {
			reportCPU(b)
			for b.Loop() {
				if err := decode(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEnrichedUser(b *testing.B) {
	codec := goavroCodec(b, nameEnrichedUser)
	reader := NewUserReader(nil)
	for _, kind := range []string{"phone", "device"} {
		u := sampleUsers()[kind]
		native := enrichedUserNative(u)
		value := appendEnrichedUser(appendSingleObject(nil, newest[nameEnrichedUser].Fingerprint), u)
		for name, step := range map[string]func(dst []byte) ([]byte, error){
			"encode":        func(dst []byte) ([]byte, error) { return appendEnrichedUser(dst, u), nil },
			"encode/goavro": func(dst []byte) ([]byte, error) { return codec.BinaryFromNative(dst, native) },
			"decode":        func(dst []byte) ([]byte, error) { _, err := DecodeEnrichedUser(value); return dst, err },
			"read":          func(dst []byte) ([]byte, error) { _, err := reader.Read(value); return dst, err },
			"decode/goavro": func(dst []byte) ([]byte, error) {
				_, err := decodeNative(codec, value[singleObjectHeader:])
				return dst, err
			},
		} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				reportCPU(b)
				var dst []byte
				for b.Loop() {
					var err error
					if dst, err = step(dst[:0]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDecodeSessionFact(b *testing.B) {
	value, err := sampleSession().Encode()
	if err != nil {
		b.Fatal(err)
	}
	reportCPU(b)
	for b.Loop() {
		if _, err := DecodeSessionFact(value); err != nil {
			b.Fatal(err)
		}
	}
}
