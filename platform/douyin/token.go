package douyin

import (
	"context"
	"time"
)

const grantType = "client_credential"

// maxTokenLife bounds what is believed of expires_in.
const maxTokenLife = 30 * 24 * time.Hour

// Issued is a token as the platform gave it.
type Issued struct {
	Token     Token
	ExpiresIn time.Duration
	LogID     string
}

type accessTokenRequest struct {
	AppID     string `json:"appid"`
	Secret    string `json:"secret"`
	GrantType string `json:"grant_type"`
}

type clientTokenRequest struct {
	ClientKey    string `json:"client_key"`
	ClientSecret string `json:"client_secret"`
	GrantType    string `json:"grant_type"`
}

type tokenPayload struct {
	AccessToken text   `json:"access_token"`
	ExpiresIn   number `json:"expires_in"`
}

// AccessToken fetches the access_token of v1 notify (v2/token). Fetching cuts
// the life of the one before to five minutes.
func (c *Client) AccessToken(ctx context.Context, app App) (Issued, error) {
	return c.token(ctx, app, EndpointAccessToken,
		accessTokenRequest{AppID: app.ID, Secret: string(app.Secret), GrantType: grantType})
}

// ClientToken fetches a client_token. Fetching cuts the life of the one before
// to five minutes, only the newest two count, and more than 500 calls in five
// minutes are refused.
func (c *Client) ClientToken(ctx context.Context, app App) (Issued, error) {
	return c.token(ctx, app, EndpointClientToken,
		clientTokenRequest{ClientKey: app.ID, ClientSecret: string(app.Secret), GrantType: grantType})
}

// StableClientToken fetches the client_token that is the same for everybody
// who asks while it lives: the one to use for v2 notify.
func (c *Client) StableClientToken(ctx context.Context, app App) (Issued, error) {
	return c.token(ctx, app, EndpointStableClientToken,
		clientTokenRequest{ClientKey: app.ID, ClientSecret: string(app.Secret), GrantType: grantType})
}

func (c *Client) token(ctx context.Context, app App, endpoint Endpoint, body any) (Issued, error) {
	req := request{endpoint: endpoint, body: body, secrets: []string{string(app.Secret)}}
	var p tokenPayload
	ans, err := c.do(ctx, req, &p)
	if err != nil {
		return Issued{}, err
	}
	if p.AccessToken == "" || !p.ExpiresIn.set || p.ExpiresIn.n <= 0 {
		return Issued{}, ans.fail(errEmptyAnswer)
	}
	life := maxTokenLife
	if p.ExpiresIn.n < int64(maxTokenLife/time.Second) {
		life = time.Duration(p.ExpiresIn.n) * time.Second
	}
	return Issued{Token: Token(p.AccessToken), ExpiresIn: life, LogID: ans.logID}, nil
}
