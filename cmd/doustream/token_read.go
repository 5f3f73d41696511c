package main

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/doustream/config"
	"doustream/processors/notify"
	"doustream/schemas"
)

// readTokens reads what notify has published of its tokens, to the end that the
// topic has now.
func readTokens(ctx context.Context, c *config.Config, log *slog.Logger) (*notify.TokenBook, error) {
	opts, err := connectOptions(c, log)
	if err != nil {
		return nil, err
	}
	topic := c.Names.TopicPrefix + schemas.TopicTokens
	book := notify.NewTokenBook(topic, c.Sealing.Keys)
	err = scan(ctx, opts, topic, 0, func(rec *kgo.Record) error {
		book.Take(rec)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return book, nil
}
