// Package douyin is a client of the Douyin open platform: code exchange,
// tokens, notifications, and the decryption of what the mini-app's tt.* calls
// hand over. It knows the platform's words and nothing of Kafka.
package douyin
