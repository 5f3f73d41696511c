package traffic

import (
	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// The mini-apps of the sandbox. The last three live through bad days only.
const (
	AppShop   = "tt60d4166000000008801"
	AppTravel = "tt60d4166000000008802"
	// AppRefused gets a number that nobody knows for each login.
	AppRefused = "tt60d4166000000008803"
	// AppLost never hears the first answer for a code, nor any for a message:
	// the connection is reset behind the effect.
	AppLost = "tt60d4166000000008804"
	// AppWrongSecret is configured with a secret that the platform refuses.
	AppWrongSecret = "tt60d4166000000008805"
)

// AppUnconfigured is an app that nobody has configured.
const AppUnconfigured = "tt00000000000000000"

// Apps are the mini-apps with their secrets, as doustream is to know them.
func Apps() []douyin.App {
	return []douyin.App{
		{ID: AppShop, Secret: "sandbox-secret-of-the-shop-app"},
		{ID: AppTravel, Secret: "sandbox-secret-of-the-travel-app"},
		{ID: AppRefused, Secret: "sandbox-secret-of-the-refused-app"},
		{ID: AppLost, Secret: "sandbox-secret-of-the-lost-app"},
		{ID: AppWrongSecret, Secret: "sandbox-secret-that-is-wrong"},
	}
}

// PlatformApps are the mini-apps as the platform knows them.
func PlatformApps() []douyin.App {
	apps := Apps()
	apps[len(apps)-1].Secret = "sandbox-secret-that-is-right"
	return apps
}

// unknownErrNo is in no table.
const unknownErrNo = 49999

// Faults are the bad days of AppRefused and AppLost, as the simulated platform
// must be given them.
func Faults() []douyintest.Fault {
	return []douyintest.Fault{
		{Endpoint: douyin.EndpointCode2Session, AppID: AppRefused, Mode: douyintest.ModeErrNo, ErrNo: unknownErrNo},
		{Endpoint: douyin.EndpointCode2Session, AppID: AppLost, Mode: douyintest.ModeReset, After: true, First: true},
		{Endpoint: douyin.EndpointNotifyV1, AppID: AppLost, Mode: douyintest.ModeReset, After: true},
		{Endpoint: douyin.EndpointNotifyV2, AppID: AppLost, Mode: douyintest.ModeReset, After: true},
	}
}

// ForbiddenText is what the platform lets no message hold.
const ForbiddenText = "forbidden words"
