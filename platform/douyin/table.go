package douyin

// kinds is what each error number means, by endpoint: the same number means
// different things on different ones. Sources: the open platform's pages on
// code2Session, getAccessToken, client_token, and subscription messages.
var kinds = map[Endpoint]map[int64]Kind{
	EndpointCode2Session: {
		-1:    KindUnknown, // system error: the code may have been consumed
		40014: KindBadRequest,
		40015: KindConfig, // app id
		40017: KindConfig, // secret
		40018: KindCode,   // expired, used, or another app's
		40019: KindCode,   // the same of the anonymous code
	},
	EndpointAccessToken: {
		-1:    KindUnknown,
		40015: KindConfig,
		40017: KindConfig,
		40020: KindConfig, // grant_type
	},
	EndpointClientToken:       clientTokenKinds,
	EndpointStableClientToken: clientTokenKinds,
	EndpointNotifyV1: {
		-1:       KindUnknown,
		1000:     KindBadRequest, // format
		1001:     KindBadRequest, // content of a parameter
		1008:     KindContent,
		1009:     KindConfig, // the app's push capability is banned
		1010:     KindThrottled,
		2000:     KindUnknown, // internal: maybe sent
		28014043: KindNotSubscribed,
	},
	EndpointNotifyV2: {
		-1:       KindUnknown,
		28014036: KindNotSubscribed, // the user refuses
		28014041: KindNotSubscribed, // the credits are used up
		28014043: KindNotSubscribed,
	},
}

var clientTokenKinds = map[int64]Kind{
	-1:    KindUnknown,
	10002: KindConfig, // a parameter; ours are the app id, the secret and a constant
	10003: KindConfig, // client_key
	10013: KindConfig, // client_secret
	10020: KindThrottled,
}

// generalKinds are the numbers that mean the same everywhere: the 28xxxxxx
// family, and the older ones of a refused token.
var generalKinds = map[int64]Kind{
	2:        KindConfig, // the sandbox host, asked by an app that is none of its own
	40002:    KindToken,
	10008:    KindToken,
	2190002:  KindToken,
	2190008:  KindToken,
	28001003: KindToken,
	28001008: KindToken,
	28001005: KindUnknown, // internal: maybe done
	28001006: KindUnknown, // internal: maybe done
	28001052: KindThrottled,
	28003018: KindThrottled,
	28006003: KindThrottled,
	28003017: KindQuota,
	28001007: KindBadRequest,
	28001015: KindBadRequest,
	28001017: KindBadRequest,
	28001012: KindConfig,
	28001014: KindConfig,
	28001016: KindConfig,
	28001018: KindConfig,
	28001019: KindConfig,
	28001042: KindConfig,
	28001056: KindConfig,
	28001045: KindUser, // account cancelled
	28001046: KindUser,
	28001047: KindUser,
}

// unlistedKinds is how a number that no table knows is read: an exchange as a
// refusal, a fetch of a token as passing, a message as maybe sent.
var unlistedKinds = map[Endpoint]Kind{
	EndpointCode2Session:      KindBadRequest,
	EndpointAccessToken:       KindRetry,
	EndpointClientToken:       KindRetry,
	EndpointStableClientToken: KindRetry,
	EndpointNotifyV1:          KindUnknown,
	EndpointNotifyV2:          KindUnknown,
}

// kindOf looks an error number up.
func kindOf(endpoint Endpoint, no int64) Kind {
	if k, ok := listedKind(endpoint, no); ok {
		return k
	}
	return unlistedKinds[endpoint]
}

func listedKind(endpoint Endpoint, no int64) (Kind, bool) {
	k, ok := kinds[endpoint][no]
	if !ok {
		k, ok = generalKinds[no]
	}
	return k, ok
}
