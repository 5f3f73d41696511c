package secrets

// IDs lists the ids of the ring's keys, the one that seals first.
func (k *Keyring) IDs() []string {
	ids := make([]string, 0, len(k.keys))
	for _, key := range k.keys {
		ids = append(ids, key.id)
	}
	return ids
}

// IDs lists the ids of the peppers, the one that hashes first.
func (p *Peppers) IDs() []string {
	ids := make([]string, 0, len(p.entries))
	for _, e := range p.entries {
		ids = append(ids, e.id)
	}
	return ids
}
