package traffic

import (
	"fmt"
	"maps"

	"doustream/platform/douyin/douyintest"
)

// facts are what an enriched record must tell, by name. Those that doustream
// hides (phone, name, detail) are here as they were before.
type facts map[string]string

// identity are the facts that every record of a session has once its login,
// the first or the second, has come to something.
func identity(l douyintest.Login) facts {
	return facts{"open_id": l.OpenID, "union_id": l.UnionID, "anonymous_open_id": l.AnonymousOpenID}
}

// with adds facts.
func (f facts) with(more facts) map[string]string {
	all := maps.Clone(f)
	maps.Copy(all, more)
	return all
}

func (p person) profileFacts() facts {
	return facts{"nick_name": p.nick, "gender": fmt.Sprint(p.gender), "language": "zh_CN"}
}

func (p person) phoneFacts() facts { return facts{"phone": p.phone, "country_code": "86"} }

func (p person) locationFacts(coord string) facts {
	if coord == "" {
		coord = "unknown"
	}
	return facts{"longitude": fmt.Sprint(p.place.longitude), "latitude": fmt.Sprint(p.place.latitude), "city": p.place.city, "coord_type": coord}
}

func (p person) addressFacts() facts {
	return facts{
		"name": p.name, "province": p.place.province, "city": p.place.city, "county": p.place.county, "detail": p.place.street, "phone": p.phone,
	}
}

func (d device) facts() facts {
	return facts{"brand": d.brand, "model": d.model, "system": d.system, "battery": fmt.Sprint(d.battery)}
}

func subscriptionFacts(template, status string) facts { return facts{template: status} }
