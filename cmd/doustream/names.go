package main

import "doustream/cmd/doustream/config"

// prefixed is the topics' names in this installation.
func prefixed(c *config.Config, topics ...string) []string {
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = c.Names.TopicPrefix + topic
	}
	return names
}
