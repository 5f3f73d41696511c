package enrich

import (
	"testing"
	"time"
)

func TestLoginThenPhone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	login, phone, device := b.login("s1", "c1"), b.phone("s1", keyOf("c1")), b.device("s1")
	b.loop.settle()
	b.want(login, "enriched")
	b.want(phone, "enriched")
	b.want(device, "enriched")
	u := b.of(phone).user
	if u.OpenID != "o1" || u.Phone.Masked != "138****1234" || u.UnionID != "union-o1" {
		t.Errorf("phone: %+v %+v", u, u.Phone)
	}
	if len(b.loop.task.active) != 0 || b.loop.task.working != 0 || len(b.loop.task.logins) != 0 {
		t.Errorf("left over: %d active, %d under way", len(b.loop.task.active), b.loop.task.working)
	}
}

func TestPhoneBeforeItsLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	phone := b.phone("s1", keyOf("c1"))
	b.loop.settle()
	b.none(phone)
	b.loop.advance(5 * time.Second) // parked by now
	if n := len(b.unparked()); n != 1 {
		t.Fatalf("%d parked; want 1", n)
	}
	login := b.login("s1", "c1")
	b.loop.settle()
	b.want(login, "enriched")
	b.want(phone, "enriched")
	if n := len(b.unparked()); n != 0 {
		t.Errorf("%d parked; want 0", n)
	}
}
