// Package embedded runs the real engines in a box, for tests and for cmd/sandbox: ClickHouse (libchdb behind
// ClickHouse's native protocol), Kafka (kfake, in this process or as one of its own) and Apache Kafka (Java).
// Every part has the same life: Start… gives it when it answers, Kill ends it as a kill -9 does, Restart brings it back
// on the same data and ports, Close ends it in order. All of it listens on loopback only.
//
// A part that is its own process is this very binary, started again with an environment variable that names the part.
// So whoever uses StartClickHouse or StartKafkaProcess calls [Main] first thing in main, or in TestMain:
//
//	func TestMain(m *testing.M) {
//		embedded.Main()
//		os.Exit(m.Run())
//	}
//
// Such a process ends by itself when its parent is gone, however that died.
package embedded
