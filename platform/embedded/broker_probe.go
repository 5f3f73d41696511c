package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// probePause lies between two looks at whether a broker is ready.
const probePause = 100 * time.Millisecond

// awaitBroker waits until the broker at addr answers and counts itself among the cluster's.
func awaitBroker(ctx context.Context, addr string, node int32) error {
	ticker := time.NewTicker(probePause)
	defer ticker.Stop()
	for {
		err := probeBroker(ctx, addr, node)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// probeBroker asks the broker at addr for the cluster's members, in Kafka's protocol.
func probeBroker(ctx context.Context, addr string, node int32) error {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	nc, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 7 // the last whose headers have no tags
	req.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := nc.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("probe")).AppendRequest(nil, req, 1)); err != nil {
		return err
	}
	body, err := readFrame(nc)
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.Version = req.Version
	if err := resp.ReadFrom(body[4:]); err != nil { // past the correlation id
		return fmt.Errorf("read metadata: %w", err)
	}
	for _, b := range resp.Brokers {
		if b.NodeID == node {
			return nil
		}
	}
	return fmt.Errorf("node %d is not among the cluster's %d", node, len(resp.Brokers))
}

const maxFrame = 1 << 20

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}
