package sinks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/schemas"
)

// benchKafkaEngine empties the backlog into a new ClickHouse by ClickHouse's own
// Kafka engine: the same topic (AvroConfluent, with the registry), the same table
// and the views behind it. It commits what it has read after the insert, so that
// a crash in between doubles rows: at least once. Its consumers, its decoding and
// its inserts are in one process with the engine, so that its processor time
// compares with the sink's and its engine's together. It is measured from its
// first rows, since it takes its time to begin, to its last, or for a minute.
func benchKafkaEngine(b *testing.B, from *backlog) figure {
	engine := migrated(b)
	defer engine.Close()
	conn := connect(b, engine.DSN())
	for _, statement := range kafkaEngineTables(b, conn, from) {
		if err := conn.Exec(testContext(b), statement); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	first := awaitRows(b, conn, 1, benchPatience)
	if first == 0 {
		var said string
		_ = conn.QueryRow(testContext(b), "SELECT toString(groupArray((name, last_error_message))) FROM system.errors").Scan(&said)
		b.Fatalf("no rows: %s", said)
	}
	began, before := time.Now(), cpuOf(engine.PID())
	last := awaitRows(b, conn, from.rows, time.Minute)
	run := figure{rows: last - first, took: time.Since(began), cost: cost{RSS: memoryOf(engine.PID())}, engine: cpuOf(engine.PID()) - before}
	for _, sample := range []string{"phone_masked != '' AND length(phone_hash) = 64", "location_city != ''", "subscription_template_id = ['m1', 'm2']", "address_phone_masked != ''", "device_score_cpu > 0"} {
		if count(b, conn, "SELECT count() FROM user_events WHERE "+sample) == 0 {
			b.Fatalf("no row of the Kafka engine's has %s", sample)
		}
	}
	return run
}

// awaitRows waits until user_events has so many rows, but not longer than within,
// and answers how many it has.
func awaitRows(b *testing.B, conn driver.Conn, want int, within time.Duration) int {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	enough := time.After(within)
	for {
		rows := int(count(b, conn, "SELECT count() FROM user_events"))
		if rows >= want {
			return rows
		}
		select {
		case <-tick.C:
		case <-enough:
			return rows
		}
	}
}

// kafkaEngineTables are the statements that begin the reading: as many consumers
// as the machine may run, blocks of 100 000 rows or a second: it looks at the
// clock between two polls alone, and 100 000 of these take it twenty seconds.
func kafkaEngineTables(b *testing.B, conn driver.Conn, from *backlog) []string {
	columns, selected := kafkaEngineColumns(b, conn)
	return []string{
		fmt.Sprintf(`CREATE TABLE user_queue (%s) ENGINE = Kafka SETTINGS kafka_broker_list = %s, kafka_topic_list = %s, kafka_group_name = %s,
			kafka_format = 'AvroConfluent', format_avro_schema_registry_url = %s, input_format_avro_allow_missing_fields = 1, input_format_avro_null_as_default = 1,
			kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 100000, kafka_poll_max_batch_size = 10000, kafka_flush_interval_ms = 1000`,
			strings.Join(columns, ", "), quoteText(strings.Join(from.brokers, ",")), quoteText("test."+schemas.TopicUsers),
			quoteText(fmt.Sprintf("bench.engine.%d", time.Now().UnixNano())), quoteText(from.registry)),
		"CREATE MATERIALIZED VIEW user_intake TO user_events AS SELECT " + strings.Join(selected, ", ") + " FROM user_queue",
	}
}

// kafkaEngineColumns are the columns of user_events as the engine reads them out of
// the Avro record, where a part of a union is named for its branch, and as they
// are selected into the table.
func kafkaEngineColumns(b *testing.B, conn driver.Conn) (columns, selected []string) {
	rows, err := conn.Query(testContext(b), "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'user_events' ORDER BY position")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns = []string{"`subscription.Subscription.templates` Array(Tuple(template_id String, status String, always Bool))"}
	selected = []string{"_topic", "toInt32(_partition) AS _partition", "toInt64(_offset) AS _offset", "assumeNotNull(_timestamp_ms) AS _timestamp"}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			b.Fatal(err)
		}
		if part, ok := strings.CutPrefix(name, "subscription_"); ok {
			selected = append(selected, fmt.Sprintf("arrayMap(t -> t.%s, `subscription.Subscription.templates`) AS %s", part, name))
			continue
		}
		if strings.HasPrefix(name, "_") {
			continue
		}
		from := quoteName(avroPath(name))
		columns = append(columns, from+" "+kind)
		selected = append(selected, from+" AS "+name)
	}
	return columns, selected
}

func avroPath(column string) string {
	for _, part := range [][2]string{
		{"profile_", "profile.Profile."},
		{"phone_", "phone.Phone."},
		{"location_", "location.Location."},
		{"address_phone_", "address.Address.phone.Phone."},
		{"address_", "address.Address."},
		{"device_", "device.Device."},
		{"source_", "source."},
	} {
		if rest, ok := strings.CutPrefix(column, part[0]); ok {
			return part[1] + rest
		}
	}
	return column
}
