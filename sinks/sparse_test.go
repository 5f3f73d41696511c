package sinks

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// A column that is spread over a block's rows when it is sent is byte for byte the
// column into which every row was appended, an empty one where a row is of another
// kind; and so are the rows that are picked of it.
func TestASparseColumnIsSentAsIfEveryRowWereInIt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rows := 1 + rng.IntN(700)
		spread, full := oneOfEach(), oneOfEach()
		k := newKind(spread.columns)
		for row := range rows {
			if rng.IntN(4) > 0 {
				continue
			}
			k.begin(row)
			n := rng.IntN(400)
			spread.append(n)
			for _, c := range full.columns {
				c.pad(row)
			}
			full.append(n)
		}
		keep := make([]bool, rows)
		for i := range keep {
			keep[i] = rng.IntN(3) > 0
		}
		for i, c := range k.columns {
			want := full.columns[i]
			if want.Rows() == 0 {
				if c.Rows() != 0 {
					t.Fatalf("%s: %d rows of no kind", c.name, c.Rows())
				}
				continue
			}
			want.pad(rows)
			c.pad(rows)
			if c.Rows() != rows || !bytes.Equal(wired(c.column), wired(want.column)) {
				t.Fatalf("seed %d: %s of %d rows differs", seed, c.name, rows)
			}
			if !bytes.Equal(wired(c.pick(keep)), wired(want.pick(keep))) {
				t.Fatalf("seed %d: what is picked of %s differs", seed, c.name)
			}
		}
		for _, c := range k.columns {
			if c.reset(); c.Rows() != 0 {
				t.Fatalf("%s has rows after a reset", c.name)
			}
		}
	}
}

// mixed is one column of each type, and how a row goes into them.
type mixed struct {
	columns group
	append  func(n int)
}

func oneOfEach() mixed {
	text, number, float, word := &stringColumn{}, &numberColumn[int32]{}, &nullableColumn[float64]{}, newDictionary()
	words := &arrayColumn[*dictionaryColumn]{elements: newDictionary()}
	return mixed{
		columns: group{{"text", text}, {"number", number}, {"float", float}, {"word", word}, {"words", words}},
		append: func(n int) {
			text.append(fmt.Sprintf("%0*d", n, n))
			number.append(int32(n))
			if v := float64(n); n%3 == 0 {
				float.append(nil)
			} else {
				float.append(&v)
			}
			word.append(fmt.Sprint(n))
			for i := range n % 4 {
				words.elements.append(fmt.Sprint(i))
			}
			words.end()
		},
	}
}

func wired(c column) []byte {
	var b proto.Buffer
	if s, ok := c.(proto.StateEncoder); ok {
		s.EncodeState(&b)
	}
	c.EncodeColumn(&b)
	return b.Buf
}
