package traffic

import (
	"fmt"
	"math/rand/v2"
)

type place struct {
	province, city, county, street string
	longitude, latitude            float64
}

var places = []place{
	{"北京市", "北京市", "朝阳区", "建国路93号院7号楼1804", 116.3974, 39.9092},
	{"上海市", "上海市", "浦东新区", "世纪大道100号58层", 121.5055, 31.2353},
	{"广东省", "深圳市", "南山区", "科技园科苑路15号", 113.9430, 22.5405},
	{"浙江省", "杭州市", "西湖区", "文三路259号昌地火炬大厦", 120.1280, 30.2780},
	{"四川省", "成都市", "锦江区", "红星路三段1号", 104.0817, 30.6570},
	{"陕西省", "西安市", "雁塔区", "高新路25号", 108.8890, 34.2410},
}

type device struct {
	brand, model, system, platform, version string
	fontSize, width, score                  string // JSON: number or string, as they come
	battery                                 int
}

var devices = []device{
	{"Apple", "iPhone 12", "iOS 14", "ios", "6.6.3", "16", "390", "7.905", 100},
	{"Apple", "iPhone 15 Pro", "iOS 17.4", "ios", "28.1.0", `"17"`, "393", "9.8", 64},
	{"HUAWEI", "Mate 60 Pro", "HarmonyOS 4.0", "android", "28.0.0", `"16"`, `"424"`, "8.2", 81},
	{"Xiaomi", "23127PN0CC", "Android 14", "android", "27.9.0", "16", "411", "9.1", 37},
	{"vivo", "V2309A", "Android 13", "android", "27.5.0", "18", `"393"`, "-1", 55},
	{"OPPO", "PHZ110", "Android 14", "android", "28.1.0", "16", "412", `"7.7"`, 92},
}

// person is one user of the mini-app.
type person struct {
	name, nick, phone string
	gender            int
	place             place
	device            device
}

var (
	families = []string{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"}
	givens   = []string{"伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "婷", "雪"}
)

func newPerson(rng *rand.Rand) person {
	return person{
		name:   pick(rng, families) + pick(rng, givens),
		nick:   fmt.Sprintf("用户%05d", rng.IntN(100000)),
		phone:  fmt.Sprintf("1%s%08d", pick(rng, []string{"38", "39", "50", "86", "77"}), rng.IntN(100000000)),
		gender: rng.IntN(3),
		place:  pick(rng, places),
		device: pick(rng, devices),
	}
}

func (p person) info() userInfo {
	return userInfo{
		NickName: p.nick, AvatarURL: "https://p9-passport.byteacctimg.com/img/mosaic-legacy/3796/2975850990.image",
		Gender: p.gender, Language: "zh_CN",
	}
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }
