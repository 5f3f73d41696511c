package douyin

// The paths of the platform's APIs. The first three are served by the apps
// host, the others by the open host.
const (
	PathCode2Session      = "/api/apps/v2/jscode2session"
	PathAccessToken       = "/api/apps/v2/token"
	PathNotifyV1          = "/api/apps/subscribe_notification/developer/v1/notify"
	PathClientToken       = "/oauth/client_token/"
	PathStableClientToken = "/oauth/stable_client_token/"
	PathNotifyV2          = "/api/notification/v2/subscription/notify_user/"
)

// Endpoint names an API of the platform; error numbers are looked up by it.
type Endpoint string

// The APIs that the client calls.
const (
	EndpointCode2Session      Endpoint = "jscode2session"
	EndpointAccessToken       Endpoint = "v2/token"
	EndpointClientToken       Endpoint = "client_token"
	EndpointStableClientToken Endpoint = "stable_client_token"
	EndpointNotifyV1          Endpoint = "v1/notify"
	EndpointNotifyV2          Endpoint = "v2/notify_user"
)

// Endpoints lists every Endpoint.
func Endpoints() []Endpoint {
	return []Endpoint{
		EndpointCode2Session, EndpointAccessToken, EndpointClientToken,
		EndpointStableClientToken, EndpointNotifyV1, EndpointNotifyV2,
	}
}
