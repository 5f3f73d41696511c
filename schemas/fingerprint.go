package schemas

// emptyFingerprint is the CRC-64-AVRO of no bytes, and its polynomial.
const emptyFingerprint uint64 = 0xc15d213aa4d7a795

var fingerprintTable = func() (table [256]uint64) {
	for i := range table {
		fp := uint64(i)
		for range 8 {
			fp = fp>>1 ^ emptyFingerprint&-(fp&1)
		}
		table[i] = fp
	}
	return table
}()

// Fingerprint is the CRC-64-AVRO of a schema's canonical form: what
// single-object framing carries, in little-endian order, to name the schema.
func Fingerprint(canonical string) uint64 {
	fp := emptyFingerprint
	for i := range len(canonical) {
		fp = fp>>8 ^ fingerprintTable[byte(fp)^canonical[i]]
	}
	return fp
}
