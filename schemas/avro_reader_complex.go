package schemas

// present reads the branch of a union of null and something else.
func (r *avroReader) present() bool {
	if r.at < len(r.in) { // it is nearly always one byte
		switch r.in[r.at] {
		case 0:
			r.at++
			return false
		case 2:
			r.at++
			return true
		}
	}
	return r.branch()
}

// branch is present for any encoding of the branch's number.
func (r *avroReader) branch() bool {
	switch r.long() {
	case 0:
		return false
	case 1:
		return r.err == nil
	}
	r.fail(errOutOfRange)
	return false
}

// enum reads the number of a symbol of which there are count.
func (r *avroReader) enum(count int) uint8 {
	n := r.long()
	if n < 0 || n >= int64(count) {
		r.fail(errOutOfRange)
		return 0
	}
	return uint8(n)
}

func (r *avroReader) optionalStr() string {
	if !r.present() {
		return ""
	}
	return r.str()
}

func (r *avroReader) optionalBytes() []byte {
	if !r.present() {
		return nil
	}
	return r.bytes()
}

func (r *avroReader) optionalDouble() *float64 {
	if !r.present() {
		return nil
	}
	const chunk = 13 // as many as a Device has
	if len(r.doubles) == cap(r.doubles) {
		r.doubles = make([]float64, 0, chunk)
	}
	r.doubles = append(r.doubles, r.double())
	return &r.doubles[len(r.doubles)-1]
}

func (r *avroReader) optionalLong() *int64 {
	if !r.present() {
		return nil
	}
	n := r.long()
	return &n
}

func (r *avroReader) optionalChars() []byte {
	if !r.present() {
		return nil
	}
	return r.chars()
}

// items calls item for each item of an array, until the first fault.
func (r *avroReader) items(item func()) {
	for n := r.block(); n > 0; n = r.block() {
		for range n {
			if r.err != nil {
				return
			}
			item()
		}
	}
}

// block reads how many items of an array follow, 0 at its end. An item takes
// at least one byte, so a count beyond what is left is a lie.
func (r *avroReader) block() int {
	n := r.long()
	if n < 0 {
		n = -n
		r.long() // the block's size in bytes
	}
	if n < 0 || n > int64(r.left()) {
		r.fail(errCutShort)
		return 0
	}
	return int(n)
}
