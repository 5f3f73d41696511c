// Package traffic is the mini-app's users, their backend and the order
// services: events of every kind in the shapes of the tt.* callbacks, encrypted
// under the keys that the simulated platform gave, with a share of everything
// that can be wrong, and orders for notifications. It writes down what it sent
// and what must become of each, which is what doustream's own account is held
// against.
package traffic
